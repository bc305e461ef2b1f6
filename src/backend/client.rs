//! An HTTP client: a pool of connections to backends, plain and with TLS.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::backend::resolve::{NameError, Resolver};
use crate::body::Body;
use crate::error::{Error, ErrorKind, find};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Below the 60 seconds after which common load balancers close an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const IDLE_PER_HOST: usize = 256;

/// Sends integration requests over HTTP/1.1, as API Gateway does.
///
/// Connections are kept for 50 seconds of idleness and up to 256 a host; making one may take three
/// seconds. Redirects are not followed and nothing is retried, but for a request of which nothing
/// was written because its connection had been closed. Certificates are checked against Mozilla's
/// roots.
///
/// # Errors
/// [`ErrorKind::Configuration`] for a name without an address and for certificates that are not
/// accepted, [`ErrorKind::Network`] for all else: refused, reset, not HTTP.
///
/// ```no_run
/// use tower::{Layer, ServiceExt};
/// use tower_apigw::backend::HttpClient;
/// use tower_apigw::integration::{Integration, Method};
/// use tower_apigw::layer::IntegrationLayer;
/// use tower_apigw::mapping::{Plan, Stage};
///
/// let integration = Integration::http_proxy("https://pets.example.com/");
/// let plan = Plan::compile(&integration, &Method::new("GET", "/"), Stage::default())?;
/// let service = IntegrationLayer::new(plan).layer(HttpClient::new());
/// # let _ = service;
/// # Ok::<_, tower_apigw::mapping::PlanError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Arc<Client<HttpsConnector<HttpConnector<Resolver>>, Body>>,
}

impl HttpClient {
    /// A client with a pool of its own; its clones share the pool.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new_with_resolver(Resolver::new());
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build(connector);
        Self { client: Arc::new(client) }
    }
}

/// The provider is named, so that no other crate of a program can leave it undecided.
fn tls_config() -> rustls::ClientConfig {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let builder = rustls::ClientConfig::builder_with_provider(provider.into());
    match builder.with_safe_default_protocol_versions() {
        Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
        // Both providers have the cipher suites of TLS 1.2 and 1.3.
        Err(_) => unreachable!("the provider supports the default protocol versions"),
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<Request<Body>> for HttpClient {
    type Response = Response<hyper::body::Incoming>;
    type Error = Error;
    type Future = HttpClientFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> HttpClientFuture {
        HttpClientFuture { inner: self.client.request(request) }
    }
}

pin_project! {
    /// The answer of a backend, to come.
    pub struct HttpClientFuture {
        #[pin]
        inner: ResponseFuture,
    }
}

impl Future for HttpClientFuture {
    type Output = Result<Response<hyper::body::Incoming>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map_err(typed)
    }
}

impl fmt::Debug for HttpClientFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientFuture").finish_non_exhaustive()
    }
}

// AWS: the texts are those of its execution log.
fn typed(error: hyper_util::client::legacy::Error) -> Error {
    if find::<NameError>(&error).is_some() {
        return Error::configuration("execution failed due to configuration error: invalid endpoint address")
            .with_source(error);
    }
    if let Some(tls) = find::<rustls::Error>(&error)
        && matches!(tls, rustls::Error::InvalidCertificate(_))
    {
        let reason = tls.to_string();
        return Error::configuration(format!("execution failed due to configuration error: {reason}"))
            .with_source(error);
    }
    Error::new(
        ErrorKind::Network,
        "execution failed due to a network error communicating with endpoint",
    )
    .with_source(error)
}
