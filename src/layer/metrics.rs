//! Times requests to the last byte of their answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::{Body, End, Observer};
use crate::error::BoxError;
use crate::layer::capture;
use crate::metrics::{Call, RouteMetrics};

/// Counts what passes through in the metrics of a route.
///
/// Outside the other layers it counts every answer of theirs; it has no errors of its own. It
/// tells [`DispatchLayer`](crate::layer::DispatchLayer) where calls of the backend are to be
/// counted. An answer in memory has ended when it is given to the server, a stream with its last
/// frame or when it is dropped.
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::Body;
/// use tower_apigw::layer::MetricsLayer;
/// use tower_apigw::metrics::Metrics;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = Metrics::new();
/// let service = MetricsLayer::new(metrics.route("GET", "/pets")).layer(service_fn(
///     |request: Request<Body>| async { Ok::<_, std::io::Error>(Response::new(request.into_body())) },
/// ));
/// service.oneshot(Request::get("/pets").body(Body::empty())?).await?;
/// assert!(metrics.to_string().contains("aws_apigateway_count_total{method=\"GET\",resource=\"/pets\"} 1\n"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct MetricsLayer {
    route: RouteMetrics,
}

impl MetricsLayer {
    /// Counts for `route`.
    pub fn new(route: RouteMetrics) -> Self {
        Self { route }
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = Measure<S>;

    fn layer(&self, inner: S) -> Measure<S> {
        Measure {
            inner,
            route: self.route.clone(),
        }
    }
}

/// See [`MetricsLayer`].
#[derive(Debug, Clone)]
pub struct Measure<S> {
    inner: S,
    route: RouteMetrics,
}

impl<S, B, R> Service<Request<B>> for Measure<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = MeasureFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let call = measured(&mut request, &self.route);
        MeasureFuture {
            inner: self.inner.call(request),
            call: Some(call),
        }
    }
}

pin_project! {
    /// An answer that is timed, to come.
    pub struct MeasureFuture<F> {
        #[pin]
        inner: F,
        call: Option<Call>,
    }
}

impl<F, R, E> Future for MeasureFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?.map(Body::new);
        Poll::Ready(Ok(match this.call.take() {
            Some(call) => to_its_end(call, response),
            None => response,
        }))
    }
}

impl<F> fmt::Debug for MeasureFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasureFuture").finish_non_exhaustive()
    }
}

/// Begins to time a request, and tells the layers below where to count.
pub(crate) fn measured<B>(request: &mut Request<B>, route: &RouteMetrics) -> Call {
    capture::observe(request).route = Some(route.clone());
    Call::server(route.clone())
}

/// Times an answer until its body ends.
pub(crate) fn to_its_end(mut call: Call, response: Response<Body>) -> Response<Body> {
    call.answered(response.status());
    response.map(|body| body.observed(Timed(call)))
}

/// The call counts when it is dropped.
struct Timed(#[expect(dead_code, reason = "is there to be dropped")] Call);

impl Observer for Timed {
    fn end(self, _: End) {}
}
