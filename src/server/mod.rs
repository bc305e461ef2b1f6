//! A listener that speaks HTTP/1.1 and HTTP/2 (with prior knowledge, or over TLS) and gives each
//! request to a tower service.
//!
//! It does what the layers need from below and no general server does: it keeps the spelling of
//! header names ([`OriginalHeaderNames`](crate::mapping::OriginalHeaderNames)), tells the address
//! of the client ([`ClientAddress`]), holds requests to the [`Limits`] of their heads, and refuses
//! what could mean one thing here and another behind:
//!
//! | request | answer |
//! |---|---|
//! | HTTP/1.1 without `Host`, with several, or with one that is no host | 400 |
//! | `Transfer-Encoding` other than `chunked` | 501 |
//! | `CONNECT` | 501 |
//! | no request of HTTP | 400 |
//! | headers over the limit, more than 100 headers (`max_headers`) | 431 |
//! | target over the limit | 414 |
//! | `GET http://other/path` | served as `GET /path` |
//!
//! ```
//! use std::convert::Infallible;
//! use http::{Request, Response};
//! use tokio::net::TcpListener;
//! use tower::service_fn;
//! use tower_apigw::Body;
//! use tower_apigw::server::{End, Server};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let hello = service_fn(|_: Request<Body>| async {
//!     Ok::<_, Infallible>(Response::new(Body::from("hello")))
//! });
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let shutdown = async { /* a signal */ };
//! let end = Server::new().serve(listener, hello, shutdown).await;
//! assert_eq!(end, End::Drained);
//! # Ok(()) }
//! ```

mod admit;
mod connection;
mod entry;
mod framing;
mod patience;
mod protocol;
mod refused;
mod spelling;
mod stream;
mod swap;
#[cfg(feature = "server-tls")]
mod tls;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tower_service::Service;

use crate::body::Body;
use crate::error::BoxError;
use crate::mapping::{ClientAddress, Limits};
use crate::server::admit::Sizes;
use crate::server::connection::Terms;
use crate::server::patience::Times;
use crate::server::refused::Teller;

pub use refused::Refused;
pub use swap::Swap;
#[cfg(feature = "server-tls")]
pub use tls::Tls;

const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
// AWS: limits, "Idle connection timeout".
const IDLE_TIMEOUT: Duration = Duration::from_secs(310);
// Chosen: about what API Gateway gives an integration.
const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const DRAIN: Duration = Duration::from_secs(10);
/// How often a silent HTTP/2 client is asked whether it is there, and how long it may think.
const HTTP2_PING: Duration = Duration::from_secs(30);
const HTTP2_PING_ANSWER: Duration = Duration::from_secs(20);
const HTTP2_STREAMS: u32 = 200;
/// What hyper reads by itself.
const MAX_HEADERS: usize = 100;
/// A pause when no connection can be accepted, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are served.
#[derive(Debug, Clone)]
#[must_use]
pub struct Server {
    sizes: Sizes,
    keep_header_names: bool,
    times: Times,
    drain: Duration,
    max_connections: usize,
    max_headers: usize,
    refusals: Teller,
    #[cfg(feature = "server-tls")]
    tls: Option<Tls>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every request was answered.
    Drained,
    /// So many connections were still busy when the time was up, and were cut off.
    Cut(usize),
}

impl Server {
    /// A server without limits of its own on heads.
    pub fn new() -> Self {
        Self {
            sizes: Sizes::default(),
            keep_header_names: false,
            times: Times {
                head: HEADER_READ_TIMEOUT,
                idle: IDLE_TIMEOUT,
                body: BODY_IDLE_TIMEOUT,
            },
            drain: DRAIN,
            max_connections: usize::MAX,
            max_headers: MAX_HEADERS,
            refusals: Teller::default(),
            #[cfg(feature = "server-tls")]
            tls: None,
        }
    }

    /// Takes over the limits on header block and request target. The limits on bodies are for the
    /// service.
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.sizes = Sizes::of(limits);
        self
    }

    /// Whether requests carry
    /// [`OriginalHeaderNames`](crate::mapping::OriginalHeaderNames), at the cost of reading every
    /// head twice. HTTP/2 has no spelling to keep. The default is no.
    pub fn keep_header_names(mut self, keep: bool) -> Self {
        self.keep_header_names = keep;
        self
    }

    /// How long a client may take to send a head over HTTP/1, from its first byte to its last; then
    /// the connection is closed. The default is 30 seconds. This and the other timeouts are held to
    /// by a quarter: 30 seconds may be 37.
    pub fn header_read_timeout(mut self, timeout: Duration) -> Self {
        self.times.head = timeout;
        self
    }

    /// How long a connection without a request is kept. The default is 310 seconds, which is API
    /// Gateway's.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.times.idle = timeout;
        self
    }

    /// How long a client may send nothing of a body that the service waits for, and take nothing of
    /// an answer. The body of the request then ends in an error that the layers answer with 408;
    /// the connection of an answer is cut off. The default is 30 seconds. Bodies of gRPC over HTTP/2
    /// are waited for without end: their calls have deadlines of their own.
    pub fn body_idle_timeout(mut self, timeout: Duration) -> Self {
        self.times.body = timeout;
        self
    }

    /// How long requests may go on after the shutdown began. The default is 10 seconds. A client
    /// that neither sends nor takes anything meanwhile gets a fifth of it.
    pub fn drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// How many header lines a request of HTTP/1 may have; one with more is answered with 431. The
    /// default is 100; any other number costs memory for each request. Those of HTTP/2 are bounded
    /// by their bytes alone.
    pub fn max_headers(mut self, lines: usize) -> Self {
        self.max_headers = lines;
        self
    }

    /// How many connections are served at a time; more wait to be accepted. The default is no limit.
    pub fn max_connections(mut self, connections: std::num::NonZeroUsize) -> Self {
        self.max_connections = connections.get();
        self
    }

    /// Tells of the requests that the server answers by itself (the table above), which no service
    /// sees and no layer around it counts or logs. `told` runs within the connection, and must not
    /// block. The default is nobody.
    ///
    /// Of HTTP/2 it is told what has a head; a head that is too large for the protocol is answered
    /// below.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use tower_apigw::server::Server;
    ///
    /// let refused = Arc::new(AtomicU64::new(0));
    /// let count = Arc::clone(&refused);
    /// let server = Server::new().on_refusal(move |request| {
    ///     eprintln!("{:?}: {}", request.client, request.status);
    ///     count.fetch_add(1, Ordering::Relaxed);
    /// });
    /// # let _ = server;
    /// ```
    pub fn on_refusal(mut self, told: impl Fn(&Refused<'_>) + Send + Sync + 'static) -> Self {
        self.refusals = Teller::new(told);
        self
    }

    /// Speaks TLS. The default is plain HTTP.
    #[cfg(feature = "server-tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    fn speaks_tls(&self) -> bool {
        #[cfg(feature = "server-tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "server-tls"))]
        false
    }

    /// Serves the connections of `listener` until `shutdown` is ready; then accepts no more, lets
    /// the requests in flight end, and closes. A connection that went over to WebSocket is waited
    /// for as well, and cut off with the others when the time is up.
    ///
    /// Errors of single connections are logged and end nothing else. Dropping the future cuts all
    /// connections off.
    pub async fn serve<S, B>(
        self,
        listener: TcpListener,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> End
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let drain = self.drain;
        let most = self.max_connections;
        #[cfg(feature = "server-tls")]
        let tls = self.tls.clone();
        let terms = Arc::new(Terms::new(self));
        let (stop, stopped) = watch::channel(false);
        // Each connection has an end of it, also when it has left the set.
        let (alive, is_alive) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, client) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    report(ended);
                    continue;
                }
                accepted = accept(&listener), if connections.len() < most => accepted,
            };
            // Otherwise an answer in several writes waits for the client's acknowledgement.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot switch off the delay of small packets");
            }
            let client = ClientAddress(client.ip().to_canonical());
            let (service, terms) = (service.clone(), Arc::clone(&terms));
            let is_alive = is_alive.clone();
            #[cfg(feature = "server-tls")]
            if let Some(tls) = tls.clone() {
                let mut stopped = stopped.clone();
                connections.spawn(async move {
                    let stream = tokio::select! {
                        stream = tls.accept(stream) => stream?,
                        _ = stopped.wait_for(|stop| *stop) => return Ok(()),
                    };
                    connection::serve(stream, Some(client), service, terms, stopped, is_alive).await
                });
                continue;
            }
            connections.spawn(connection::serve(
                stream,
                Some(client),
                service,
                terms,
                stopped.clone(),
                is_alive,
            ));
        }
        drop((listener, is_alive));
        // Nobody listens when there are no connections.
        let _ = stop.send(true);
        let all = async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
            alive.closed().await;
        };
        match timeout(drain, all).await {
            Ok(()) => End::Drained,
            Err(_) => End::Cut(alive.receiver_count()),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

/// The next connection, however long that takes.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    [
        ConnectionAborted,
        ConnectionRefused,
        ConnectionReset,
        Interrupted,
    ]
    .contains(&error.kind())
}

fn report(ended: Result<Result<(), BoxError>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let reason = error.source().map(ToString::to_string);
            tracing::debug!(%error, reason, "a connection broke off");
        }
        Err(panic) => tracing::error!(error = %panic, "the service of a connection panicked"),
    }
}
