//! A connection's bytes: those read to learn its protocol come first, and names are tapped.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::server::protocol::Opening;
use crate::server::spelling::Tap;

/// How long a client may go on sending to a connection that was closed before it was done.
const LINGER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Stream<T> {
    inner: T,
    opening: Opening,
    tap: Option<Tap>,
    lingering: Option<Pin<Box<Sleep>>>,
    shut: bool,
}

impl<T> Stream<T> {
    pub(super) fn new(inner: T, opening: Opening, tap: Option<Tap>) -> Self {
        Self {
            inner,
            opening,
            tap,
            lingering: None,
            shut: false,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if !this.opening.replay(buf) {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        }
        if let Some(tap) = &mut this.tap {
            tap.see(buf.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
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
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shut {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            this.shut = true;
        }
        this.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
