//! Bodies that tell a trace what passes through them.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::body::{Body, End, Observer};
use crate::trace::{Payload, Step, Trace, header_pairs, masked_uri};

/// Records what goes to the backend.
pub(super) fn integration_request(trace: &Trace, request: Request<Body>) -> Request<Body> {
    let step = |body| Step::IntegrationRequest {
        method: request.method().to_string(),
        uri: masked_uri(request.uri()),
        headers: header_pairs(request.headers(), |_, _| None),
        body,
    };
    let place = trace.record(step(seen(request.body())));
    request.map(|body| tapped(trace, place, body))
}

/// Records what came back.
pub(super) fn answer(trace: &Trace, response: Response<Body>, latency: Duration) -> Response<Body> {
    let step = Step::Answer {
        status: response.status().as_u16(),
        headers: header_pairs(response.headers(), |_, _| None),
        body: seen(response.body()),
        latency_us: micros(latency),
    };
    let place = trace.record_message(step, response.headers(), "");
    response.map(|body| tapped(trace, place, body))
}

/// Records what the client gets.
pub(super) fn method_response(
    trace: &Trace,
    response: Response<Body>,
    elapsed: Duration,
) -> Response<Body> {
    let place = trace.record(Step::MethodResponse {
        status: response.status().as_u16(),
        headers: header_pairs(response.headers(), |_, _| None),
        body: seen(response.body()),
        elapsed_us: micros(elapsed),
    });
    response.map(|body| tapped(trace, place, body))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A body in memory; of a stream nothing is seen yet.
fn seen(body: &Body) -> Payload {
    body.as_bytes()
        .map_or_else(Payload::default, |bytes| Payload::whole(&bytes))
}

fn tapped(trace: &Trace, place: usize, body: Body) -> Body {
    // One in memory is in its step already.
    if body.is_in_memory() {
        return body;
    }
    body.observed(Tap {
        trace: trace.clone(),
        place,
    })
}

struct Tap {
    trace: Trace,
    place: usize,
}

impl Observer for Tap {
    fn data(&mut self, data: &Bytes) {
        self.trace.extend(self.place, data);
    }

    fn end(self, end: End) {
        if end == End::Broken {
            self.trace.break_off(self.place);
        }
    }
}
