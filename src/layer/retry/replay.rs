//! Bodies that can be sent again: what was read of them is kept, up to a cap.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};

/// The body of a request, for as many attempts as it can be replayed for.
#[derive(Debug)]
pub(super) enum Replay {
    /// Bytes in memory are shared by all attempts.
    Memory(Bytes),
    Stream(Arc<Mutex<Stream>>),
}

#[derive(Debug)]
pub(super) struct Stream {
    rest: Body,
    /// What was read of it, unless it was more than the cap.
    kept: Option<Kept>,
    cap: usize,
    /// The attempt that may read. What is left of the others gets nothing more.
    attempt: u64,
}

#[derive(Debug, Default)]
struct Kept {
    data: Vec<Bytes>,
    length: usize,
    trailers: Option<http::HeaderMap>,
}

impl Replay {
    /// Keeps at most `cap` bytes of a stream.
    pub(super) fn new(body: Body, cap: usize) -> Self {
        match body.as_bytes() {
            Some(bytes) => Self::Memory(bytes),
            None => Self::Stream(Arc::new(Mutex::new(Stream {
                rest: body,
                kept: Some(Kept::default()),
                cap,
                attempt: 0,
            }))),
        }
    }

    /// Whether there can be another attempt: nothing was lost of what the attempts before read.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Stream(stream) => lock(stream).kept.is_some(),
        }
    }

    /// The body for the next attempt: what was read before, and then the rest.
    pub(super) fn attempt(&self) -> Body {
        let stream = match self {
            Self::Memory(bytes) => return Body::from(bytes.clone()),
            Self::Stream(stream) => stream,
        };
        let mut locked = lock(stream);
        locked.attempt += 1;
        let kept = locked.kept.as_ref();
        let attempt = Attempt {
            number: locked.attempt,
            again: kept.map_or_else(VecDeque::new, |kept| kept.data.iter().cloned().collect()),
            trailers: kept.and_then(|kept| kept.trailers.clone()),
            stream: Arc::clone(stream),
        };
        drop(locked);
        Body::new(attempt)
    }
}

fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    // A panic of the inner body leaves a body that ends in an error.
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    /// Remembers a frame, or that it was too much.
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let Some(kept) = &mut self.kept else { return };
        if let Some(data) = frame.data_ref() {
            kept.length = kept.length.saturating_add(data.len());
            if kept.length > self.cap {
                self.kept = None;
            } else if !data.is_empty() {
                kept.data.push(data.clone());
            }
        } else if let Some(trailers) = frame.trailers_ref() {
            kept.trailers = Some(trailers.clone());
        }
    }
}

/// One reading of a stream.
struct Attempt {
    stream: Arc<Mutex<Stream>>,
    number: u64,
    again: VecDeque<Bytes>,
    trailers: Option<http::HeaderMap>,
}

impl HttpBody for Attempt {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(data) = self.again.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(trailers) = self.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let mut stream = lock(&self.stream);
        if stream.attempt != self.number {
            let reason = "another attempt reads the body";
            return Poll::Ready(Some(Err(BodyError::new(reason.into()))));
        }
        let frame = ready!(Pin::new(&mut stream.rest).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => stream.keep(frame),
            // It broke off, and would again.
            Some(Err(_)) => stream.kept = None,
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.again.is_empty() && self.trailers.is_none() && lock(&self.stream).rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let again: usize = self.again.iter().map(Bytes::len).sum();
        let again = u64::try_from(again).unwrap_or(u64::MAX);
        let rest = lock(&self.stream).rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(again));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(again));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt;
    use tokio::sync::mpsc;

    use super::*;

    /// A body that comes through a channel.
    struct Channel(mpsc::Receiver<Frame<Bytes>>);

    impl HttpBody for Channel {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            self.0.poll_recv(cx).map(|frame| frame.map(Ok))
        }
    }

    fn stream(cap: usize) -> (mpsc::Sender<Frame<Bytes>>, Replay) {
        let (sender, receiver) = mpsc::channel(8);
        (sender, Replay::new(Body::new(Channel(receiver)), cap))
    }

    async fn read(body: &mut Body) -> String {
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        String::from_utf8(data.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_was_read_comes_again_and_then_the_rest() {
        let (sender, replay) = stream(100);
        for text in ["one", "two", "three"] {
            sender.try_send(Frame::data(text.into())).unwrap();
        }
        let mut first = replay.attempt();
        assert_eq!(read(&mut first).await, "one");
        assert_eq!(read(&mut first).await, "two");
        assert!(replay.is_whole());
        let second = replay.attempt();
        assert_eq!(second.size_hint().lower(), 6);
        // The first may still be held somewhere; it gets nothing that the second would miss.
        assert!(first.frame().await.unwrap().is_err());
        let mut trailers = HeaderMap::new();
        trailers.insert("x", HeaderValue::from_static("y"));
        sender.try_send(Frame::trailers(trailers.clone())).unwrap();
        drop(sender);
        let all = second.collect().await.unwrap();
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(&all.to_bytes()[..], b"onetwothree");
        let third = replay.attempt().collect().await.unwrap();
        assert_eq!(third.trailers(), Some(&trailers));
        assert_eq!(&third.to_bytes()[..], b"onetwothree");
    }

    #[tokio::test]
    async fn more_than_the_cap_is_not_kept() {
        let (sender, replay) = stream(5);
        for text in ["one", "two", "three"] {
            sender.try_send(Frame::data(text.into())).unwrap();
        }
        let mut first = replay.attempt();
        assert_eq!(read(&mut first).await, "one");
        assert!(replay.is_whole());
        assert_eq!(read(&mut first).await, "two");
        assert!(!replay.is_whole());
        // It goes on where it is, at no cost of memory.
        assert_eq!(read(&mut first).await, "three");
    }

    #[tokio::test]
    async fn a_stream_of_which_nothing_was_read_is_whole_whatever_its_length() {
        let (sender, replay) = stream(1);
        drop(replay.attempt());
        assert!(replay.is_whole());
        sender.try_send(Frame::data("long".into())).unwrap();
        drop(sender);
        let all = replay.attempt().collect().await.unwrap().to_bytes();
        assert_eq!(&all[..], b"long");
    }

    #[test]
    fn memory_is_shared() {
        let bytes = Bytes::from_static(b"abc");
        let replay = Replay::new(Body::from(bytes.clone()), 0);
        for _ in 0..3 {
            assert!(replay.is_whole());
            let again = replay.attempt().as_bytes().unwrap();
            assert_eq!(again.as_ptr(), bytes.as_ptr());
        }
    }
}
