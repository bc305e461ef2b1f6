//! Lambda functions in process: no network, no runtime API.

mod event;
mod invoke;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_service::Service;

use crate::backend::functions::invoke::{Invoked, Raw, Typed};
use crate::body::Body;
use crate::error::BoxError;
use crate::target::Target;

pub use event::{LambdaContext, LambdaEvent};
pub use invoke::FunctionsFuture;

/// Answers the requests that invoke functions which it knows, and hands all others to `S`.
///
/// A function is any `tower::Service<LambdaEvent<T>>`: its events are read with serde, so that the
/// types of `aws_lambda_events` fit, and its answers are written with serde. What it fails with
/// becomes a function error, as Lambda's runtimes report it. Integrations name functions by ARN or
/// name; a function is known by its name, or by name and qualifier (`worker:live`), which goes first.
///
/// ```
/// use http::{Request, StatusCode};
/// use serde_json::{Value, json};
/// use tower::{ServiceExt, service_fn};
/// use tower_apigw::Body;
/// use tower_apigw::backend::{Functions, LambdaEvent};
/// use tower_apigw::integration::{Integration, Method};
/// use tower_apigw::layer::IntegrationLayer;
/// use tower_apigw::mapping::{Plan, Stage};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower::Layer;
///
/// let functions = Functions::local().function(
///     "hello",
///     service_fn(|event: LambdaEvent<Value>| async move {
///         let name = &event.payload["queryStringParameters"]["name"];
///         Ok::<_, std::io::Error>(json!({"statusCode": 201, "body": format!("hello {name}")}))
///     }),
/// );
/// let uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/\
///            arn:aws:lambda:eu-west-1:111122223333:function:hello/invocations";
/// let plan = Plan::compile(&Integration::lambda_proxy(uri), &Method::new("GET", "/hello"), Stage::default())?;
/// let service = IntegrationLayer::new(plan).layer(functions);
/// let response = service.oneshot(Request::get("/hello?name=you").body(Body::empty())?).await?;
/// assert_eq!(response.status(), StatusCode::CREATED);
/// assert_eq!(response.body().as_bytes().as_deref(), Some(&b"hello \"you\""[..]));
/// # Ok(()) }
/// ```
pub struct Functions<S = NoFunction> {
    known: Arc<HashMap<String, Arc<dyn Invoked>>>,
    inner: S,
}

impl Functions<NoFunction> {
    /// Without anything behind: requests that invoke no function of it fail as Lambda does.
    pub fn local() -> Self {
        Self::new(NoFunction(()))
    }
}

impl<S> Functions<S> {
    /// In front of `inner`, such as an `HttpClient`.
    pub fn new(inner: S) -> Self {
        Self {
            known: Arc::default(),
            inner,
        }
    }

    /// Adds a function, or replaces the one of this name.
    ///
    /// It is called on a clone of `service` that is ready.
    #[must_use]
    pub fn function<F, T, R>(self, name: impl Into<String>, service: F) -> Self
    where
        F: Service<LambdaEvent<T>, Response = R> + Clone + Send + Sync + 'static,
        F::Future: Send,
        F::Error: Into<BoxError>,
        T: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        self.add(name.into(), Arc::new(Typed::new(service)))
    }

    /// Adds a function that gets the event as it is and gives its answer as it is, without serde.
    ///
    /// A function behind `responseTransferMode: STREAM` answers with metadata in JSON, eight NULs and
    /// the body, which may be a stream.
    #[must_use]
    pub fn raw_function<F, R>(self, name: impl Into<String>, service: F) -> Self
    where
        F: Service<LambdaEvent<Bytes>, Response = R> + Clone + Send + Sync + 'static,
        F::Future: Send,
        F::Error: Into<BoxError>,
        R: Into<Body> + Send + 'static,
    {
        self.add(name.into(), Arc::new(Raw(service)))
    }

    fn add(mut self, name: String, function: Arc<dyn Invoked>) -> Self {
        let mut known = (*self.known).clone();
        known.insert(name, function);
        self.known = Arc::new(known);
        self
    }

    fn find(&self, request: &Request<Body>) -> Option<(Arc<dyn Invoked>, LambdaContext)> {
        let target = request.extensions().get::<Target>()?;
        let function = target.function.as_ref()?;
        let qualified = function
            .qualifier
            .as_ref()
            .and_then(|qualifier| self.known.get(&format!("{}:{qualifier}", function.name)));
        let found = qualified.or_else(|| self.known.get(&function.name))?;
        let context = LambdaContext::new(function, request.headers(), target.timeout);
        Some((Arc::clone(found), context))
    }
}

impl<S: Clone> Clone for Functions<S> {
    fn clone(&self) -> Self {
        Self {
            known: Arc::clone(&self.known),
            inner: self.inner.clone(),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Functions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&String> = self.known.keys().collect();
        names.sort();
        f.debug_struct("Functions")
            .field("known", &names)
            .field("inner", &self.inner)
            .finish()
    }
}

impl<S> Service<Request<Body>> for Functions<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = FunctionsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.find(&request) {
            Some((function, context)) => {
                FunctionsFuture::invoke(invoke::invoke(function, context, request))
            }
            None => FunctionsFuture::pass(self.inner.call(request)),
        }
    }
}

/// Where there is no function of a name, and nobody else to ask.
#[derive(Debug, Clone, Copy)]
pub struct NoFunction(());

impl Service<Request<Body>> for NoFunction {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    // AWS: Lambda API reference, Invoke — 404 ResourceNotFoundException.
    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let body = Body::from(r#"{"Type":"User","Message":"Function not found"}"#);
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        std::future::ready(Ok(response))
    }
}
