//! What can be chosen about a client.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::client::HttpClient;
use crate::backend::client::resolve::Resolver;
use crate::backend::client::tls::TlsOptions;
use crate::tls::TlsError;

/// Chooses how an [`HttpClient`] connects, whom it trusts and what it keeps.
///
/// ```
/// use std::time::Duration;
/// use tower_apigw::backend::HttpClient;
///
/// let client = HttpClient::builder()
///     .connect_timeout(Duration::from_secs(1))
///     .max_age(Duration::from_secs(60))
///     .build()?;
/// # let _ = client;
/// # Ok::<_, tower_apigw::tls::TlsError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct HttpClientBuilder {
    options: Options,
    tls: TlsOptions,
}

/// What was chosen, but for TLS.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) guard: bool,
    pub(super) resolver: Resolver,
    pub(super) connect_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_age: Duration,
    pub(super) idle_per_host: usize,
    pub(super) response_headers: usize,
    pub(super) http2_connections: usize,
    pub(super) http2_streams: usize,
    pub(super) http2_ping: Duration,
    pub(super) http2_ping_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            guard: false,
            resolver: Resolver::default(),
            connect_timeout: Duration::from_secs(3),
            // Below the 60 seconds after which common load balancers close an idle connection.
            idle_timeout: Duration::from_secs(50),
            max_age: Duration::from_secs(300),
            idle_per_host: 1024,
            response_headers: 100,
            http2_connections: 16,
            http2_streams: 200,
            http2_ping: Duration::from_secs(30),
            http2_ping_timeout: Duration::from_secs(20),
        }
    }
}

impl HttpClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            options: Options::default(),
            tls: TlsOptions::default(),
        }
    }

    /// Whether link-local addresses are out of reach for hosts with parameters or stage variables;
    /// see [`HttpClient::guarded`]. The default is no.
    pub fn guard(mut self, guard: bool) -> Self {
        self.options.guard = guard;
        self
    }

    /// How long a TCP connection may take to be made, and how long the TLS handshake after it. The
    /// default is 3 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long a connection is kept that nobody uses, to within a tenth. It should be shorter than the
    /// backend's own limit, or requests meet connections that are being closed. The default is 50
    /// seconds.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.options.idle_timeout = timeout;
        self
    }

    /// How old a connection may become; it then ends with the request that it serves. Names are
    /// looked up for each new connection, so that this is how long a change of addresses goes
    /// unnoticed. The default is 5 minutes.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.options.max_age = age;
        self
    }

    /// How many idle connections of HTTP/1.1 are kept for a host. The default is 1,024: where
    /// more requests go to a host at once than are kept, connections are made and closed all the time.
    pub fn max_idle_per_host(mut self, connections: usize) -> Self {
        self.options.idle_per_host = connections;
        self
    }

    /// How many headers an answer over HTTP/1.1 may have; one with more fails. The default is 100:
    /// up to that they are read without memory of their own, which spares each answer some 3,000
    /// instructions.
    pub fn max_response_headers(mut self, headers: usize) -> Self {
        self.options.response_headers = headers;
        self
    }

    /// How many connections of HTTP/2 are made to a host, and how many streams are opened on each
    /// before the next is made; the backend may allow fewer. Where all are full, requests wait. The
    /// default is 16 connections with 200 streams.
    pub fn http2_limits(mut self, connections: usize, streams: usize) -> Self {
        self.options.http2_connections = connections.max(1);
        self.options.http2_streams = streams.max(1);
        self
    }

    /// How often a connection of HTTP/2 with open streams is asked whether the backend is still
    /// there, and how long it may take to say so; after that its streams fail. The default is 30
    /// and 20 seconds.
    pub fn http2_ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.options.http2_ping = interval;
        self.options.http2_ping_timeout = timeout;
        self
    }

    /// Looks names up with `lookup` instead of the system's resolver. Several addresses are tried
    /// one after the other, each a quarter of a second after the one before, families by turns.
    pub fn lookup<F, R>(mut self, lookup: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        self.options.resolver = Resolver::new(Arc::new(move |name| Box::pin(lookup(name))));
        self
    }

    /// Trusts the certificate authorities in `pem` too, beside Mozilla's.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots.push(pem.into());
        self
    }

    /// Trusts only the authorities given with
    /// [`root_certificates`](HttpClientBuilder::root_certificates), and not Mozilla's.
    pub fn without_public_roots(mut self) -> Self {
        self.tls.no_public_roots = true;
        self
    }

    /// Shows this certificate to backends that ask for one: the chain, own certificate first, and
    /// its key (PKCS #8, PKCS #1 or SEC 1), in PEM.
    pub fn client_certificate(
        mut self,
        chain_pem: impl Into<Vec<u8>>,
        key_pem: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.identity = Some((chain_pem.into(), key_pem.into()));
        self
    }

    /// Asks every backend for a certificate of this name instead of its host's.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// The client.
    ///
    /// # Errors
    /// Certificates or keys that cannot be used. The text never shows any of them.
    pub fn build(self) -> Result<HttpClient, TlsError> {
        HttpClient::with(self.options, &self.tls)
    }
}
