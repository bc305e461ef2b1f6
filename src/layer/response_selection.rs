//! Selects the integration response by the backend's status, sets the status, maps headers.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error, ErrorKind};
use crate::integration::{IntegrationType, SelectionSubject};
use crate::layer::capture;
use crate::layer::deadline;
use crate::layer::function;
use crate::layer::future::{ResponseFuture, Step};
use crate::mapping::{
    Call, MockStatus, Plan, Selected, Subject, chosen, grpc_status_in, map_headers, proxy_headers,
    select,
};
use crate::trace::Trace;

/// Matches the answer against the selection patterns, and makes the head of the method response.
///
/// For proxy integrations nothing is selected; their headers are renamed and dropped as API
/// Gateway does, and the body streams through.
///
/// # Errors
/// 500 when no pattern matches and there is no default, when the chosen status is not declared,
/// and when a mapping reads a body that is broken JSON.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::integration::{Integration, IntegrationResponse, Method};
/// use tower_apigw::layer::ResponseSelectionLayer;
/// use tower_apigw::mapping::{Plan, Stage};
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let integration = Integration::http("GET", "http://backend.example/")
///     .response(IntegrationResponse::new(200))
///     .response(IntegrationResponse::new(404).selection_pattern("41\\d"));
/// let plan = Plan::compile(&integration, &Method::new("GET", "/pets"), Stage::default())?;
///
/// let gone = service_fn(|_: Request<Body>| async {
///     Ok::<_, Infallible>(Response::builder().status(410).body(Body::empty()).unwrap())
/// });
/// let service = ResponseSelectionLayer::new(plan).layer(gone);
/// let response = service.oneshot(Request::get("/pets").body(Body::empty())?).await?;
/// assert_eq!(response.status(), 404);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ResponseSelectionLayer {
    plan: Arc<Plan>,
}

impl ResponseSelectionLayer {
    /// Selects as `plan` says.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self { plan: plan.into() }
    }
}

impl<S> Layer<S> for ResponseSelectionLayer {
    type Service = ResponseSelection<S>;

    fn layer(&self, inner: S) -> ResponseSelection<S> {
        ResponseSelection {
            inner,
            plan: Arc::clone(&self.plan),
        }
    }
}

/// See [`ResponseSelectionLayer`].
#[derive(Debug, Clone)]
pub struct ResponseSelection<S> {
    inner: S,
    plan: Arc<Plan>,
}

impl<S, B, R> Service<Request<B>> for ResponseSelection<S>
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
        if self.plan.kind() == IntegrationType::AwsProxy {
            let facts = capture::method_request(&mut request);
            let plan = Arc::clone(&self.plan);
            let call = Arc::new(Call::of_proxy(plan, facts, request.headers()));
            return ResponseFuture::then(self.inner.call(request), call, function::finish_proxy);
        }
        if self.plan.kind().is_proxy() {
            let plan = Arc::clone(&self.plan);
            if let Some(trace) = request.extensions().get::<Trace>() {
                let trace = trace.clone();
                let answer = self.inner.call(request);
                return ResponseFuture::then_traced(answer, plan, trace, finish_traced_proxy);
            }
            return ResponseFuture::then_plan(self.inner.call(request), plan, finish_proxy);
        }
        let call = match capture::known_call(&request) {
            Some(call) => call,
            // Alone, it reads nothing of the request but its head.
            None => match Call::head(&self.plan, &mut request) {
                Ok(call) => Arc::new(call),
                Err(error) => return ResponseFuture::ready(Err(error)),
            },
        };
        ResponseFuture::then(self.inner.call(request), call, finish)
    }
}

impl Call {
    fn head(plan: &Arc<Plan>, request: &mut Request<Body>) -> Result<Self, Error> {
        let facts = capture::method_request(request);
        Self::capture_head(Arc::clone(plan), facts, request.headers())
    }
}

fn finish_proxy(plan: Arc<Plan>, response: Response<Body>) -> Step {
    pass_on(&plan, None, response)
}

fn finish_traced_proxy(plan: Arc<Plan>, trace: Trace, response: Response<Body>) -> Step {
    pass_on(&plan, Some(&trace), response)
}

fn pass_on(plan: &Plan, trace: Option<&Trace>, mut response: Response<Body>) -> Step {
    // Only where the plan lets a client go over to WebSocket: the head belongs to both of them.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Step::Done(Ok(response));
    }
    proxy_headers(response.headers_mut(), trace);
    // AWS: response-transfer-mode — a stream has no limit.
    let limit = plan.stage().limits.response_body;
    let limit = limit.filter(|_| !plan.streams_answer());
    Step::Done(match response.body_mut().limit(limit) {
        Ok(()) => Ok(response),
        Err(error) => Err(capture::backend_body(error)),
    })
}

fn finish(call: Arc<Call>, response: Response<Body>) -> Step {
    if call.plan.function().is_some() {
        return function::finish(call, response);
    }
    let subject = match response.extensions().get::<MockStatus>() {
        Some(&MockStatus(status)) => Subject::Status(status),
        None if call.plan.selection_subject == SelectionSubject::GrpcStatus => {
            Subject::Status(grpc_status_in(response.status(), response.headers()))
        }
        None => Subject::Status(i64::from(response.status().as_u16())),
    };
    map_answer(call, response, subject)
}

/// Selects for a subject, and maps the headers.
pub(super) fn map_answer(
    call: Arc<Call>,
    mut response: Response<Body>,
    subject: Subject<'_>,
) -> Step {
    let limits = &call.plan.stage().limits;
    let index = match select(&call, subject) {
        Ok(index) => index,
        Err(error) => return Step::Done(Err(error)),
    };
    tracing::debug!(%subject, index, "selected an integration response");
    let Some(response_plan) = chosen(&call.plan, index) else {
        return Step::Done(Err(Error::new(
            ErrorKind::Internal,
            "a response was chosen that the plan has not",
        )));
    };
    // What is mapped is held in memory; the limit is checked before anything is read.
    let limit = limits.collect_response();
    if let Err(error) = response.body_mut().limit(Some(limit)) {
        return Step::Done(Err(capture::backend_body(error)));
    }
    *response.status_mut() = response_plan.status;
    let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
    response.extensions_mut().insert(Selected {
        index,
        content_type,
    });
    let bytes = match response_plan.reads_body {
        true => response.body().as_bytes(),
        false => None,
    };
    if bytes.is_some() || !response_plan.reads_body {
        let headers = response.headers_mut();
        let mapped = map_headers(&call, response_plan, headers, bytes.as_ref());
        return Step::Done(mapped.map(|()| response));
    }
    Step::Later(Box::pin(async move {
        let (mut parts, body) = response.into_parts();
        let until = parts.extensions.get().copied();
        let bytes = deadline::collect_answer(body, limit, until).await?;
        let response_plan = chosen(&call.plan, index).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "a response was chosen that the plan has not",
            )
        })?;
        map_headers(&call, response_plan, &mut parts.headers, Some(&bytes))?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }))
}
