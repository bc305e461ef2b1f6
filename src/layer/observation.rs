//! Who wants to know of a request, and what they are told of the call of its backend.

use std::sync::Arc;

use http::{Request, Response};
use tokio::time::Instant;
use tracing::Span;
use tracing::span::EnteredSpan;

use crate::access_log::{Integration, Record};
use crate::body::Body;
use crate::error::{Error, ErrorKind};
use crate::layer::capture;
use crate::layer::spans;
use crate::metrics::{Call, Failure, RouteMetrics};
use crate::trace_context::TraceContext;

/// Who wants to know of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Observers {
    /// Where calls of the backend are counted.
    pub(super) route: Option<RouteMetrics>,
    /// What an access log is told.
    pub(super) record: Option<Record>,
    /// The span of the request in the trace of its client.
    pub(super) context: Option<Arc<TraceContext>>,
    /// The span of the request for `tracing`, which a layer outside of this one opened.
    pub(super) span: Option<Span>,
}

/// A call of a backend that somebody wants to know of.
#[derive(Debug)]
pub(super) struct Observation {
    began: Instant,
    call: Option<Call>,
    record: Option<Record>,
    span: Span,
}

impl Observation {
    /// Begins now, if anybody asks. Tells the backend which span of a trace it is called in.
    pub(super) fn begin(request: &mut Request<Body>) -> Option<Box<Self>> {
        let observers = capture::observers(request).cloned();
        let context = observers.as_ref().and_then(|known| known.context.as_ref());
        let context = context.map(|context| context.child(random()));
        let span = spans::call(request, context.as_ref());
        if observers.is_none() && span.is_disabled() {
            return None;
        }
        if let Some(context) = &context {
            context.write(request.headers_mut());
        }
        let Observers { route, record, .. } = observers.unwrap_or_default();
        Some(Box::new(Self {
            began: Instant::now(),
            call: route.map(Call::client),
            record,
            span,
        }))
    }

    /// What happens until this is dropped is of the call; `None` if nobody wants to know.
    pub(super) fn enter(&self) -> Option<EnteredSpan> {
        (!self.span.is_disabled()).then(|| self.span.clone().entered())
    }

    /// The head of the answer is there.
    pub(super) fn answered(&mut self, response: &Response<Body>) {
        spans::call_answered(&self.span, response);
        if let Some(call) = &mut self.call {
            call.answered(response.status());
        }
        if let Some(record) = &self.record {
            record.answered(integration(response, self.began));
        }
    }

    /// There is no answer.
    pub(super) fn failed(&mut self, error: &Error) {
        spans::call_failed(&self.span, error);
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

fn random() -> [u8; 8] {
    fastrand::u64(..).to_be_bytes()
}

// AWS: api-gateway-variables-for-access-logging — the id is that of the service's answer.
fn integration(response: &Response<Body>, began: Instant) -> Integration {
    let (mut id, mut other) = (None, None);
    for (name, value) in response.headers() {
        match name.as_str() {
            "x-amzn-requestid" => id = id.or(Some(value)),
            "x-amz-request-id" => other = other.or(Some(value)),
            _ => {}
        }
    }
    Integration {
        status: response.status(),
        latency: began.elapsed(),
        request_id: id.or(other).cloned(),
    }
}
