//! A body with somebody who looks on: told of what passes, and how it ends.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::body::{Body, BodyError};

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    /// In an error.
    Broken,
    /// Nobody wanted the rest.
    Dropped,
}

/// Looks on while a body passes.
pub(crate) trait Observer: Send + Unpin + 'static {
    /// Data has passed.
    fn data(&mut self, data: &Bytes) {
        let _ = data;
    }

    /// Nothing more will.
    fn end(self, end: End);
}

impl Body {
    /// The body with an observer. One in memory passes at once.
    pub(crate) fn observed<O: Observer>(self, mut observer: O) -> Self {
        if let Some(bytes) = self.as_bytes() {
            observer.data(&bytes);
            observer.end(End::Whole);
            return self;
        }
        Self::new(Observed {
            inner: self,
            observer: Some(observer),
        })
    }
}

struct Observed<O: Observer> {
    inner: Body,
    observer: Option<O>,
}

impl<O: Observer> Observed<O> {
    fn end(&mut self, end: End) {
        if let Some(observer) = self.observer.take() {
            observer.end(end);
        }
    }
}

impl<O: Observer> Drop for Observed<O> {
    fn drop(&mut self) {
        // A server need not ask for the end of a body whose length it knows.
        let whole = self.inner.is_end_stream() || self.inner.size_hint().exact() == Some(0);
        self.end(if whole { End::Whole } else { End::Dropped });
    }
}

impl<O: Observer> HttpBody for Observed<O> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(data), Some(observer)) = (frame.data_ref(), &mut self.observer) {
                    observer.data(data);
                }
            }
            Poll::Ready(Some(Err(_))) => self.end(End::Broken),
            Poll::Ready(None) => self.end(End::Whole),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
