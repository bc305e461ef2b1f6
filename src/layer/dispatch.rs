//! Sends the integration request, and gives a failed call its type.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error};
use crate::layer::capture;
use crate::layer::deadline::{self, Deadline};
use crate::layer::one_call::OneCall;
use crate::layer::tap;
use crate::target::Target;
use crate::trace::Trace;

/// Hands requests to the backend within the deadline of their [`Target`].
///
/// The backend is the inner service: an HTTP client (see
/// [`HttpClient`](crate::backend::HttpClient)), an axum router, a function in process. It always
/// counts as ready, since a client that is not ready must fail the request and not the gateway;
/// the readiness of the inner service is awaited within the deadline.
///
/// # Errors
/// [`ErrorKind::Timeout`](crate::error::ErrorKind::Timeout) after the deadline; an [`Error`] of the inner service as it is; any
/// other error of it as [`ErrorKind::Network`](crate::error::ErrorKind::Network).
///
/// ```
/// use std::time::Duration;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::error::ErrorKind;
/// use tower_apigw::layer::DispatchLayer;
/// use tower_apigw::target::Target;
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broken = service_fn(|_: Request<Body>| async {
///     Err::<Response<Body>, _>(std::io::Error::other("connection reset"))
/// });
/// let request = Request::get("http://backend.example/")
///     .extension(Target::new().timeout(Duration::from_secs(5)))
///     .body(Body::empty())?;
/// let error = DispatchLayer::new().layer(broken).oneshot(request).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Network);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct DispatchLayer(());

impl DispatchLayer {
    /// Dispatches to the inner service.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for DispatchLayer {
    type Service = Dispatch<S>;

    fn layer(&self, inner: S) -> Dispatch<S> {
        Dispatch { inner }
    }
}

/// See [`DispatchLayer`].
#[derive(Debug, Clone)]
pub struct Dispatch<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Dispatch<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = DispatchFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = capture::own(request);
        let target = request.extensions().get::<Target>();
        let timeout = target.and_then(|target| target.timeout);
        let collects = target.is_some_and(|target| target.answer_is_collected);
        let (request, watch) = match request.extensions().get::<Trace>() {
            None => (request, None),
            Some(trace) => {
                let watch = (trace.clone(), Instant::now());
                (tap::integration_request(&watch.0, request), Some(watch))
            }
        };
        let call = OneCall::new(self.inner.clone(), request);
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        DispatchFuture {
            call,
            deadline,
            collects,
            sleep: None,
            watch,
        }
    }
}

pin_project! {
    /// The answer of a backend, to come.
    #[project = DispatchProjection]
    pub struct DispatchFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        call: OneCall<S>,
        deadline: Option<Instant>,
        collects: bool,
        // Made when the backend did not answer at once.
        #[pin]
        sleep: Option<Sleep>,
        watch: Option<(Trace, Instant)>,
    }
}

impl<S, R> Future for DispatchFuture<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(answer) = this.call.as_mut().poll(cx) {
            return Poll::Ready(match answer {
                Ok(response) => {
                    let mut response = response.map(Body::new);
                    if let Some((trace, sent)) = this.watch.take() {
                        response = tap::answer(&trace, response, sent.elapsed());
                    }
                    if let (true, Some(deadline)) = (*this.collects, *this.deadline) {
                        response.extensions_mut().insert(Deadline(deadline));
                    }
                    Ok(response)
                }
                Err(error) => Err(capture::blame_client(error)),
            });
        }
        let Some(deadline) = *this.deadline else {
            return Poll::Pending;
        };
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep_until(deadline)));
        }
        match this.sleep.as_mut().as_pin_mut().map(|sleep| sleep.poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(deadline::passed())),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for DispatchFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchFuture")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
