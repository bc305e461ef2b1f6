//! Which version of HTTP a client speaks: the first bytes tell.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The bytes that were read to learn the protocol; they are given out again before all others.
#[derive(Debug, Default)]
pub(super) struct Opening {
    bytes: [u8; PREFACE.len()],
    filled: usize,
    given: usize,
}

impl Opening {
    fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Gives out bytes, if there are any.
    pub(super) fn replay(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        if self.given == self.filled {
            return false;
        }
        let rest = self.bytes.get(self.given..self.filled).unwrap_or_default();
        let count = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..count).unwrap_or_default());
        self.given += count;
        count > 0
    }
}

/// Reads until the protocol is known, which may take so long from the first byte. None if the
/// client left before.
pub(super) async fn detect<T: AsyncRead + Unpin>(
    stream: &mut T,
    most: Duration,
) -> io::Result<Option<(Protocol, Opening)>> {
    let mut opening = Opening::default();
    // Nearly always this is all.
    if let Some(found) = read(stream, &mut opening).await? {
        return Ok(found.map(|protocol| (protocol, opening)));
    }
    let rest = async {
        loop {
            if let Some(found) = read(stream, &mut opening).await? {
                return io::Result::Ok(found);
            }
        }
    };
    let found = timeout(most, rest).await??;
    Ok(found.map(|protocol| (protocol, opening)))
}

/// Reads once. None if it cannot be told yet; within, none if the client left.
async fn read<T: AsyncRead + Unpin>(
    stream: &mut T,
    opening: &mut Opening,
) -> io::Result<Option<Option<Protocol>>> {
    let count = poll_fn(|cx| {
        let mut buf = ReadBuf::new(opening.bytes.get_mut(opening.filled..).unwrap_or_default());
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf))?;
        Poll::Ready(io::Result::Ok(buf.filled().len()))
    })
    .await?;
    opening.filled += count;
    let read = opening.filled();
    Ok(if read == PREFACE {
        Some(Some(Protocol::Http2))
    } else if !PREFACE.starts_with(read) {
        Some(Some(Protocol::Http1))
    } else if count == 0 {
        Some(None)
    } else {
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(mut bytes: &[u8]) -> Option<(Protocol, Vec<u8>)> {
        let (protocol, mut opening) = detect(&mut bytes, Duration::MAX).await.unwrap()?;
        let mut replayed = Vec::new();
        loop {
            let mut space = [0; 5];
            let mut buf = ReadBuf::new(&mut space);
            if !opening.replay(&mut buf) {
                break;
            }
            replayed.extend_from_slice(buf.filled());
        }
        replayed.extend_from_slice(bytes);
        Some((protocol, replayed))
    }

    #[tokio::test]
    async fn the_preface_decides_and_nothing_is_lost() {
        let http2 = [&PREFACE[..], b"frames"].concat();
        assert_eq!(found(&http2).await, Some((Protocol::Http2, http2.clone())));
        for request in [
            &b"G"[..],
            b"PRI * HTTP/1.1\r\n\r\n and more to come",
            b"PRIx",
        ] {
            assert_eq!(
                found(request).await,
                Some((Protocol::Http1, request.to_vec()))
            );
        }
        assert_eq!(found(b"").await, None);
        assert_eq!(found(b"PRI *").await, None);
    }
}
