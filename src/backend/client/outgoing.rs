//! The body of a request over HTTP/2, which can be had back as long as nothing of it was read.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};
use crate::error::BoxError;

/// What hyper sends.
#[derive(Debug)]
pub(super) enum Outgoing {
    Whole(Body),
    Stream(Arc<Mutex<Stream>>),
}

/// What stays behind, to send it again.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    Whole(Bytes),
    Stream(Arc<Mutex<Stream>>),
}

/// A stream that two may hold.
#[derive(Debug)]
pub(super) struct Stream {
    body: Body,
    read: bool,
    /// Whether all of it was read, for whoever outlives it.
    whole: Arc<AtomicBool>,
    /// Why it broke off, which a peer is not told.
    failed: Option<BodyError>,
}

impl Kept {
    pub(super) fn new(body: Body) -> Self {
        match body.as_bytes() {
            Some(bytes) => Self::Whole(bytes),
            None => Self::Stream(Arc::new(Mutex::new(Stream {
                body,
                read: false,
                whole: Arc::default(),
                failed: None,
            }))),
        }
    }

    /// The body to send; none if a part of it has gone already.
    pub(super) fn outgoing(&self) -> Option<Outgoing> {
        match self {
            Self::Whole(bytes) => Some(Outgoing::Whole(Body::from(bytes.clone()))),
            Self::Stream(stream) if lock(stream).read => None,
            Self::Stream(stream) => Some(Outgoing::Stream(Arc::clone(stream))),
        }
    }

    /// Tells whether all of it has been read.
    pub(super) fn upload(&self) -> Upload {
        Upload(match self {
            Self::Whole(_) => None,
            Self::Stream(stream) => Some(Arc::clone(&lock(stream).whole)),
        })
    }

    /// Why the body broke off, if it did.
    pub(super) fn failure(&self) -> Option<BodyError> {
        match self {
            Self::Whole(_) => None,
            Self::Stream(stream) => lock(stream).failed.take(),
        }
    }
}

/// How far a request went.
#[derive(Debug)]
pub(super) struct Upload(Option<Arc<AtomicBool>>);

impl Upload {
    /// Whether all of it was read.
    pub(super) fn is_whole(&self) -> bool {
        match &self.0 {
            None => true,
            Some(whole) => whole.load(Ordering::Relaxed),
        }
    }
}

fn lock(stream: &Mutex<Stream>) -> MutexGuard<'_, Stream> {
    // A body that panicked is not read again.
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Stream(stream) => {
                let mut stream = lock(stream);
                let polled = Pin::new(&mut stream.body).poll_frame(cx);
                stream.read |= polled.is_ready();
                let at_end = match &polled {
                    Poll::Ready(None) => true,
                    Poll::Ready(Some(Ok(_))) => stream.body.is_end_stream(),
                    Poll::Ready(Some(Err(_))) | Poll::Pending => false,
                };
                if at_end {
                    stream.whole.store(true, Ordering::Relaxed);
                }
                polled.map(|frame| {
                    frame.map(|frame| {
                        frame.map_err(|error| {
                            stream.failed = Some(error);
                            "the body of the request broke off".into()
                        })
                    })
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Stream(stream) => lock(stream).body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(stream) => lock(stream).body.size_hint(),
        }
    }
}
