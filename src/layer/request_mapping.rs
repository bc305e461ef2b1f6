//! Makes the integration request: method, URI and headers; a MOCK answers here.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error};
use crate::layer::capture;
use crate::layer::future::ResponseFuture;
use crate::mapping::{Call, MockStatus, Outcome, Plan, frame, grpc_deadline, map_request};
use crate::trace::{Rule, Step, Trace};

/// Turns the method request into the integration request.
///
/// Mapped parameters and overrides are applied, headers that belong to one hop are removed, path
/// and query are encoded, and a [`Target`](crate::target::Target) is attached. Nothing below may
/// change what it made, or a signature would not hold.
///
/// The body of an `HTTP_PROXY` streams. One of unknown length is sent on when its first frame is
/// there: with a `Content-Length` if that was all, chunked otherwise. Over HTTP/2, and for gRPC, it
/// is sent on at once.
///
/// # Errors
/// 400 for broken JSON that a mapping reads, 500 for refused headers, for a URI that cannot be
/// called and for a MOCK without a status.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::integration::{Integration, Method};
/// use tower_apigw::layer::RequestMappingLayer;
/// use tower_apigw::mapping::{Plan, Stage};
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let integration = Integration::http_proxy("http://backend.example/v2/{rest}")
///     .request_parameter("integration.request.path.rest", "method.request.path.proxy");
/// let plan = Plan::compile(&integration, &Method::new("ANY", "/{proxy+}"), Stage::default())?;
///
/// let tell = service_fn(|request: Request<Body>| async move {
///     Ok::<_, Infallible>(Response::new(Body::from(request.uri().to_string())))
/// });
/// let service = RequestMappingLayer::new(plan).layer(tell);
/// let response = service.oneshot(Request::get("/pets/7?page=2").body(Body::empty())?).await?;
/// assert_eq!(response.body().as_bytes().as_deref(), Some(&b"http://backend.example/v2/pets/7?page=2"[..]));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RequestMappingLayer {
    plan: Arc<Plan>,
}

impl RequestMappingLayer {
    /// Maps requests as `plan` says.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self { plan: plan.into() }
    }
}

impl<S> Layer<S> for RequestMappingLayer {
    type Service = RequestMapping<S>;

    fn layer(&self, inner: S) -> RequestMapping<S> {
        RequestMapping {
            inner,
            plan: Arc::clone(&self.plan),
        }
    }
}

/// See [`RequestMappingLayer`].
#[derive(Debug, Clone)]
pub struct RequestMapping<S> {
    inner: S,
    plan: Arc<Plan>,
}

impl<S, B, R> Service<Request<B>> for RequestMapping<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_service(error.into()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request = capture::own(request);
        let known = capture::take_call(&mut request);
        let collect = known.is_none() && capture::must_collect(&self.plan, &request);
        let peek = !collect
            && request.body().length().is_none()
            && !self.plan.begins_at_once(request.headers());
        if !collect && !peek {
            return self.send(request, known);
        }
        let clone = self.clone();
        let mut ready = std::mem::replace(self, clone);
        ResponseFuture::boxed(async move {
            let request = if collect {
                capture::collect_request(&ready.plan, request).await?
            } else {
                // Resolved: row 39 — the first frame decides how the body is framed.
                let (parts, body) = request.into_parts();
                Request::from_parts(parts, body.peek().await.map_err(capture::client_body)?)
            };
            ready.send(request, known).await
        })
    }
}

impl<S, R> RequestMapping<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
{
    fn send(
        &mut self,
        mut request: Request<Body>,
        known: Option<Arc<Call>>,
    ) -> ResponseFuture<S::Future> {
        match self.map(&mut request, known) {
            Ok(None) => ResponseFuture::pass(self.inner.call(request)),
            Ok(Some(status)) => {
                if let Some(trace) = request.extensions().get::<Trace>() {
                    trace.record(Step::MockStatus {
                        status,
                        rule: Rule::StatusOfMock,
                    });
                }
                let mut response = Response::new(Body::empty());
                response.extensions_mut().insert(MockStatus(status));
                ResponseFuture::ready(Ok(response))
            }
            Err(error) => ResponseFuture::ready(Err(error)),
        }
    }

    /// The status that a MOCK answers with, if it is one.
    fn map(
        &self,
        request: &mut Request<Body>,
        known: Option<Arc<Call>>,
    ) -> Result<Option<i64>, Error> {
        match known {
            Some(call) => self.map_call(&call, request),
            None => self.map_call(&capture::capture(&self.plan, request)?, request),
        }
    }

    fn map_call(&self, call: &Call, request: &mut Request<Body>) -> Result<Option<i64>, Error> {
        let client_waits = grpc_deadline(call.request.version, request.headers());
        let bytes = request.body().as_bytes();
        let mut mock = None;
        match map_request(call, request, bytes.as_deref())? {
            Outcome::Send => {}
            Outcome::SendBody(payload) => *request.body_mut() = Body::from(payload),
            Outcome::Answer(status) => mock = Some(status),
        }
        let limit = self.plan.stage().limits.request_body;
        request
            .body_mut()
            .limit(limit)
            .map_err(capture::client_body)?;
        let length = request.body().length();
        frame(request, length);
        let mut target = self.plan.target.clone();
        if let Some(client_waits) = client_waits {
            target.deadline = Instant::now()
                .checked_add(client_waits)
                .map(Instant::into_std);
        }
        request.extensions_mut().insert(target);
        Ok(mock)
    }
}
