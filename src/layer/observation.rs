//! Who wants to know of a request, and what they are told of the call of its backend.

use http::{Request, Response};
use tokio::time::Instant;

use crate::access_log::{Integration, Record};
use crate::body::Body;
use crate::error::{Error, ErrorKind};
use crate::layer::capture;
use crate::metrics::{Call, Failure, RouteMetrics};

/// Who wants to know of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Observers {
    /// Where calls of the backend are counted.
    pub(super) route: Option<RouteMetrics>,
    /// What an access log is told.
    pub(super) record: Option<Record>,
}

/// A call of a backend that somebody wants to know of.
#[derive(Debug)]
pub(super) struct Observation {
    began: Instant,
    call: Option<Call>,
    record: Option<Record>,
}

impl Observation {
    /// Begins now, if anybody asks.
    pub(super) fn begin(request: &Request<Body>) -> Option<Box<Self>> {
        let observers = capture::observers(request)?;
        Some(Box::new(Self {
            began: Instant::now(),
            call: observers.route.clone().map(Call::client),
            record: observers.record.clone(),
        }))
    }

    /// The head of the answer is there.
    pub(super) fn answered(&mut self, response: &Response<Body>) {
        if let Some(call) = &mut self.call {
            call.answered(response.status());
        }
        if let Some(record) = &self.record {
            record.answered(integration(response, self.began));
        }
    }

    /// There is no answer.
    pub(super) fn failed(&mut self, error: &Error) {
        if let Some(record) = &self.record {
            record.unanswered(error);
        }
        if let Some(call) = &mut self.call {
            call.failed(match error.kind() {
                ErrorKind::Timeout => Failure::Timeout,
                _ => Failure::Network,
            });
        }
    }
}

// AWS: api-gateway-variables-for-access-logging — the id is that of the service's answer.
fn integration(response: &Response<Body>, began: Instant) -> Integration {
    let id = |name: &str| response.headers().get(name).cloned();
    Integration {
        status: response.status(),
        latency: began.elapsed(),
        request_id: id("x-amzn-requestid").or_else(|| id("x-amz-request-id")),
    }
}
