//! Maps bodies: the request's by the template for its `Content-Type`, the answer's by the one for
//! the client's `Accept`.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, header};
use http_body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error, ErrorKind};
use crate::layer::capture;
use crate::layer::deadline::{self, Deadline};
use crate::layer::future::{ResponseFuture, Step};
use crate::mapping::{BodyPlan, Call, Plan, Selected, override_response};

/// Renders request and response templates, and converts between text and binary.
///
/// It stands outside of [`ResponseSelectionLayer`](crate::layer::ResponseSelectionLayer), whose
/// choice it reads on the way back, and of
/// [`RequestMappingLayer`](crate::layer::RequestMappingLayer), which takes the overrides that a
/// request template leaves. The bodies of proxy integrations stream through it.
///
/// # Errors
/// 415 for a media type that may not pass, 413 and 500 for bodies over the limits, 500 for failed
/// templates and for a body that is not the base64 it should be.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::integration::{Integration, Method};
/// use tower_apigw::layer::BodyMappingLayer;
/// use tower_apigw::mapping::{Plan, Stage};
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let integration = Integration::http("POST", "http://backend.example/")
///     .request_template("application/json", r#"{"name": $input.json('$.pet')}"#);
/// let plan = Plan::compile(&integration, &Method::new("POST", "/pets"), Stage::default())?;
///
/// let echo = service_fn(|request: Request<Body>| async {
///     Ok::<_, Infallible>(Response::new(request.into_body()))
/// });
/// let service = BodyMappingLayer::new(plan).layer(echo);
/// let request = Request::post("/pets").body(Body::from(r#"{"pet": "Rex"}"#))?;
/// let response = service.oneshot(request).await?;
/// assert_eq!(response.body().as_bytes().as_deref(), Some(&br#"{"name": "Rex"}"#[..]));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct BodyMappingLayer {
    plan: Arc<Plan>,
}

impl BodyMappingLayer {
    /// Maps bodies as `plan` says.
    pub fn new(plan: impl Into<Arc<Plan>>) -> Self {
        Self { plan: plan.into() }
    }
}

impl<S> Layer<S> for BodyMappingLayer {
    type Service = BodyMapping<S>;

    fn layer(&self, inner: S) -> BodyMapping<S> {
        BodyMapping {
            inner,
            plan: Arc::clone(&self.plan),
        }
    }
}

/// See [`BodyMappingLayer`].
#[derive(Debug, Clone)]
pub struct BodyMapping<S> {
    inner: S,
    plan: Arc<Plan>,
}

impl<S, B, R> Service<Request<B>> for BodyMapping<S>
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
        let request = capture::own(request);
        // Nothing of a proxy's is mapped here; its request is captured where it is used.
        if self.plan.kind().is_proxy() {
            return ResponseFuture::pass(self.inner.call(request));
        }
        if !capture::must_collect(&self.plan, &request) {
            return self.send(request);
        }
        // The instance that is ready goes with the request, a clone stays.
        let clone = self.clone();
        let mut ready = std::mem::replace(self, clone);
        ResponseFuture::boxed(async move {
            // Not only for tidiness: without it the facts would be captured after the wait.
            let mut request = request;
            capture::method_request(&mut request);
            let request = capture::collect_request(&ready.plan, request).await?;
            ready.send(request).await
        })
    }
}

impl<S, R> BodyMapping<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
{
    /// Sends a request whose body is in memory, or not read.
    fn send(&mut self, mut request: Request<Body>) -> ResponseFuture<S::Future> {
        let call = match self.map(&mut request) {
            Ok(call) => call,
            Err(error) => return ResponseFuture::ready(Err(error)),
        };
        let call = Arc::new(call);
        capture::hand_down(&mut request, &call);
        ResponseFuture::then(self.inner.call(request), call, finish)
    }

    fn map(&self, request: &mut Request<Body>) -> Result<Call, Error> {
        let mut call = capture::capture(&self.plan, request)?;
        let body = call.map_body(request.headers())?;
        // What passes unread streams on as it is.
        if request.body().is_in_memory() {
            *request.body_mut() = Body::from(body);
        }
        Ok(call)
    }
}

/// Maps the answer.
fn finish(call: Arc<Call>, response: Response<Body>) -> Step {
    let (mut parts, body) = response.into_parts();
    let deadline = parts.extensions.remove::<Deadline>();
    // Where nobody below chose a response there is no template to choose from.
    let selected = parts.extensions.remove::<Selected>();
    let plan = match selected.as_ref().map(|selected| body_plan(&call, selected)) {
        Some(Ok(plan)) => {
            plan.told(&call);
            Some(plan).filter(|plan| !plan.passes())
        }
        Some(Err(error)) => return Step::Done(Err(error)),
        None => None,
    };
    let Some(plan) = plan else {
        let overridden = override_response(
            &call,
            &call.overrides,
            &mut parts.status,
            &mut parts.headers,
        );
        let answer = overridden.map(|()| Response::from_parts(parts, body));
        return pass_on(answer, deadline);
    };
    if let Some(bytes) = body.as_bytes() {
        return Step::Done(mapped(&plan, &call, parts, bytes));
    }
    Step::Later(Box::pin(async move {
        // The selection bounded the body already.
        let bytes = deadline::collect_answer(body, u64::MAX, deadline).await?;
        match &selected {
            Some(selected) => mapped(&body_plan(&call, selected)?, &call, parts, bytes),
            None => Ok(Response::from_parts(parts, Body::from(bytes))),
        }
    }))
}

fn body_plan<'a>(call: &'a Call, selected: &Selected) -> Result<BodyPlan<'a>, Error> {
    BodyPlan::new(call, selected).ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            "a response was chosen that the plan has not",
        )
    })
}

fn mapped(
    plan: &BodyPlan<'_>,
    call: &Call,
    mut parts: http::response::Parts,
    bytes: bytes::Bytes,
) -> Result<Response<Body>, Error> {
    let mapped = plan.map(call, bytes, &mut parts.status, &mut parts.headers)?;
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(mapped)))
}

/// An answer whose body nobody reads.
fn pass_on(answer: Result<Response<Body>, Error>, deadline: Option<Deadline>) -> Step {
    let Some(deadline) = deadline else {
        return Step::Done(answer);
    };
    let passing = deadline.passing;
    match answer {
        Ok(response) if !passing.at_once => Step::Later(Box::pin(async move {
            let (parts, body) = response.into_parts();
            let body = deadline::begun(body, deadline).await?;
            Ok(Response::from_parts(parts, passing.bound(body)))
        })),
        answer => Step::Done(answer.map(|response| response.map(|body| passing.bound(body)))),
    }
}
