//! Capturing the method request, once, by whichever of our layers is outermost.

use std::sync::Arc;
use std::time::SystemTime;

#[cfg(feature = "openapi")]
use http::Method;
use http::Request;
use http_body::Body as HttpBody;

use crate::access_log::Record;
use crate::body::{Body, BodyError};
use crate::error::{Error, ErrorKind, find};
use crate::layer::observation::Observers;
use crate::mapping::{
    Arrival, Call, ClientAddress, MethodRequest, Plan, RANDOM_BYTES, trace_request,
};

/// What our layers hand down with a request. One extension for all of it, since each is a box.
#[derive(Debug, Clone, Default)]
struct Known {
    facts: Option<Arc<MethodRequest>>,
    call: Option<Arc<Call>>,
    observers: Option<Box<Observers>>,
}

/// The facts of a request: those that a layer outside of this one left, or new ones.
pub(super) fn method_request<B>(request: &mut Request<B>) -> Arc<MethodRequest> {
    recorded(request).0
}

/// The same, with where they are to be recorded.
pub(super) fn recorded<B>(request: &mut Request<B>) -> (Arc<MethodRequest>, Option<Record>) {
    let known = request.extensions().get::<Known>();
    let record = known.and_then(|known| known.observers.as_ref()?.record.clone());
    let facts = known.and_then(|known| known.facts.clone());
    (facts.unwrap_or_else(|| first_capture(request)), record)
}

fn first_capture<B>(request: &mut Request<B>) -> Arc<MethodRequest> {
    let mut random = [0; RANDOM_BYTES];
    fastrand::fill(&mut random);
    // They stay in the facts; the map of extensions need not grow for both.
    let names = request.extensions_mut().remove();
    let extensions = request.extensions();
    let captured = Arc::new(MethodRequest {
        method: request.method().clone(),
        uri: request.uri().clone(),
        version: request.version(),
        names,
        peer: peer(extensions),
        arrival: Arrival::new(SystemTime::now(), random, request.headers()),
        trace: extensions.get().cloned(),
    });
    if let Some(trace) = &captured.trace {
        trace.record_message(
            trace_request(&captured, request.headers()),
            request.headers(),
            request.uri().query().unwrap_or_default(),
        );
    }
    let known: &mut Known = request.extensions_mut().get_or_insert_default();
    known.facts = Some(Arc::clone(&captured));
    captured
}

/// Replaces the method, as facts that are captured already know it too.
#[cfg(feature = "openapi")]
pub(crate) fn set_method<B>(request: &mut Request<B>, method: Method) {
    if let Some(known) = request.extensions_mut().get_mut::<Known>()
        && let Some(facts) = &mut known.facts
    {
        Arc::make_mut(facts).method = method.clone();
    }
    *request.method_mut() = method;
}

/// Who wants to know of a request.
pub(super) fn observers<B>(request: &Request<B>) -> Option<&Observers> {
    request.extensions().get::<Known>()?.observers.as_deref()
}

/// The same, to add somebody.
pub(super) fn observe<B>(request: &mut Request<B>) -> &mut Observers {
    let known: &mut Known = request.extensions_mut().get_or_insert_default();
    known.observers.get_or_insert_default()
}

fn peer(extensions: &http::Extensions) -> Option<std::net::IpAddr> {
    if let Some(ClientAddress(address)) = extensions.get() {
        return Some(*address);
    }
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>()
    {
        return Some(address.ip());
    }
    None
}

/// The call that a layer outside of this one captured.
pub(super) fn known_call<B>(request: &Request<B>) -> Option<Arc<Call>> {
    request.extensions().get::<Known>()?.call.clone()
}

/// The same, for the layer that needs it last.
pub(super) fn take_call<B>(request: &mut Request<B>) -> Option<Arc<Call>> {
    request.extensions_mut().get_mut::<Known>()?.call.take()
}

/// Hands a call down to the layers inside of this one.
pub(super) fn hand_down<B>(request: &mut Request<B>, call: &Arc<Call>) {
    let call = Arc::clone(call);
    match request.extensions_mut().get_mut::<Known>() {
        Some(known) => known.call = Some(call),
        None => {
            let facts = Some(Arc::clone(&call.request));
            request.extensions_mut().insert(Known {
                facts,
                call: Some(call),
                observers: None,
            });
        }
    }
}

/// Whether a body has to be collected before the call can be captured.
pub(super) fn must_collect(plan: &Plan, request: &Request<Body>) -> bool {
    plan.collects_request_body()
        && plan.failure().is_none()
        && !request.body().is_in_memory()
        && !plan.passes_unread(request.headers())
}

/// Captures a request whose body is in memory, or not read by the plan.
pub(super) fn capture(plan: &Arc<Plan>, request: &mut Request<Body>) -> Result<Call, Error> {
    let facts = method_request(request);
    let body = if plan.collects_request_body() {
        request.body().as_bytes()
    } else {
        None
    };
    if let Some(body) = &body
        && u64::try_from(body.len()).unwrap_or(u64::MAX) > plan.stage().limits.collect_request()
    {
        return Err(request_too_large());
    }
    Call::capture(Arc::clone(plan), facts, request.headers(), body)
}

/// Reads the body of a request into memory.
pub(super) async fn collect_request(
    plan: &Plan,
    request: Request<Body>,
) -> Result<Request<Body>, Error> {
    let (parts, body) = request.into_parts();
    let collected = body
        .collect_within(plan.stage().limits.collect_request())
        .await;
    let collected = collected.map_err(client_body)?;
    Ok(Request::from_parts(parts, Body::from(collected.bytes)))
}

/// The client's body could not be read.
pub(super) fn client_body(error: BodyError) -> Error {
    client_failed(&error).with_source(error)
}

fn client_failed(error: &BodyError) -> Error {
    if error.is_too_large() {
        request_too_large()
    } else if error.is_timed_out() {
        Error::new(
            ErrorKind::RequestTimeout,
            "the request body did not come in time",
        )
    } else {
        Error::new(ErrorKind::ClientBody, "the request body broke off")
    }
}

fn request_too_large() -> Error {
    Error::new(
        ErrorKind::RequestTooLarge,
        "the request body is over the limit",
    )
}

/// A call that failed because the client's body did is no failure of the backend.
pub(super) fn blame_client(error: Error) -> Error {
    match find::<BodyError>(&error) {
        Some(body) if error.kind() == ErrorKind::Network => client_failed(body).with_source(error),
        _ => error,
    }
}

/// The answer's body could not be read.
pub(super) fn backend_body(error: BodyError) -> Error {
    if error.is_too_large() {
        return Error::new(
            ErrorKind::ResponseTooLarge,
            "the answer of the backend is over the limit",
        );
    }
    if let Some(ours) = find::<Error>(&error) {
        return Error::new(ours.kind(), "the answer of the backend broke off").with_source(error);
    }
    Error::new(
        ErrorKind::Network,
        "execution failed due to a network error communicating with endpoint: the answer broke off",
    )
    .with_source(error)
}

/// A request of any body as one of ours.
pub(super) fn own<B>(request: Request<B>) -> Request<Body>
where
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<crate::error::BoxError>,
{
    request.map(Body::new)
}
