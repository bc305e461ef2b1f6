//! The rim: errors end here as gateway responses, and every answer gets its ids.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{HeaderMap, Request, Response, Version};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::access_log::Record;
use crate::body::Body;
use crate::error::{BoxError, Error};
use crate::gateway_response::GatewayResponses;
use crate::layer::capture;
use crate::layer::one_call::OneCall;
use crate::layer::spans;
use crate::layer::tap;
use crate::mapping::{
    EXTENDED_REQUEST_ID, Facts, MethodRequest, Plan, REQUEST_ID, Stage, speaks_grpc,
};

/// Turns every error into the gateway response of its type; the service becomes [`Infallible`].
///
/// It stands outside of everything that may fail, and puts `x-amzn-RequestId` and `x-amz-apigw-id`
/// on every answer. A client that speaks gRPC gets an error of gRPC: status 200, `grpc-status` and
/// `grpc-message` in the head, no body. The typed [`Error`] stays in the extensions of the response, as an
/// `Arc<Error>`, for logs and metrics.
///
/// ```
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::error::{Error, ErrorKind};
/// use tower_apigw::layer::GatewayResponseLayer;
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let late = service_fn(|_: Request<Body>| async {
///     Err::<Response<Body>, _>(Error::new(ErrorKind::Timeout, "29 seconds are over"))
/// });
/// let service = GatewayResponseLayer::new().layer(late);
/// let response = service.oneshot(Request::get("/").body(Body::empty())?).await?;
/// assert_eq!(response.status(), 504);
/// let body = response.body().as_bytes().unwrap();
/// assert_eq!(&body[..], br#"{"message": "Endpoint request timed out"}"#);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct GatewayResponseLayer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    responses: Arc<GatewayResponses>,
    stage: Arc<Stage>,
    plan: Option<Arc<Plan>>,
}

impl GatewayResponseLayer {
    /// Answers with API Gateway's own gateway responses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers with the gateway responses of an API at `stage`.
    pub fn custom(
        responses: impl Into<Arc<GatewayResponses>>,
        stage: impl Into<Arc<Stage>>,
    ) -> Self {
        let shared = Shared {
            responses: responses.into(),
            stage: stage.into(),
            plan: None,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The same around the layers of one plan, whose resource `$context` then names.
    pub(super) fn of_plan(responses: Arc<GatewayResponses>, plan: Arc<Plan>) -> Self {
        let stage = Arc::clone(plan.stage());
        Self {
            shared: Arc::new(Shared {
                responses,
                stage,
                plan: Some(plan),
            }),
        }
    }
}

impl<S> Layer<S> for GatewayResponseLayer {
    type Service = GatewayResponse<S>;

    fn layer(&self, inner: S) -> GatewayResponse<S> {
        GatewayResponse {
            inner,
            shared: Arc::clone(&self.shared),
        }
    }
}

/// See [`GatewayResponseLayer`].
#[derive(Debug, Clone)]
pub struct GatewayResponse<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B, R> Service<Request<B>> for GatewayResponse<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = GatewayResponseFuture<S>;

    /// Always ready: an inner service that fails to become so fails the request, which then gets
    /// its answer.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.clone().into_call(request)
    }
}

impl<S> GatewayResponse<S>
where
    S: Service<Request<Body>>,
    S::Error: Into<BoxError>,
{
    /// One call, without a clone of the inner service.
    pub(crate) fn into_call<B>(self, request: Request<B>) -> GatewayResponseFuture<S>
    where
        B: HttpBody<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut request = capture::own(request);
        let (facts, record) = capture::recorded(&mut request);
        if let Some(record) = &record {
            record.routed(&facts, &self.shared.stage, self.shared.plan.as_ref());
        }
        let grpc = speaks_grpc(request.version(), request.headers());
        let reads_request = self.shared.responses.reads_request();
        let kept = (reads_request || record.is_some()).then(|| {
            let headers = reads_request.then(|| request.headers().clone());
            Box::new(Kept {
                headers: headers.unwrap_or_default(),
                record,
            })
        });
        let span = spans::request(&mut request, &facts, self.shared.plan.as_deref());
        let started = facts.trace.as_ref().map(|_| Instant::now());
        let call = span.in_scope(|| OneCall::new(self.inner, request));
        GatewayResponseFuture {
            span,
            call,
            rim: Rim {
                shared: self.shared,
                facts,
                kept,
                grpc,
                started,
            },
        }
    }
}

/// What answers a request whatever happens.
struct Rim {
    shared: Arc<Shared>,
    facts: Arc<MethodRequest>,
    kept: Option<Box<Kept>>,
    /// Whether the client speaks gRPC, and wants errors to look so.
    grpc: bool,
    /// When, if a trace wants to know how long it took.
    started: Option<Instant>,
}

/// What few answers need.
#[derive(Default)]
struct Kept {
    /// For gateway responses that read the request.
    headers: HeaderMap,
    record: Option<Record>,
}

impl Rim {
    fn finish(&self, answer: Result<Response<Body>, Error>) -> Response<Body> {
        let mut response = answer.unwrap_or_else(|error| self.fail(error));
        let headers = response.headers_mut();
        let mut request_id = self.facts.arrival.request_id.clone();
        let mut extended_id = self.facts.arrival.extended_request_id.clone();
        // They never come again: HTTP/2 need not keep them in the table of its connection.
        if self.facts.version == Version::HTTP_2 {
            request_id.set_sensitive(true);
            extended_id.set_sensitive(true);
        }
        headers.insert(REQUEST_ID, request_id);
        headers.insert(EXTENDED_REQUEST_ID, extended_id);
        match (&self.facts.trace, self.started) {
            (Some(trace), Some(started)) => {
                tap::method_response(trace, response, started.elapsed())
            }
            _ => response,
        }
    }

    #[cold]
    fn fail(&self, error: Error) -> Response<Body> {
        let none = Kept::default();
        let Kept { headers, record } = self.kept.as_deref().unwrap_or(&none);
        let resource = self.shared.plan.as_ref().map(|plan| plan.resource_path());
        let facts = Facts::new(&self.facts, headers, &self.shared.stage, resource, None);
        let responses = &self.shared.responses;
        let response = match self.grpc {
            false => responses.render(&error, &facts),
            true => responses.render_grpc(&error, &facts),
        };
        let mut response = response.map(Body::from);
        let request_id = self.facts.arrival.request_id.to_str().unwrap_or_default();
        let cause = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::warn!(
            request_id,
            kind = ?error.kind(),
            status = response.status().as_u16(),
            cause,
            "{error}"
        );
        if let Some(trace) = &self.facts.trace {
            trace.record(self.shared.responses.failure(&error));
        }
        if let Some(record) = record {
            record.failed(&error);
        }
        response.extensions_mut().insert(Arc::new(error));
        response
    }
}

pin_project! {
    /// The answer to a request, to come.
    #[project = FutureProjection]
    pub struct GatewayResponseFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        call: OneCall<S>,
        rim: Rim,
        span: tracing::Span,
    }
}

impl<S, R> Future for GatewayResponseFuture<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _entered = this.span.enter();
        let answer = ready!(this.call.as_mut().poll(cx));
        let answer = answer.map(|response| response.map(Body::new));
        if let Err(error) = &answer {
            spans::failed(this.span, error);
        }
        let response = this.rim.finish(answer);
        spans::answered(this.span, response.status());
        Poll::Ready(Ok(spans::to_its_end(this.span, response)))
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for GatewayResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayResponseFuture")
            .finish_non_exhaustive()
    }
}
