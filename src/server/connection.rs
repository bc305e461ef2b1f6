//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tower_service::Service;

use crate::body::{Body, Ear};
use crate::error::BoxError;
use crate::mapping::ClientAddress;
use crate::server::Server;
use crate::server::admit::Sizes;
use crate::server::entry::Entry;
use crate::server::patience::{Activity, Patience, Verdict};
use crate::server::protocol::{Protocol, detect};
use crate::server::spelling::{Spelled, Tap};
use crate::server::stream::{Refusals, Stream};

/// Clients that stop moving get this part of the grace of a shutdown.
const PATIENCE_OF_DRAIN: u32 = 5;

/// What the connections of a server have in common.
#[derive(Debug)]
pub(super) struct Terms {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    server: Server,
}

impl Terms {
    pub(super) fn new(server: Server) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // We have our own, which knows an idle connection from an unfinished head.
            .header_read_timeout(None)
            .max_buf_size(server.buffer());
        // hyper has room for the usual number; any other is allocated for each head.
        if server.max_headers != super::MAX_HEADERS {
            http1.max_headers(server.max_headers);
        }
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(super::HTTP2_PING)
            .keep_alive_timeout(super::HTTP2_PING_ANSWER)
            .max_concurrent_streams(super::HTTP2_STREAMS)
            .max_header_list_size(u32::try_from(server.buffer()).unwrap_or(u32::MAX));
        Self {
            http1,
            http2,
            server,
        }
    }
}

/// Serves a connection until it ends, or until `stop` changes and its requests are answered.
pub(super) async fn serve<T, S, B>(
    mut stream: T,
    client: Option<ClientAddress>,
    service: S,
    terms: Arc<Terms>,
    mut stop: watch::Receiver<bool>,
    alive: watch::Receiver<()>,
) -> Result<(), BoxError>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let server = &terms.server;
    let found = tokio::select! {
        found = timeout(server.times.idle, detect(&mut stream, server.times.head)) => found,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    let Some((protocol, opening)) =
        found.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??
    else {
        return Ok(());
    };
    let spelled = (server.keep_header_names && protocol == Protocol::Http1).then(Spelled::default);
    let tap = spelled
        .clone()
        .map(|spelled| Tap::new(server.buffer(), server.max_headers, spelled));
    let activity = Arc::<Activity>::default();
    let refusals = match protocol {
        Protocol::Http1 => Refusals::of(
            server.sizes.headers,
            server.max_headers,
            client,
            server.refusals.clone(),
        ),
        Protocol::Http2 => Refusals::default(),
    };
    let speaks_http = Arc::new(());
    let stream = Stream::new(
        stream,
        opening,
        tap,
        Arc::clone(&activity),
        refusals,
        Arc::downgrade(&speaks_http),
        alive,
    );
    let io = TokioIo::new(stream);
    let http1 = protocol == Protocol::Http1;
    let mut patience = Patience::new(Arc::clone(&activity), server.times, http1);
    let entry = Entry {
        service,
        client,
        sizes: server.sizes,
        over_tls: server.speaks_tls(),
        spelled,
        activity,
        refusals: server.refusals.clone(),
        _speaks_http: speaks_http,
    };

    // Asked once, it wakes this task; asked about the version, it costs next to nothing.
    let version = stop.clone();
    let mut stop = std::pin::pin!(stop.wait_for(|stop| *stop));
    let mut asked = false;
    let mut is_stopped = |cx: &mut Context<'_>| {
        if asked && !version.has_changed().unwrap_or(true) {
            return false;
        }
        asked = true;
        stop.as_mut().poll(cx).is_ready()
    };
    let mut ending = false;

    /// Polls a connection of either kind, and tells it to end when `stop` or its patience says so.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = std::pin::pin!($connection);
            let mut ear = Ear::default();
            poll_fn(|cx| {
                loop {
                    let mut own = Context::from_waker(ear.of(cx.waker()));
                    if let Poll::Ready(ended) = connection.as_mut().poll(&mut own) {
                        return Poll::Ready(ended.map_err(BoxError::from));
                    }
                    let verdict = patience.poll(cx);
                    match verdict {
                        Poll::Ready(Verdict::Idle) if !ending => {}
                        Poll::Ready(verdict) => {
                            tracing::debug!(?verdict, "a connection was cut off");
                            return Poll::Ready(Err(
                                io::Error::from(io::ErrorKind::TimedOut).into()
                            ));
                        }
                        Poll::Pending if ending || !is_stopped(cx) => return Poll::Pending,
                        Poll::Pending => {}
                    }
                    ending = true;
                    patience.hurry(server.drain / PATIENCE_OF_DRAIN);
                    connection.as_mut().graceful_shutdown();
                }
            })
            .await
        }};
    }
    match protocol {
        Protocol::Http1 => drive!(terms.http1.serve_connection(io, entry).with_upgrades()),
        Protocol::Http2 => drive!(terms.http2.serve_connection(io, entry)),
    }
}

impl Server {
    /// The most that is buffered of a connection, which a head must fit into: above our own limits,
    /// so that it is us who answers.
    fn buffer(&self) -> usize {
        /// hyper's default.
        const LARGE: usize = 400 * 1024 + 8192;
        match self.sizes {
            Sizes {
                headers: Some(headers),
                uri: Some(uri),
            } => headers
                .saturating_add(uri)
                .saturating_mul(2)
                .clamp(64 * 1024, LARGE),
            Sizes { headers: None, .. } | Sizes { uri: None, .. } => LARGE,
        }
    }
}
