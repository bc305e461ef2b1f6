//! Makes connections: a name, an address, TLS, HTTP.

use std::fmt::{self, Debug};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::backend::client::failure::ConnectError;
use crate::backend::client::options::Options;
use crate::backend::client::outgoing::Outgoing;
use crate::backend::client::pool::Key;
use crate::backend::client::race;
use crate::backend::client::resolve::Resolver;
use crate::backend::client::streams::STREAMS_AT_FIRST;
use crate::backend::client::tls::{Tls, TlsOptions};
use crate::body::{Body, Ear};
use crate::target::has_valid_port;
use crate::tls::TlsError;

/// How much of an answer may be under way on a stream, and on a connection, that nobody reads.
// Chosen: eight streams whose clients do not read leave the others their room.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// The largest header block of an answer, decoded.
// hyper's bound for HTTP/1.1 is its buffer of some 400 KB; this is six times AWS's limit.
const HEADER_LIST: u32 = 64 * 1024;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    resolver: Resolver,
    tls: Tls,
    connect_timeout: Duration,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Connector {
    pub(super) fn new(options: &Options, tls: &TlsOptions) -> Result<Self, TlsError> {
        let mut http1 = http1::Builder::new();
        // hyper's own limit of 100 needs no memory of its own.
        if options.response_headers != 100 {
            http1.max_headers(options.response_headers);
        }
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(options.http2_ping)
            .keep_alive_timeout(options.http2_ping_timeout)
            .initial_max_send_streams(STREAMS_AT_FIRST)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST);
        Ok(Self {
            resolver: options.resolver.clone(),
            tls: Tls::new(tls)?,
            connect_timeout: options.connect_timeout,
            http1,
            http2,
        })
    }

    /// A connection of HTTP/1.1.
    pub(super) async fn http1(&self, key: &Key) -> Result<NewConnection, ConnectError> {
        let tcp = self.tcp(key).await?;
        if key.https {
            let tls = self.tls.connect(tcp, key, false, self.connect_timeout);
            self.speak_http1(tls.await?).await
        } else {
            self.speak_http1(tcp).await
        }
    }

    /// The same, of which the bytes can be had once the backend has switched protocols.
    pub(super) async fn http1_upgradable(
        &self,
        key: &Key,
    ) -> Result<http1::SendRequest<Body>, ConnectError> {
        let tcp = self.tcp(key).await?;
        if key.https {
            let tls = self.tls.connect(tcp, key, false, self.connect_timeout);
            self.speak_upgradable(tls.await?).await
        } else {
            self.speak_upgradable(tcp).await
        }
    }

    /// A connection of HTTP/2: agreed on by TLS, known in advance without it.
    pub(super) async fn http2(&self, key: &Key) -> Result<Multiplexed, ConnectError> {
        let tcp = self.tcp(key).await?;
        if key.https {
            let tls = self.tls.connect(tcp, key, true, self.connect_timeout);
            self.speak_http2(tls.await?).await
        } else {
            self.speak_http2(tcp).await
        }
    }

    async fn tcp(&self, key: &Key) -> Result<TcpStream, ConnectError> {
        if !has_valid_port(&key.authority) {
            return Err(ConnectError::Port);
        }
        let port = key
            .authority
            .port_u16()
            .unwrap_or(if key.https { 443 } else { 80 });
        let host = key.authority.host();
        let addresses = self.resolver.addresses(host, port, key.guarded).await?;
        race::connect(addresses, self.connect_timeout).await
    }

    async fn speak_http1<T>(&self, io: T) -> Result<NewConnection, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(io);
        let (mut sender, mut connection) =
            self.http1.handshake(io).await.map_err(ConnectError::Http)?;
        let (end, ended) = oneshot::channel();
        tokio::spawn(async move {
            let mut ear = Ear::default();
            let driven = poll_fn(|cx| {
                let mut own = Context::from_waker(ear.of(cx.waker()));
                Pin::new(&mut connection).poll(&mut own)
            });
            if let Err(error) = driven.await {
                tracing::debug!(%error, "a connection to a backend ended");
            }
            drop(end);
        });
        sender.ready().await.map_err(ConnectError::Http)?;
        Ok((sender, ended))
    }

    async fn speak_upgradable<T>(&self, io: T) -> Result<http1::SendRequest<Body>, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(io);
        let (mut sender, connection) =
            self.http1.handshake(io).await.map_err(ConnectError::Http)?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to a backend ended");
            }
        });
        sender.ready().await.map_err(ConnectError::Http)?;
        Ok(sender)
    }

    async fn speak_http2<T>(&self, io: T) -> Result<Multiplexed, ConnectError>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(io);
        let (sender, connection) = self.http2.handshake(io).await.map_err(ConnectError::Http)?;
        let driven = Arc::new(Driven(Mutex::new(Some(connection))));
        let room = Arc::clone(&driven);
        tokio::spawn(async move {
            if let Err(error) = poll_fn(|cx| driven.poll(cx)).await {
                tracing::debug!(%error, "a connection to a backend ended");
            }
        });
        Ok(Multiplexed { sender, room })
    }
}

/// A connection of HTTP/1.1, and what tells of its end.
pub(super) type NewConnection = (http1::SendRequest<Body>, oneshot::Receiver<()>);

/// A connection of HTTP/2.
#[derive(Debug)]
pub(super) struct Multiplexed {
    pub(super) sender: http2::SendRequest<Outgoing>,
    pub(super) room: Arc<dyn Room>,
}

/// Tells how many streams a connection takes.
pub(super) trait Room: Debug + Send + Sync {
    fn streams(&self) -> usize;
}

/// A connection that its task drives, and that others ask how many streams it takes.
struct Driven<T>(Mutex<Option<http2::Connection<TokioIo<T>, Outgoing, TokioExecutor>>>)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static;

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Driven<T> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        let mut driven = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = match driven.as_mut() {
            Some(connection) => ready!(Pin::new(connection).poll(cx)),
            None => Ok(()),
        };
        // Its end is what tells the senders that it is closed.
        *driven = None;
        Poll::Ready(ended)
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Room for Driven<T> {
    fn streams(&self) -> usize {
        let driven = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        driven
            .as_ref()
            .map_or(0, http2::Connection::current_max_send_streams)
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Debug for Driven<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven").finish_non_exhaustive()
    }
}
