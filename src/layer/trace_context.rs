//! Continues the traces of clients.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::layer::capture;
use crate::trace_context::{RANDOM_BYTES, TraceContext};

/// Puts each request into a trace of [W3C Trace Context](https://www.w3.org/TR/trace-context-2/).
///
/// API Gateway passes `traceparent` and `tracestate` on like any header, and so do the layers without
/// this one. With it, outside of all others, a request becomes a span of the trace that its
/// `traceparent` names, with its `tracestate`; what is missing or not valid begins a new, sampled
/// trace. Mappings, templates and functions read the header with the id of that span.
/// [`DispatchLayer`](crate::layer::DispatchLayer) makes each call of the backend a span within it,
/// and sends its id, whatever headers the integration maps. No signature covers it.
///
/// The spans of `tracing` that the layers make then have `trace_id`, `span_id` and `parent_span_id`.
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::layer::TraceContextLayer;
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = TraceContextLayer::new().layer(service_fn(|request: Request<Body>| async move {
///     let parent = request.headers()["traceparent"].to_str().unwrap_or_default();
///     assert!(parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
///     assert_ne!(&parent[36..52], "b7ad6b7169203331");
///     Ok::<_, std::io::Error>(Response::new(request.into_body()))
/// }));
/// let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let request = Request::get("/").header("traceparent", parent).body(Body::empty())?;
/// service.oneshot(request).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct TraceContextLayer(());

impl TraceContextLayer {
    /// Continues traces.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for TraceContextLayer {
    type Service = ContinueTrace<S>;

    fn layer(&self, inner: S) -> ContinueTrace<S> {
        ContinueTrace { inner }
    }
}

/// See [`TraceContextLayer`].
#[derive(Debug, Clone)]
pub struct ContinueTrace<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for ContinueTrace<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let mut random = [0; RANDOM_BYTES];
        fastrand::fill(&mut random);
        let context = TraceContext::of_request(request.headers(), random);
        context.write(request.headers_mut());
        capture::observe(&mut request).context = Some(Arc::new(context));
        self.inner.call(request)
    }
}
