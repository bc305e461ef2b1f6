//! Sends the integration request, and gives a failed call its type.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error};
use crate::layer::capture;
use crate::layer::deadline::{self, Clock, Passing};
use crate::layer::observation::Observation;
use crate::layer::one_call::OneCall;
use crate::layer::tap;
use crate::mapping::{Flow, flow};
use crate::target::Target;
use crate::trace::Trace;

/// Hands requests to the backend within the deadline of their [`Target`].
///
/// The backend is the inner service: an HTTP client (see
/// [`HttpClient`](crate::backend::HttpClient)), an axum router, a function in process. It always
/// counts as ready, since a client that is not ready must fail the request and not the gateway;
/// the readiness of the inner service is awaited within the deadline.
///
/// The deadline is for the beginning of an answer: its head and the first of its body. An answer of
/// `responseTransferMode: STREAM`, of events or of gRPC goes on as soon as its head is there. The
/// time begins when the request is written, and does not pass while its body is waited for.
///
/// The deadline of a whole call ([`Target::deadline`]) is for all of its request and its answer. An
/// answer of gRPC then ends with trailers that say so, any other breaks off.
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
        let mut request = capture::own(request);
        let target = request.extensions().get::<Target>();
        let timeout = target.and_then(|target| target.timeout);
        let deadline = target.and_then(|target| target.deadline);
        let answer = target.map_or(Awaited::default(), Awaited::of);
        let clock = Clock::begin(timeout, deadline.map(Instant::from_std), request.body_mut());
        let (mut request, watch) = match request.extensions().get::<Trace>() {
            None => (request, None),
            Some(trace) => {
                let watch = (trace.clone(), Instant::now());
                (tap::integration_request(&watch.0, request), Some(watch))
            }
        };
        let observed = Observation::begin(&mut request);
        let entered = observed.as_ref().and_then(|observed| observed.enter());
        let call = OneCall::new(self.inner.clone(), request);
        drop(entered);
        DispatchFuture {
            call,
            clock,
            answer,
            begun: None,
            sleep: None,
            watch,
            observed,
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
        clock: Option<Clock>,
        answer: Awaited,
        // An answer whose body has not begun.
        // These are in boxes, so that there is less to move from layer to layer.
        begun: Option<Box<(Passing, Response<Body>)>>,
        // Made when the backend did not answer at once.
        sleep: Option<Pin<Box<Sleep>>>,
        watch: Option<(Trace, Instant)>,
        // In a box, since few ask for it.
        observed: Option<Box<Observation>>,
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
        let _entered = this.observed.as_ref().and_then(|observed| observed.enter());
        loop {
            if let Some(mut begun) = this.begun.take() {
                match begun.1.body_mut().poll_first(cx) {
                    Poll::Ready(Ok(())) => {
                        let (passing, response) = *begun;
                        return Poll::Ready(Ok(bound(passing, response)));
                    }
                    Poll::Ready(Err(error)) => {
                        let error = capture::backend_body(error);
                        failed(this.observed, &error);
                        return Poll::Ready(Err(error));
                    }
                    Poll::Pending => {
                        *this.begun = Some(begun);
                        break;
                    }
                }
            }
            let response = match this.call.as_mut().poll(cx) {
                Poll::Ready(Ok(response)) => response.map(Body::new),
                Poll::Ready(Err(error)) => {
                    let error = capture::blame_client(error);
                    failed(this.observed, &error);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => break,
            };
            if let Some(observed) = this.observed {
                observed.answered(&response);
            }
            let mut response = match this.watch.take() {
                Some((trace, sent)) => tap::answer(&trace, response, sent.elapsed()),
                None => response,
            };
            let flow = match response.body().is_in_memory() {
                true => Flow::Whole,
                false => flow(response.headers()),
            };
            let idle = this.answer.idle;
            let Some(clock) = this.clock else {
                return Poll::Ready(Ok(bound(Passing::idle(idle, flow), response)));
            };
            let at_once = this.answer.is_seen_at_once(response.body(), flow);
            let passing = clock.passing(at_once, idle, flow);
            if this.answer.is_collected {
                let deadline = clock.deadline(passing);
                response.extensions_mut().insert(deadline);
                return Poll::Ready(Ok(response));
            }
            if passing.at_once {
                return Poll::Ready(Ok(bound(passing, response)));
            }
            *this.begun = Some(Box::new((passing, response)));
        }
        let Some(clock) = this.clock else {
            return Poll::Pending;
        };
        if this.sleep.is_none() {
            *this.sleep = Some(Box::pin(tokio::time::sleep_until(clock.at())));
        }
        while let Some(sleep) = this.sleep {
            ready!(sleep.as_mut().poll(cx));
            if clock.is_over() {
                let error = deadline::passed();
                failed(this.observed, &error);
                return Poll::Ready(Err(error));
            }
            sleep.as_mut().reset(clock.at());
        }
        Poll::Pending
    }
}

fn bound(passing: Passing, response: Response<Body>) -> Response<Body> {
    response.map(|body| passing.bound(body))
}

fn failed(observed: &mut Option<Box<Observation>>, error: &Error) {
    if let Some(observed) = observed {
        observed.failed(error);
    }
}

/// How the answer is awaited.
#[derive(Debug, Clone, Copy, Default)]
struct Awaited {
    is_collected: bool,
    is_stream: bool,
    idle: Option<Duration>,
}

impl Awaited {
    fn of(target: &Target) -> Self {
        Self {
            is_collected: target.answer_is_collected,
            is_stream: target.answer_is_stream,
            idle: target.idle_timeout,
        }
    }

    /// Whether an answer goes on before its body begins.
    fn is_seen_at_once(self, body: &Body, flow: Flow) -> bool {
        body.is_in_memory() || self.is_stream || (body.length().is_none() && flow != Flow::Whole)
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for DispatchFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchFuture")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
