//! Running a function, and its answer as Lambda's Invoke API would give it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::backend::functions::event::{LambdaContext, LambdaEvent};
use crate::body::Body;
use crate::error::BoxError;

type Output = Result<Body, BoxError>;
type Running = Pin<Box<dyn Future<Output = Output> + Send>>;

/// A function of any types.
pub(super) trait Invoked: Send + Sync {
    fn run(&self, event: LambdaEvent<Bytes>) -> Running;
}

/// A function that reads and writes with serde.
pub(super) struct Typed<F, T> {
    service: F,
    event: PhantomData<fn(T)>,
}

impl<F, T> Typed<F, T> {
    pub(super) fn new(service: F) -> Self {
        Self {
            service,
            event: PhantomData,
        }
    }
}

async fn call<F, T>(mut service: F, event: LambdaEvent<T>) -> Result<F::Response, BoxError>
where
    F: Service<LambdaEvent<T>>,
    F::Error: Into<BoxError>,
{
    poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(Into::into)?;
    service.call(event).await.map_err(Into::into)
}

impl<F, T, R> Invoked for Typed<F, T>
where
    F: Service<LambdaEvent<T>, Response = R> + Clone + Send + Sync + 'static,
    F::Future: Send,
    F::Error: Into<BoxError>,
    T: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    fn run(&self, event: LambdaEvent<Bytes>) -> Running {
        let service = self.service.clone();
        Box::pin(async move {
            let payload: T = serde_json::from_slice(&event.payload)?;
            let answer = call(service, LambdaEvent::new(payload, event.context)).await?;
            Ok(Body::from(serde_json::to_vec(&answer)?))
        })
    }
}

/// A function that takes and gives bytes.
pub(super) struct Raw<F>(pub(super) F);

impl<F, R> Invoked for Raw<F>
where
    F: Service<LambdaEvent<Bytes>, Response = R> + Clone + Send + Sync + 'static,
    F::Future: Send,
    F::Error: Into<BoxError>,
    R: Into<Body> + Send + 'static,
{
    fn run(&self, event: LambdaEvent<Bytes>) -> Running {
        let service = self.0.clone();
        Box::pin(async move { Ok(call(service, event).await?.into()) })
    }
}

/// The most that an event may have, whatever limits the stage sets: it is in memory already.
const MOST: u64 = 64 * 1024 * 1024;

/// Runs a function.
// AWS: Lambda API reference, Invoke.
pub(super) async fn invoke(
    function: Arc<dyn Invoked>,
    context: LambdaContext,
    request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get("x-amz-invocation-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut response = Response::new(Body::empty());
    if kind.eq_ignore_ascii_case("DryRun") {
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    }
    let payload = body.collect_within(MOST).await?.bytes;
    let version = HeaderValue::try_from(&context.version);
    let output = function.run(LambdaEvent::new(payload, context)).await;
    if let Ok(version) = version {
        let name = HeaderName::from_static("x-amz-executed-version");
        response.headers_mut().insert(name, version);
    }
    // Chosen: an event is worked off before its sender hears of it, so that nothing runs on unseen.
    if kind.eq_ignore_ascii_case("Event") {
        if let Err(error) = output {
            tracing::warn!(%error, "a function that was invoked with an event failed");
        }
        *response.status_mut() = StatusCode::ACCEPTED;
        return Ok(response);
    }
    match output {
        Ok(body) => *response.body_mut() = body,
        Err(error) => {
            let name = HeaderName::from_static("x-amz-function-error");
            let unhandled = HeaderValue::from_static("Unhandled");
            response.headers_mut().insert(name, unhandled);
            *response.body_mut() = Body::from(serde_json::to_vec(&FunctionError {
                error_message: error.to_string(),
                error_type: "Error",
            })?);
        }
    }
    Ok(response)
}

/// What the runtimes of Lambda report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_message: String,
    error_type: &'static str,
}

type Invocation = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

pin_project! {
    /// The answer of a function, or of the service behind [`Functions`](super::Functions), to come.
    pub struct FunctionsFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] inner: F },
        Function { running: Invocation },
    }
}

impl<F> FunctionsFuture<F> {
    pub(super) fn pass(inner: F) -> Self {
        Self {
            state: State::Inner { inner },
        }
    }

    pub(super) fn invoke(
        running: impl Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
    ) -> Self {
        Self {
            state: State::Function {
                running: Box::pin(running),
            },
        }
    }
}

impl<F, E> Future for FunctionsFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inner { inner } => inner.poll(cx).map_err(Into::into),
            StateProjection::Function { running } => running.as_mut().poll(cx),
        }
    }
}

impl<F> fmt::Debug for FunctionsFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionsFuture").finish_non_exhaustive()
    }
}
