//! An API out of a document: its plans, and the service that routes requests to them.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
#[cfg(feature = "sigv4")]
use crate::credentials::SharedProvider;
use crate::diagnostic::Diagnostic;
use crate::error::{BoxError, Error, ErrorKind};
use crate::gateway_response::GatewayResponses;
#[cfg(feature = "retry")]
use crate::layer::RetryLayer;
use crate::layer::{
    BodyMapping, Dispatch, GatewayResponse, GatewayResponseFuture, GatewayResponseLayer,
    IntegrationLayer, RequestMapping, ResponseSelection, SigV4, SigV4Layer, measured, set_method,
    to_its_end,
};
use crate::mapping::{METHOD_OVERRIDE, Models, Plan, Stage, find_header};
use crate::metrics::{Call, Metrics, RouteMetrics};
use crate::openapi::late::Late;
use crate::openapi::patterns::Admitted;
use crate::openapi::{Import, Operation, Router};

/// An API at a stage: every operation of a document, compiled.
///
/// ```
/// use http::Request;
/// use tower::{ServiceExt, service_fn};
/// use tower_apigw::openapi::Api;
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let api = Api::from_slice(br#"
/// openapi: 3.0.1
/// info: {title: hello, version: '1'}
/// paths:
///   /hello/{name}:
///     get:
///       responses: {'200': {description: a greeting}}
///       x-amazon-apigateway-integration:
///         type: mock
///         requestTemplates: {application/json: '{"statusCode": 200}'}
///         responses:
///           default:
///             statusCode: '200'
///             responseTemplates:
///               application/json: '{"hello": "$input.params("name")"}'
/// "#)?;
/// // A MOCK never calls its backend.
/// let backend = service_fn(|_: Request<Body>| async {
///     Err::<http::Response<Body>, _>(std::io::Error::other("no backend"))
/// });
/// let service = api.into_service(backend);
/// let response = service.oneshot(Request::get("/hello/you").body(Body::empty())?).await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.body().as_bytes().as_deref(), Some(&br#"{"hello": "you"}"#[..]));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Api {
    shared: Arc<Shared>,
    sigv4: SigV4Layer,
    #[cfg(feature = "retry")]
    retry: Option<RetryLayer>,
    counts: Option<Arc<Counts>>,
}

/// Where requests are counted.
#[derive(Debug)]
struct Counts {
    unmatched: RouteMetrics,
    /// As many as there are routes.
    routes: Vec<RouteMetrics>,
}

#[derive(Debug)]
struct Shared {
    stage: Arc<Stage>,
    responses: Arc<GatewayResponses>,
    router: Router<usize>,
    routes: Vec<Route>,
    findings: Vec<Diagnostic>,
}

/// One operation of an API.
#[derive(Debug)]
pub struct Route {
    http_method: String,
    uri: Option<String>,
    layer: IntegrationLayer,
}

impl Route {
    /// The client's method, or `ANY`.
    pub fn http_method(&self) -> &str {
        &self.http_method
    }

    /// The resource path.
    pub fn resource(&self) -> &str {
        self.plan().resource()
    }

    /// The URI of the integration, as written.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// What the operation does.
    pub fn plan(&self) -> &Plan {
        self.layer.plan()
    }
}

/// What happens to an operation that cannot be compiled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// The whole document is refused.
    #[default]
    Refuse,
    /// The operation is served with AWS's 500, and the others as they are.
    Run,
}

/// A document that cannot be served: everything that is wrong with it.
#[derive(Debug, Clone)]
pub struct ApiError {
    findings: Vec<Diagnostic>,
}

impl ApiError {
    /// Errors and warnings, by position.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.findings.iter().filter(|finding| finding.is_error());
        for (index, finding) in errors.enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl Api {
    /// Reads a document in JSON or YAML and compiles it for a stage named `default`.
    ///
    /// # Errors
    /// All mistakes at once, each with line and column.
    pub fn from_slice(document: &[u8]) -> Result<Self, ApiError> {
        let import = Import::from_slice(document).map_err(|error| ApiError {
            findings: vec![error.finding().clone()],
        })?;
        Self::new(&import, Stage::default(), OnError::Refuse)
    }

    /// Compiles a document for `stage`, to which the document's binary media types are added.
    ///
    /// # Errors
    /// All mistakes at once, unless `on_error` says to serve what is sound.
    pub fn new(import: &Import, stage: Stage, on_error: OnError) -> Result<Self, ApiError> {
        let document = import.document();
        let stage = match document.binary_media_types.as_slice() {
            [] => stage,
            types => stage.binary_media_types(types),
        };
        let stage = Arc::new(stage);
        let mut late = Late::default();
        let mut of_responses = Vec::new();
        let entries = document
            .gateway_responses
            .iter()
            .map(|(name, entry)| (name.as_str(), entry));
        let responses = match GatewayResponses::compile(entries) {
            Ok(responses) => {
                of_responses.extend(responses.warnings().iter().cloned());
                responses
            }
            Err(error) => {
                of_responses.extend(error.into_findings());
                GatewayResponses::default()
            }
        };
        for finding in of_responses {
            late.push(finding.under("/x-amazon-apigateway-gateway-responses"));
        }
        let responses = Arc::new(responses);

        let mut router = Router::new();
        let mut models = Models::default();
        let mut patterns = Admitted::default();
        let mut routes = Vec::with_capacity(document.operations.len());
        for operation in &document.operations {
            let method = &operation.method;
            let index = routes.len();
            if router
                .insert(&method.http_method, &method.resource, index)
                .is_err()
            {
                // The import has a finding about it.
                continue;
            }
            let plan = match patterns.admit(operation) {
                Ok(()) => compile(operation, &stage, &mut models, &mut late),
                Err(finding) => {
                    late.push(*finding);
                    Plan::failing(method, Arc::clone(&stage), "the API has too many patterns")
                }
            };
            routes.push(Route {
                http_method: method.http_method.clone(),
                uri: operation
                    .integration
                    .as_ref()
                    .and_then(|integration| integration.uri.clone()),
                layer: IntegrationLayer::with_gateway_responses(plan, Arc::clone(&responses)),
            });
        }
        let findings = late.with_those_of(import);
        if on_error == OnError::Refuse && findings.iter().any(Diagnostic::is_error) {
            return Err(ApiError { findings });
        }
        Ok(Self {
            shared: Arc::new(Shared {
                stage,
                responses,
                router,
                routes,
                findings,
            }),
            sigv4: SigV4Layer::without_credentials(),
            #[cfg(feature = "retry")]
            retry: None,
            counts: None,
        })
    }

    /// Errors (of what is served all the same) and warnings, by position.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.shared.findings
    }

    /// The operations, in the order of the document.
    pub fn routes(&self) -> &[Route] {
        &self.shared.routes
    }

    /// The stage.
    pub fn stage(&self) -> &Arc<Stage> {
        &self.shared.stage
    }

    /// The gateway responses, for what answers in front of the API.
    pub fn gateway_responses(&self) -> &Arc<GatewayResponses> {
        &self.shared.responses
    }

    /// Whether an operation or a gateway response reads the names of the client's headers, so that a server should keep
    /// their spelling ([`OriginalHeaderNames`](crate::mapping::OriginalHeaderNames)).
    pub fn reads_header_names(&self) -> bool {
        self.shared.responses.reads_request()
            || self
                .shared
                .routes
                .iter()
                .any(|route| route.plan().reads_header_names())
    }

    /// Signs what asks for a signature with `credentials`: a value, a provider, or a
    /// [`SharedProvider`] that others use too.
    #[cfg(feature = "sigv4")]
    #[must_use]
    pub fn credentials(mut self, credentials: impl Into<SharedProvider>) -> Self {
        self.sigv4 = SigV4Layer::new(credentials);
        self
    }

    /// Sends requests to the backend again as `retry` says. Without it none is.
    #[cfg(feature = "retry")]
    #[must_use]
    pub fn retry(mut self, retry: RetryLayer) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Counts requests in `metrics`, by the routes of the document; what has none is one route more.
    ///
    /// Another API may count there too, such as this one read again: what both have is counted on.
    #[must_use]
    pub fn metrics(mut self, metrics: &Metrics) -> Self {
        let routes = self.shared.routes.iter();
        let counts = routes.map(|route| metrics.route(route.http_method(), route.resource()));
        self.counts = Some(Arc::new(Counts {
            unmatched: metrics.unmatched(),
            routes: counts.collect(),
        }));
        self
    }

    /// The API as a service around `backend`.
    pub fn into_service<S>(self, backend: S) -> ApiService<S> {
        let rim = GatewayResponseLayer::custom(
            Arc::clone(&self.shared.responses),
            Arc::clone(&self.shared.stage),
        );
        ApiService {
            missing: rim.layer(NoRoute),
            shared: self.shared,
            sigv4: self.sigv4,
            #[cfg(feature = "retry")]
            retry: self.retry,
            counts: self.counts,
            backend,
        }
    }

    /// The API as an axum router around `backend`. It may be nested and merged; what it does not
    /// know it answers as API Gateway does, with 403.
    #[cfg(feature = "axum")]
    pub fn into_router<S, R>(self, backend: S) -> axum::Router
    where
        S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: HttpBody<Data = bytes::Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        axum::Router::new().fallback_service(self.into_service(backend))
    }
}

fn compile(
    operation: &Operation,
    stage: &Arc<Stage>,
    models: &mut Models,
    late: &mut Late,
) -> Plan {
    let method = &operation.method;
    let fail = |reason: &str| Plan::failing(method, Arc::clone(stage), reason);
    let Some(integration) = &operation.integration else {
        return fail(if operation.broken {
            "the integration cannot be read; see the errors of the document"
        } else {
            "the operation has no integration"
        });
    };
    match Plan::compile_with(integration, method, Arc::clone(stage), models) {
        Ok(plan) => {
            for finding in plan.warnings() {
                late.push(finding.clone().under(&operation.pointer));
            }
            if operation.broken {
                return fail("the integration cannot be read; see the errors of the document");
            }
            plan
        }
        Err(error) => {
            for finding in error.into_findings_at(&operation.pointer) {
                late.push_once(finding);
            }
            fail("the integration has errors; see the errors of the document")
        }
    }
}

/// See [`Api::into_service`].
#[derive(Debug, Clone)]
pub struct ApiService<S> {
    shared: Arc<Shared>,
    sigv4: SigV4Layer,
    #[cfg(feature = "retry")]
    retry: Option<RetryLayer>,
    missing: GatewayResponse<NoRoute>,
    counts: Option<Arc<Counts>>,
    backend: S,
}

impl<S> ApiService<S> {
    /// The API.
    pub fn api(&self) -> Api {
        Api {
            shared: Arc::clone(&self.shared),
            sigv4: self.sigv4.clone(),
            #[cfg(feature = "retry")]
            retry: self.retry.clone(),
            counts: self.counts.clone(),
        }
    }
}

impl<S, B, R> Service<Request<B>> for ApiService<S>
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
    type Error = Infallible;
    type Future = ApiFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ApiFuture<S> {
        if let Some(method) = overridden(&request) {
            set_method(&mut request, method);
        }
        let found = self
            .shared
            .router
            .find(request.method(), request.uri().path());
        let count = self.counts.as_ref().map(|counts| {
            let route = found.and_then(|&index| counts.routes.get(index));
            measured(&mut request, route.unwrap_or(&counts.unmatched))
        });
        let state = match found.and_then(|&index| self.shared.routes.get(index)) {
            #[cfg(feature = "retry")]
            Some(route) if let Some(retry) = &self.retry => {
                let backend = self.backend.clone();
                let service = route.layer.retried_by(retry, &self.sigv4, backend);
                State::Retried {
                    inner: Box::pin(service.into_call(request)),
                }
            }
            Some(route) => State::Found {
                inner: route
                    .layer
                    .signed_by(&self.sigv4, self.backend.clone())
                    .into_call(request),
            },
            None => State::Missing {
                inner: self.missing.clone().into_call(request),
            },
        };
        ApiFuture { state, count }
    }
}

// AWS: known-issues — the header replaces the method.
fn overridden<B>(request: &Request<B>) -> Option<Method> {
    let named = find_header(request.headers(), &METHOD_OVERRIDE)?;
    Method::from_bytes(named.as_bytes())
        .ok()
        .filter(|method| *method != Method::CONNECT)
}

/// Answers what has no route.
#[derive(Debug, Clone)]
pub struct NoRoute;

impl Service<Request<Body>> for NoRoute {
    type Response = Response<Body>;
    type Error = Error;
    type Future = std::future::Ready<Result<Response<Body>, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (method, path) = (request.method(), request.uri().path());
        std::future::ready(Err(Error::new(
            ErrorKind::NoRoute,
            format!("no method of the API matches {method} {path}"),
        )))
    }
}

type Inner<S> = BodyMapping<ResponseSelection<RequestMapping<SigV4<Dispatch<S>>>>>;

pin_project! {
    /// The answer of an API, to come.
    pub struct ApiFuture<S>
    where
        S: Service<Request<Body>>,
        Inner<S>: Service<Request<Body>>,
    {
        #[pin]
        state: State<GatewayResponseFuture<Inner<S>>>,
        count: Option<Call>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Found { #[pin] inner: F },
        // In a box, for what is asked for seldom and costs more anyway.
        Retried { inner: Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>> },
        // There is no route.
        Missing { #[pin] inner: GatewayResponseFuture<NoRoute> },
    }
}

impl<S, R> Future for ApiFuture<S>
where
    S: Service<Request<Body>>,
    Inner<S>: Service<Request<Body>, Response = Response<R>>,
    <Inner<S> as Service<Request<Body>>>::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = match this.state.project() {
            StateProjection::Found { inner } => inner.poll(cx),
            StateProjection::Retried { inner } => inner.as_mut().poll(cx),
            StateProjection::Missing { inner } => inner.poll(cx),
        };
        if this.count.is_some() && polled.is_ready() {
            let count = this.count.take();
            return polled.map_ok(|response| match count {
                Some(count) => to_its_end(count, response),
                None => response,
            });
        }
        polled
    }
}

impl<S> fmt::Debug for ApiFuture<S>
where
    S: Service<Request<Body>>,
    Inner<S>: Service<Request<Body>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiFuture").finish_non_exhaustive()
    }
}
