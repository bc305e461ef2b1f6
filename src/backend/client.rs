//! An HTTP client: connections to backends, plain and with TLS.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use crate::backend::pool::{Key, Pool};
use crate::backend::resolve::{Forbidden, NameError, Resolver, is_forbidden};
use crate::body::Body;
use crate::error::{BoxError, Error, ErrorKind, find};
use crate::target::Target;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends integration requests over HTTP/1.1, as API Gateway does.
///
/// Connections are kept for 50 seconds of idleness and up to 256 a host; making one may take three
/// seconds. Redirects are not followed and nothing is retried, but for a request of which nothing
/// was written because its connection had been closed. Certificates are checked against Mozilla's
/// roots.
///
/// It needs a tokio runtime with IO and time.
///
/// # Errors
/// [`ErrorKind::Configuration`] for a URI without a host, a name without an address and
/// certificates that are not accepted, [`ErrorKind::Network`] for all else: refused, reset, not
/// HTTP.
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
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: Pool,
    open: Connectors,
    guarded: Connectors,
    guard: bool,
}

#[derive(Debug)]
struct Connectors {
    plain: HttpConnector<Resolver>,
    tls: HttpsConnector<HttpConnector<Resolver>>,
}

impl Connectors {
    fn new(guarded: bool) -> Self {
        let mut plain = HttpConnector::new_with_resolver(Resolver::new(guarded));
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(CONNECT_TIMEOUT));
        plain.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config())
            .https_only()
            .enable_http1()
            .wrap_connector(plain.clone());
        Self { plain, tls }
    }
}

impl HttpClient {
    /// A client with a pool of its own; its clones share the pool.
    pub fn new() -> Self {
        Self::with_guard(false)
    }

    /// A client that refuses to send a request whose host has parameters or stage variables in it
    /// ([`Target::templated_host`]) to a link-local address or the metadata service of a cloud
    /// (`169.254.0.0/16`, `fe80::/10`, `fd00:ec2::254`). Loopback stays reachable.
    ///
    /// `apigw serve` uses it unless it is told otherwise.
    pub fn guarded() -> Self {
        Self::with_guard(true)
    }

    fn with_guard(guard: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                pool: Pool::default(),
                open: Connectors::new(false),
                guarded: Connectors::new(true),
                guard,
            }),
        }
    }
}

/// The provider is named, so that no other crate of a program can leave it undecided.
fn tls_config() -> rustls::ClientConfig {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
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
    type Response = Response<Body>;
    type Error = Error;
    type Future = HttpClientFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> HttpClientFuture {
        let shared = Arc::clone(&self.shared);
        HttpClientFuture(Box::pin(shared.send(request)))
    }
}

/// The answer of a backend, to come.
pub struct HttpClientFuture(Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>);

impl Future for HttpClientFuture {
    type Output = Result<Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for HttpClientFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientFuture").finish_non_exhaustive()
    }
}

impl Shared {
    async fn send(self: Arc<Self>, mut request: Request<Body>) -> Result<Response<Body>, Error> {
        signed(&request)?;
        let mut key = address(&mut request)?;
        key.guarded = self.guard
            && request
                .extensions()
                .get::<Target>()
                .is_some_and(|target| target.templated_host);
        loop {
            let (mut sender, reused) = match self.pool.take(&key) {
                Some(sender) => (sender, true),
                // In a box of its own: most requests never need the room.
                None => (Box::pin(self.connect(&key)).await.map_err(typed)?, false),
            };
            let failed = match sender.try_send_request(request).await {
                // Nobody asked for another protocol: `Upgrade` is never sent on.
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    return Err(Error::new(
                        ErrorKind::Network,
                        "execution failed due to a network error communicating with endpoint: \
                         it switched protocols unasked",
                    ));
                }
                Ok(mut response) => {
                    // Of the connection with the backend: its version, and a reason that belongs
                    // to a status which may yet be another.
                    *response.version_mut() = Version::HTTP_11;
                    response
                        .extensions_mut()
                        .remove::<hyper::ext::ReasonPhrase>();
                    return Ok(response.map(|body| self.pool.give_back(key, sender, body)));
                }
                Err(failed) => failed,
            };
            let mut failed = failed;
            match failed.take_message() {
                // The backend closed an idle connection before anything was written.
                Some(unsent) if reused => request = unsent,
                _ => return Err(typed(failed.into_error().into())),
            }
        }
    }

    async fn connect(&self, key: &Key) -> Result<SendRequest<Body>, BoxError> {
        let scheme = if key.https {
            Scheme::HTTPS
        } else {
            Scheme::HTTP
        };
        let target = Uri::builder()
            .scheme(scheme)
            .authority(key.authority.clone())
            .path_and_query("/")
            .build()?;
        let connectors = if key.guarded {
            // The connector does not ask the resolver about what is an address already.
            let host = key.authority.host().trim_matches(['[', ']']);
            if host.parse().is_ok_and(is_forbidden) {
                return Err(Forbidden.into());
            }
            &self.guarded
        } else {
            &self.open
        };
        if key.https {
            handshake(connectors.tls.clone().call(target).await?).await
        } else {
            handshake(connectors.plain.clone().call(target).await?).await
        }
    }
}

async fn handshake<T>(io: T) -> Result<SendRequest<Body>, BoxError>
where
    T: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(io).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a backend ended");
        }
    });
    sender.ready().await?;
    Ok(sender)
}

/// Refuses a request that asked for a signature and has none.
fn signed(request: &Request<Body>) -> Result<(), Error> {
    let target = request.extensions().get::<Target>();
    match target.and_then(|target| target.signing.as_ref()) {
        Some(scope) if !request.headers().contains_key(header::AUTHORIZATION) => Err(Error::new(
            ErrorKind::Credentials,
            format!(
                "a request to {} in {} needs a signature, and there are no credentials for it",
                scope.service, scope.region
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Where a request goes; its target becomes the origin form, its host a header.
fn address(request: &mut Request<Body>) -> Result<Key, Error> {
    let uri = std::mem::take(request.uri_mut()).into_parts();
    let (Some(scheme), Some(authority)) = (uri.scheme, uri.authority) else {
        return Err(Error::configuration(
            "invalid endpoint address: the URI of the request has no host",
        ));
    };
    let https = scheme == Scheme::HTTPS;
    if !https && scheme != Scheme::HTTP {
        return Err(Error::configuration(format!(
            "invalid endpoint address: the scheme {scheme} is unknown"
        )));
    }
    if let Some(target) = uri.path_and_query {
        *request.uri_mut() = Uri::from(target);
    }
    if let header::Entry::Vacant(host) = request.headers_mut().entry(header::HOST) {
        let usual = authority.port_u16() == Some(if https { 443 } else { 80 });
        let name = if usual {
            authority.host()
        } else {
            authority.as_str()
        };
        let name = HeaderValue::from_str(name)
            .map_err(|error| Error::configuration("invalid endpoint address").with_source(error))?;
        host.insert(name);
    }
    Ok(Key {
        https,
        authority,
        guarded: false,
    })
}

// AWS: the texts are those of its execution log.
fn typed(error: BoxError) -> Error {
    if find::<Forbidden>(error.as_ref()).is_some() {
        return Error::configuration(
            "execution failed due to configuration error: invalid endpoint address: a host with \
             parameters or stage variables leads to a link-local address",
        )
        .with_source(error);
    }
    if find::<NameError>(error.as_ref()).is_some() {
        return Error::configuration(
            "execution failed due to configuration error: invalid endpoint address",
        )
        .with_source(error);
    }
    if let Some(tls) = find::<rustls::Error>(error.as_ref())
        && matches!(tls, rustls::Error::InvalidCertificate(_))
    {
        let reason = tls.to_string();
        return Error::configuration(format!(
            "execution failed due to configuration error: {reason}"
        ))
        .with_source(error);
    }
    Error::new(
        ErrorKind::Network,
        "execution failed due to a network error communicating with endpoint",
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn hosts_with_parameters_lead_to_no_link_local_address() {
        for host in [
            "169.254.169.254",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[::ffff:169.254.0.1]",
        ] {
            let mut target = Target::new();
            target.templated_host = true;
            let request = Request::get(format!("http://{host}/latest/meta-data/"))
                .extension(target)
                .body(Body::empty());
            let error = HttpClient::guarded()
                .call(request.unwrap())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{host}");
            assert!(error.message().contains("link-local"), "{host}: {error}");
        }
        for host in ["127.0.0.1", "10.0.0.1", "[::1]", "169.253.0.1"] {
            assert!(
                !is_forbidden(host.trim_matches(['[', ']']).parse().unwrap()),
                "{host}"
            );
        }
    }

    #[tokio::test]
    async fn a_backend_that_switches_protocols_unasked_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer =
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
        let request = Request::get(format!("http://{address}/")).body(Body::empty());
        let error = HttpClient::new().call(request.unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network);
    }

    #[tokio::test]
    async fn the_status_line_of_a_backend_stays_behind() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer = b"HTTP/1.0 404 NOT THERE\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
        let request = Request::get(format!("http://{address}/")).body(Body::empty());
        let response = HttpClient::new().call(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.version(), Version::HTTP_11);
        assert!(
            response
                .extensions()
                .get::<hyper::ext::ReasonPhrase>()
                .is_none()
        );
    }
}
