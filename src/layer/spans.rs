//! The spans of `tracing`, under OpenTelemetry's names: one for a request, one for a call of its
//! backend.
//!
//! They cost nothing unless a subscriber wants them: what they say is made when they are.
// OpenTelemetry: semantic conventions, HTTP spans.

use std::fmt;

use http::uri::Authority;
use http::{Request, Response, StatusCode, Uri, header};
use tracing::Span;
use tracing::field::{Empty, debug, display};

use crate::body::{Body, End, Observer};
use crate::error::Error;
use crate::layer::capture;
use crate::mapping::{MethodRequest, OverTls, Plan};
use crate::trace_context::TraceContext;

/// The span of a client's request. There is one: whoever stands inside of another tells it the route.
pub(super) fn request(
    request: &mut Request<Body>,
    facts: &MethodRequest,
    plan: Option<&Plan>,
) -> Span {
    let outer = capture::observers(request).and_then(|known| known.span.as_ref());
    if let Some(outer) = outer {
        if let Some(plan) = plan {
            outer.record("http.route", plan.resource());
            name(outer, facts, Some(plan));
        }
        return outer.clone();
    }
    let span = tracing::debug_span!(
        "request",
        "otel.kind" = "server",
        "otel.name" = Empty,
        "otel.status_code" = Empty,
        "http.request.method" = %facts.method,
        "http.route" = plan.map(Plan::resource),
        "url.path" = facts.uri.path(),
        "url.scheme" = scheme(request),
        "server.address" = Empty,
        "server.port" = Empty,
        "client.address" = facts.peer.map(display),
        "user_agent.original" = Empty,
        "aws.request_id" = ?facts.arrival.request_id,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
    );
    if !span.is_disabled() {
        describe(&span, request, facts, plan);
        capture::observe(request).span = Some(span.clone());
    }
    span
}

fn name(span: &Span, facts: &MethodRequest, plan: Option<&Plan>) {
    let method = &facts.method;
    match plan {
        Some(plan) => span.record(
            "otel.name",
            display(format_args!("{method} {}", plan.resource())),
        ),
        None => span.record("otel.name", display(method)),
    };
}

#[cold]
fn describe(span: &Span, request: &Request<Body>, facts: &MethodRequest, plan: Option<&Plan>) {
    name(span, facts, plan);
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    if let Some(host) = host.as_ref().or(request.uri().authority()) {
        server(span, host, scheme(request));
    }
    let agent = request.headers().get(header::USER_AGENT);
    if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
        span.record("user_agent.original", agent);
    }
    if let Some(context) = capture::observers(request).and_then(|known| known.context.as_ref()) {
        place(span, context);
    }
}

fn scheme(request: &Request<Body>) -> &str {
    match request.uri().scheme_str() {
        Some(scheme) => scheme,
        None if request.extensions().get::<OverTls>().is_some() => "https",
        None => "http",
    }
}

fn server(span: &Span, host: &Authority, scheme: &str) {
    span.record("server.address", host.host());
    let usual = if scheme == "https" { 443 } else { 80 };
    span.record("server.port", host.port_u16().unwrap_or(usual));
}

fn place(span: &Span, context: &TraceContext) {
    span.record("trace_id", display(context.trace));
    span.record("span_id", display(context.span));
    if let Some(parent) = context.parent {
        span.record("parent_span_id", display(parent));
    }
}

/// The request got a gateway response.
pub(super) fn failed(span: &Span, error: &Error) {
    span.record("error.type", debug(error.kind()));
}

/// What the client gets.
pub(super) fn answered(span: &Span, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status.as_u16());
    // Of a server, what is the client's fault is no error.
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// Holds the span of a request until its answer is over.
pub(super) fn to_its_end(span: &Span, response: Response<Body>) -> Response<Body> {
    if span.is_disabled() {
        return response;
    }
    response.map(|body| body.observed(Open(span.clone())))
}

/// A span that ends with an answer.
struct Open(Span);

impl Observer for Open {
    fn end(self, end: End) {
        // A client that goes away is no error of the server.
        if end == End::Broken {
            self.0.record("error.type", "broken");
            self.0.record("otel.status_code", "ERROR");
        }
    }
}

/// The span of a call of the backend; `context` is that of the call.
pub(super) fn call(request: &Request<Body>, context: Option<&TraceContext>) -> Span {
    let uri = request.uri();
    let span = tracing::debug_span!(
        "integration",
        "otel.kind" = "client",
        "otel.name" = %request.method(),
        "otel.status_code" = Empty,
        "http.request.method" = %request.method(),
        "url.full" = %Address(uri),
        "server.address" = Empty,
        "server.port" = Empty,
        "http.response.status_code" = Empty,
        "error.type" = Empty,
        trace_id = Empty,
        span_id = Empty,
        parent_span_id = Empty,
    );
    if !span.is_disabled() {
        if let Some(host) = uri.authority() {
            server(&span, host, uri.scheme_str().unwrap_or("http"));
        }
        if let Some(context) = context {
            place(&span, context);
        }
    }
    span
}

/// Where a call goes.
// Chosen: without the query and the user, where secrets stand under any name.
struct Address<'u>(&'u Uri);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(uri) = self;
        if let Some(host) = uri.authority() {
            let host = host.as_str();
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            write!(f, "{}://{host}", uri.scheme_str().unwrap_or("http"))?;
        }
        f.write_str(uri.path())
    }
}

/// The backend answered.
pub(super) fn call_answered(span: &Span, response: &Response<Body>) {
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// The backend gave no answer.
pub(super) fn call_failed(span: &Span, error: &Error) {
    span.record("error.type", debug(error.kind()));
    span.record("otel.status_code", "ERROR");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_secrets() {
        for (uri, expected) in [
            ("https://u:p@h:1/a/b?k=v", "https://h:1/a/b"),
            ("http://h", "http://h/"),
            ("/p?q", "/p"),
        ] {
            assert_eq!(Address(&uri.parse().unwrap()).to_string(), expected);
        }
    }
}
