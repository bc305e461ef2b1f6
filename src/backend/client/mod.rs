//! An HTTP client: connections to backends, plain and with TLS.

mod connector;
mod exchange;
mod failure;
mod lenient;
mod multiplexed;
mod options;
mod outgoing;
mod pool;
mod race;
mod resolve;
mod streams;
mod tls;
mod upgrade;

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::Scheme;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use tower_service::Service;

use crate::backend::client::connector::Connector;
use crate::backend::client::options::Options;
use crate::backend::client::pool::{Key, Pool};
use crate::backend::client::streams::Streams;
use crate::backend::client::tls::TlsOptions;
use crate::body::Body;
use crate::error::{Error, ErrorKind};
use crate::integration::Protocol;
use crate::target::Target;
use crate::tls::TlsError;

pub use options::HttpClientBuilder;

/// Sends integration requests over HTTP/1.1, as API Gateway does, or over HTTP/2 where the
/// [`Target`] says so ([`Target::protocol`]).
///
/// Connections are kept for 50 seconds of idleness and for 5 minutes in all, up to 1,024 a host;
/// making one may take three seconds. Redirects are not followed and nothing is retried, but for a
/// request of which nothing was written because its connection had been closed, or that the backend
/// says it never looked at (`REFUSED_STREAM`, `GOAWAY`). Certificates are checked against Mozilla's
/// roots. [`HttpClient::builder`] has the choices.
///
/// Where [`Target::websocket`] allows it and the server's connection can be had (hyper's
/// `OnUpgrade` among the extensions of the request), a client goes over to WebSocket with the
/// backend: bytes are then copied both ways until both sides have ended, without a deadline.
///
/// HTTP/2 is spoken with prior knowledge to `http://`, and agreed on in the TLS handshake (ALPN)
/// with `https://`. Requests share one connection a host until its streams are used up; then more
/// are made.
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
    streams: Streams,
    connector: Arc<Connector>,
    guard: bool,
}

impl HttpClient {
    /// A client with a pool of its own; its clones share the pool.
    pub fn new() -> Self {
        Self::plain(Options::default())
    }

    /// A client that refuses to send a request whose host has parameters or stage variables in it
    /// ([`Target::templated_host`]) to a link-local address or the metadata service of a cloud
    /// (`169.254.0.0/16`, `fe80::/10`, `fd00:ec2::254`). Loopback stays reachable.
    ///
    /// `apigw serve` uses it unless it is told otherwise.
    pub fn guarded() -> Self {
        Self::plain(Options {
            guard: true,
            ..Options::default()
        })
    }

    /// Chooses timeouts, limits, certificates and names.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::new()
    }

    fn plain(options: Options) -> Self {
        match Self::with(options, &TlsOptions::default()) {
            Ok(client) => client,
            // Both providers have the cipher suites of TLS 1.2 and 1.3, and nothing is read.
            Err(_) => unreachable!("TLS without certificates of one's own is always there"),
        }
    }

    fn with(options: Options, tls: &TlsOptions) -> Result<Self, TlsError> {
        let connector = Arc::new(Connector::new(&options, tls)?);
        Ok(Self {
            shared: Arc::new(Shared {
                pool: Pool::new(&options),
                streams: Streams::new(&options, Arc::clone(&connector)),
                connector,
                guard: options.guard,
            }),
        })
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

    fn call(&mut self, mut request: Request<Body>) -> HttpClientFuture {
        let shared = Arc::clone(&self.shared);
        let way = match Way::of(&request) {
            Ok(way) => way,
            Err(error) => return HttpClientFuture(Box::pin(ready(Err(error)))),
        };
        let key = match address(&mut request) {
            Ok((https, authority)) => Key {
                https,
                authority,
                guarded: way.templated && shared.guard,
                lenient: way.lenient,
            },
            Err(error) => return HttpClientFuture(Box::pin(ready(Err(error)))),
        };
        HttpClientFuture(match way.protocol {
            Protocol::Http1 if way.websocket => Box::pin(shared.send_upgrading(key, request)),
            Protocol::Http1 => return shared.send(key, request),
            Protocol::Http2 => Box::pin(shared.send_multiplexed(key, request)),
        })
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

/// Refuses an answer that would mean another thing to whom it is passed on.
fn check(response: &Response<Incoming>) -> Result<(), Error> {
    // Nobody asked for another protocol: `Upgrade` is never sent on.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(failure::bad_answer("it switched protocols unasked"));
    }
    // Only a body that is sent in chunks can have another coding beneath them, whose name would be
    // lost with the framing.
    if response.body().size_hint().exact().is_some() {
        return Ok(());
    }
    let mut codings = response.headers().get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(failure::bad_answer(
            "its answer has a transfer coding other than chunked",
        )),
    }
}

/// How a request wants to be sent.
struct Way {
    protocol: Protocol,
    lenient: bool,
    templated: bool,
    /// It asks for WebSocket, and may.
    websocket: bool,
}

impl Way {
    /// Refuses a request that asked for a signature and has none.
    fn of(request: &Request<Body>) -> Result<Self, Error> {
        let Some(target) = request.extensions().get::<Target>() else {
            return Ok(Self {
                protocol: Protocol::default(),
                lenient: false,
                templated: false,
                websocket: false,
            });
        };
        if let Some(scope) = &target.signing
            && !request.headers().contains_key(header::AUTHORIZATION)
        {
            return Err(Error::new(
                ErrorKind::Credentials,
                format!(
                    "a request to {} in {} needs a signature, and there are no credentials for it",
                    scope.service, scope.region
                ),
            ));
        }
        Ok(Self {
            protocol: target.protocol,
            lenient: target.insecure_skip_verification,
            templated: target.templated_host,
            websocket: target.websocket && request.headers().contains_key(header::UPGRADE),
        })
    }
}

/// Where a request goes; its target becomes the origin form, its host a header.
fn address(request: &mut Request<Body>) -> Result<(bool, http::uri::Authority), Error> {
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
    if !request.headers().keys().any(|name| name == header::HOST) {
        let usual = authority.port_u16() == Some(if https { 443 } else { 80 });
        let name = if usual {
            authority.host()
        } else {
            authority.as_str()
        };
        let name = HeaderValue::from_str(name)
            .map_err(|error| Error::configuration("invalid endpoint address").with_source(error))?;
        request.headers_mut().insert(header::HOST, name);
    }
    Ok((https, authority))
}

#[cfg(test)]
mod tests {
    use http::Version;
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
    }

    #[tokio::test]
    async fn a_port_that_is_none_is_not_the_usual_one() {
        for host in [
            "127.0.0.1:99999",
            "127.0.0.1:abc",
            "[::1]:70000",
            "127.0.0.1:",
        ] {
            let request = Request::get(format!("http://{host}/")).body(Body::empty());
            let Ok(request) = request else { continue };
            let error = HttpClient::new().call(request).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{host}");
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
