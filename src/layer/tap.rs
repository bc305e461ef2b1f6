//! Bodies that tell a trace what passes through them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};
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
        latency: micros(latency),
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
        elapsed: micros(elapsed),
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
    if body.as_bytes().is_some() {
        return body;
    }
    Body::new(Tap {
        inner: body,
        trace: trace.clone(),
        place,
    })
}

struct Tap {
    inner: Body,
    trace: Trace,
    place: usize,
}

impl HttpBody for Tap {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.trace.extend(self.place, data);
                }
            }
            Poll::Ready(Some(Err(_))) => self.trace.break_off(self.place),
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
