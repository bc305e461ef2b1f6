//! Deadlines of a call: on its answer, on the body of it where that is read as a whole or the client
//! says so, and on its pauses where it streams.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::{Body, BodyError, Motion, Watch};
use crate::error::{BoxError, Error, ErrorKind};
use crate::layer::capture;
use crate::mapping::{Flow, grpc_late};

/// When an answer has to be there as a whole, should it be read; goes up with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    pub(super) passing: Passing,
}

/// The bounds of an answer that nobody reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing {
    /// Whether it goes on before its body begins. The others wait for the first of it, so that a
    /// backend that breaks off there has failed, as it has when it breaks off in its head.
    pub(super) at_once: bool,
    /// Whether it is made of messages, with trailers.
    messages: bool,
    call: Option<Instant>,
    idle: Option<Duration>,
}

impl Passing {
    /// Of an answer without a deadline.
    pub(super) fn idle(idle: Option<Duration>, flow: Flow) -> Self {
        Self {
            at_once: true,
            messages: flow == Flow::Messages,
            call: None,
            idle,
        }
    }

    /// Ends an answer that is silent for too long, or not over in time.
    pub(super) fn bound(self, mut body: Body) -> Body {
        if body.is_in_memory() {
            return body;
        }
        if let Some(limit) = self.idle
            && !self.messages
        {
            body = Body::new(Flowing::new(body, limit));
        }
        if let Some(call) = self.call {
            // An answer of a known length has no place for other trailers than its own.
            let has_trailers = self.messages && body.length().is_none();
            body = Body::new(Timed::new(body, call, has_trailers));
        }
        body
    }
}

/// When a call is too late. The time a backend has begins when the request is written, and does not
/// pass while the client's body is waited for.
// AWS: a body is there as a whole before the integration is called.
#[derive(Debug)]
pub(super) struct Clock {
    timeout: Duration,
    at: Instant,
    /// When it is too late whatever happens.
    call: Option<Instant>,
    upload: Option<Arc<Watch>>,
    frames: u32,
}

impl Clock {
    /// Begins now; `body` is that of the request, and `call` when the whole call has to be over.
    pub(super) fn begin(
        timeout: Option<Duration>,
        call: Option<Instant>,
        body: &mut Body,
    ) -> Option<Self> {
        let at = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let upload = if at.is_some() { body.watch() } else { None };
        Some(Self {
            timeout: timeout.unwrap_or_default(),
            at: at.or(call)?,
            call,
            frames: upload.as_ref().map_or(0, |upload| upload.look().1),
            upload,
        })
    }

    /// When to ask whether it is too late.
    pub(super) fn at(&self) -> Instant {
        self.call.map_or(self.at, |call| call.min(self.at))
    }

    /// Whether the request is not written yet.
    fn is_uploading(&self) -> bool {
        self.upload.as_ref().is_some_and(|upload| !upload.is_over())
    }

    /// Whether it is too late, now that the time has come to ask. If not, it will come again.
    pub(super) fn is_over(&mut self) -> bool {
        let Some(upload) = &self.upload else {
            return true;
        };
        let now = Instant::now();
        if self.call.is_some_and(|call| now >= call) {
            return true;
        }
        let since = if let Some(over) = upload.over_since() {
            self.upload = None;
            over
        } else {
            // A backend that takes nothing of what is there is late.
            let (motion, frames) = upload.look();
            if motion == Motion::Taken && frames == self.frames {
                return true;
            }
            self.frames = frames;
            now
        };
        match since.checked_add(self.timeout) {
            Some(at) if at > self.at => {
                self.at = at;
                false
            }
            Some(_) | None => true,
        }
    }

    /// The bounds of an answer whose head is there.
    pub(super) fn passing(&self, at_once: bool, idle: Option<Duration>, flow: Flow) -> Passing {
        Passing {
            // Both ways at once: the rest of the request may wait for the head of the answer.
            at_once: at_once || self.is_uploading(),
            call: self.call,
            ..Passing::idle(idle, flow)
        }
    }

    /// The deadline for the rest of an answer that has begun.
    pub(super) fn deadline(&self, passing: Passing) -> Deadline {
        let over = self.upload.as_ref().and_then(|upload| upload.over_since());
        let since = over.and_then(|over| over.checked_add(self.timeout));
        let at = since.map_or(self.at, |at| at.max(self.at));
        let at = self.call.map_or(at, |call| call.min(at));
        Deadline { at, passing }
    }
}

/// An answer that breaks off with an error when it is silent for too long.
struct Flowing {
    body: Body,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the timer runs.
    silent: bool,
}

impl Flowing {
    fn new(body: Body, limit: Duration) -> Self {
        Self {
            body,
            limit,
            timer: None,
            silent: false,
        }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.silent {
            let Some(at) = Instant::now().checked_add(self.limit) else {
                return false;
            };
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(at),
                None => self.timer = Some(Box::pin(sleep_until(at))),
            }
            self.silent = true;
        }
        self.timer
            .as_mut()
            .is_some_and(|timer| timer.as_mut().poll(cx).is_ready())
    }
}

impl HttpBody for Flowing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.silent = false;
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::into)))
            }
            Poll::Pending if self.is_late(cx) => {
                // What is left of the connection goes with it.
                self.body = Body::empty();
                Poll::Ready(Some(Err(passed().into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer that ends when the whole call has to be over.
struct Timed {
    body: Body,
    timer: Pin<Box<Sleep>>,
    /// Whether its trailers can tell the client why it ended; else it breaks off.
    has_trailers: bool,
}

impl Timed {
    fn new(body: Body, call: Instant, has_trailers: bool) -> Self {
        Self {
            body,
            timer: Box::pin(sleep_until(call)),
            has_trailers,
        }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // A backend that always has something more must not pass for one that is in time.
        let is_over = !self.body.is_end_stream() && self.timer.as_mut().poll(cx).is_ready();
        if !is_over {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::into)));
        }
        self.body = Body::empty();
        Poll::Ready(Some(match self.has_trailers {
            true => Ok(Frame::trailers(grpc_late())),
            false => Err(passed().into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The deadline has passed.
pub(super) fn passed() -> Error {
    // AWS: the text of the execution log.
    Error::new(
        ErrorKind::Timeout,
        "execution failed due to a timeout error",
    )
}

/// Waits for the first of an answer that is not read.
pub(super) async fn begun(body: Body, deadline: Deadline) -> Result<Body, Error> {
    let mut body = body;
    let first = std::future::poll_fn(|cx| body.poll_first(cx));
    tokio::time::timeout_at(deadline.at, first)
        .await
        .map_err(|_| passed())?
        .map_err(capture::backend_body)?;
    Ok(body)
}

/// Reads the body of an answer into memory.
pub(super) async fn collect_answer(
    body: Body,
    limit: u64,
    deadline: Option<Deadline>,
) -> Result<Bytes, Error> {
    let collect = body.collect_within(limit);
    let collected = match deadline {
        Some(Deadline { at, .. }) => tokio::time::timeout_at(at, collect)
            .await
            .map_err(|_| passed())?,
        None => collect.await,
    };
    collected
        .map(|collected| collected.bytes)
        .map_err(capture::backend_body)
}
