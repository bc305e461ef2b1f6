//! A connection's bytes: those read to learn its protocol come first, and names are tapped.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use crate::mapping::ClientAddress;
use crate::server::admit::Refusal;
use crate::server::patience::Activity;
use crate::server::protocol::Opening;
use crate::server::refused::Teller;
use crate::server::spelling::Tap;

/// How long a client may go on sending to a connection that was closed before it was done.
const LINGER: Duration = Duration::from_secs(2);

pub(super) struct Stream<T> {
    inner: T,
    opening: Opening,
    tap: Option<Tap>,
    activity: Arc<Activity>,
    refusals: Refusals,
    /// What is written in place of hyper's answer.
    instead: Bytes,
    /// Whether it is still HTTP that is spoken: after a switch of protocols names are none of ours,
    /// and what comes after the end of one side is to be read.
    speaks_http: Weak<()>,
    lingering: Option<Pin<Box<Sleep>>>,
    shut: bool,
    /// As long as there is one or the other, the server knows of the stream.
    server: Option<watch::Receiver<()>>,
    cut: Option<Cut>,
}

/// Ready when a stream is cut off that the server has handed over.
type Cut = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<T> Stream<T> {
    pub(super) fn new(
        inner: T,
        opening: Opening,
        tap: Option<Tap>,
        activity: Arc<Activity>,
        refusals: Refusals,
        speaks_http: Weak<()>,
        server: watch::Receiver<()>,
    ) -> Self {
        Self {
            inner,
            opening,
            tap,
            activity,
            refusals,
            instead: Bytes::new(),
            speaks_http,
            lingering: None,
            shut: false,
            server: Some(server),
            cut: None,
        }
    }

    /// Whether the server has ended, asked of a stream that speaks HTTP no more: of the others the
    /// server ends the connections.
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(mut server) = self.server.take() {
            // It never changes, and ends with the server.
            self.cut = Some(Box::pin(async move {
                let _ = server.changed().await;
            }));
        }
        if let Some(cut) = &mut self.cut
            && cut.as_mut().poll(cx).is_pending()
        {
            return false;
        }
        self.cut = None;
        true
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.speaks_http.strong_count() == 0 {
            this.tap = None;
            if this.is_cut(cx) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        let before = buf.filled().len();
        if !this.opening.replay(buf) {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        }
        let read = buf.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            this.activity.read();
        }
        if let Some(tap) = &mut this.tap {
            tap.see(read);
        }
        this.refusals.saw(read.len());
        Poll::Ready(Ok(()))
    }
}

/// Which answers of hyper's own are replaced, on a connection of HTTP/1: those to what it could not
/// read as a request. They have no body and end the connection.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The limit on headers that is told, or nothing to replace nothing.
    limit: Option<Option<usize>>,
    /// How many lines of headers are read.
    lines: usize,
    /// How much was read since the last answer.
    read: usize,
    /// Whether a part of an answer is still to be written.
    partial: bool,
    client: Option<ClientAddress>,
    teller: Teller,
}

impl Refusals {
    /// Replaces them, and tells these limits on the bytes and the lines of headers, and `teller` of
    /// the client.
    pub(super) fn of(
        limit: Option<usize>,
        lines: usize,
        client: Option<ClientAddress>,
        teller: Teller,
    ) -> Self {
        Self {
            limit: Some(limit),
            lines,
            client,
            teller,
            ..Self::default()
        }
    }

    fn saw(&mut self, length: usize) {
        self.read = self.read.saturating_add(length);
    }

    fn flushed(&mut self) {
        (self.partial, self.read) = (false, 0);
    }

    /// What takes the place of an answer that begins like this.
    fn instead(&self, answer: &[u8]) -> Option<Refusal> {
        let limit = self.limit?;
        let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
        match status {
            b"400" => Some(Refusal::Malformed),
            b"414" => Some(Refusal::UriTooLong),
            b"431" => Some(match limit {
                Some(limit) if self.read > limit => Refusal::HeadersTooLarge(limit),
                Some(_) | None => Refusal::HeadersTooMany(self.lines),
            }),
            _ => None,
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    /// Keeps an answer of hyper's back, if it is one, to write another. Whatever else is written
    /// was asked of the service.
    fn takes_the_place_of(&mut self, bytes: &[u8]) -> bool {
        if self.refusals.partial
            || !bytes.starts_with(b"HTTP/1.1 4")
            || self.speaks_http.strong_count() == 0
        {
            return false;
        }
        let Some(refusal) = self.refusals.instead(bytes) else {
            return false;
        };
        if !self.activity.is_without_answer() {
            return false;
        }
        tracing::debug!(
            ?refusal,
            status = refusal.status().as_u16(),
            "refused what is no request"
        );
        let (wire, length) = refusal.wire();
        let Refusals { client, teller, .. } = &self.refusals;
        teller.tell(refusal.status(), length, *client, None);
        self.instead = wire;
        true
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.instead.has_remaining() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.instead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Leaves the marks of a write.
    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.refusals.partial = true;
        match &written {
            Poll::Ready(_) => self.activity.wrote(),
            Poll::Pending => self.activity.blocked(),
        }
        written
    }

    /// Reads and drops what the client has sent, when it has sent something that nobody read:
    /// closing would throw away the answer on its way.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 4096];
        // A client that sends without end must not keep the task from its deadline.
        for _ in 0..16 {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if buf.filled().is_empty() => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    self.lingering
                        .get_or_insert_with(|| Box::pin(sleep(LINGER)));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => {
                    return match &mut self.lingering {
                        None => Poll::Ready(()),
                        Some(deadline) => deadline.as_mut().poll(cx),
                    };
                }
            }
        }
        let deadline = self
            .lingering
            .as_mut()
            .map(|deadline| deadline.as_mut().poll(cx));
        if deadline == Some(Poll::Pending) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.takes_the_place_of(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.wrote(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        ready!(Pin::new(&mut this.inner).poll_flush(cx))?;
        this.activity.flushed();
        this.refusals.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_instead(cx))?;
        if !this.shut {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            this.shut = true;
        }
        if this.speaks_http.strong_count() == 0 {
            return Poll::Ready(Ok(()));
        }
        this.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let [first, rest @ ..] = bufs
            && this.takes_the_place_of(first)
        {
            let rest: usize = rest.iter().map(|buf| buf.len()).sum();
            return Poll::Ready(Ok(first.len() + rest));
        }
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
