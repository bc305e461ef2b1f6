//! A body: nothing, bytes in memory, or a stream.

#[cfg(any(feature = "client", feature = "server"))]
mod deaf;
mod observed;
mod watch;

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use crate::body::watch::Watched;
use crate::error::BoxError;

#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use deaf::Ear;
pub(crate) use observed::{End, Observer};
pub(crate) use watch::{Motion, Watch};

/// The body of requests and responses between the layers.
///
/// Any body with [`Bytes`] goes in with [`Body::new`]; nothing is copied, and what is a `Body`
/// already is not wrapped again. Trailers pass.
///
/// ```
/// use tower_apigw::Body;
///
/// let body = Body::from("hello");
/// assert_eq!(body.as_bytes().as_deref(), Some(&b"hello"[..]));
/// ```
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    /// hyper's own, which so needs no box.
    #[cfg(any(feature = "client", feature = "server"))]
    Incoming {
        body: hyper::body::Incoming,
        watched: Option<Watched>,
        of_http2: bool,
    },
    Stream(UnsyncBoxBody<Bytes, BodyError>),
    /// The first frame was taken out to see what follows.
    Peeked(Box<(Option<Read>, Body)>),
    Limited(Box<(Body, u64)>),
    Watched(Box<(Body, Watched)>),
}

/// A body could not be read to its end.
#[derive(Debug)]
pub struct BodyError(BodyErrorKind);

#[derive(Debug)]
enum BodyErrorKind {
    TooLarge,
    TimedOut,
    Source(BoxError),
}

impl BodyError {
    /// A body is over a limit.
    pub(crate) fn too_large() -> Self {
        Self(BodyErrorKind::TooLarge)
    }

    /// Nothing came for longer than somebody would wait.
    pub(crate) fn timed_out() -> Self {
        Self(BodyErrorKind::TimedOut)
    }

    pub(crate) fn new(source: BoxError) -> Self {
        match source.downcast::<Self>() {
            Ok(ours) => *ours,
            Err(source) => Self(BodyErrorKind::Source(source)),
        }
    }

    /// Whether the body is over a limit.
    pub fn is_too_large(&self) -> bool {
        matches!(self.0, BodyErrorKind::TooLarge)
    }

    /// Whether nothing came for too long.
    pub fn is_timed_out(&self) -> bool {
        matches!(self.0, BodyErrorKind::TimedOut)
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            BodyErrorKind::TooLarge => f.write_str("the body is over the limit"),
            BodyErrorKind::TimedOut => f.write_str("the body did not come in time"),
            BodyErrorKind::Source(_) => f.write_str("the body broke off"),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            BodyErrorKind::TooLarge | BodyErrorKind::TimedOut => None,
            BodyErrorKind::Source(source) => Some(source.as_ref()),
        }
    }
}

/// A body as a whole.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) bytes: Bytes,
    #[allow(dead_code)] // what is mapped has no trailers
    pub(crate) trailers: Option<HeaderMap>,
}

/// Why a body of HTTP/2 broke off whose stream was reset without an error.
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) const RESET: &str = "its stream was reset before its end";

/// The most that is reserved on the word of a `Content-Length`.
const RESERVE: u64 = 64 * 1024;

impl Body {
    /// A body without bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Any body.
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let body = match downcast::<B, Self>(body) {
            Ok(body) => return body,
            Err(body) => body,
        };
        if body.is_end_stream() {
            return Self::empty();
        }
        #[cfg(any(feature = "client", feature = "server"))]
        let body = match downcast::<B, hyper::body::Incoming>(body) {
            Ok(body) => return Self::incoming(body, false),
            Err(body) => body,
        };
        let body = match downcast::<B, http_body_util::Full<Bytes>>(body) {
            Ok(body) => return Self::from(body.into_inner().unwrap_or_default()),
            Err(body) => body,
        };
        Self(Kind::Stream(
            body.map_err(|error| BodyError::new(error.into()))
                .boxed_unsync(),
        ))
    }

    /// A body as hyper reads it. One of HTTP/2 that a `RST_STREAM` without an error ends breaks off;
    /// hyper takes that for its end.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn incoming(body: hyper::body::Incoming, of_http2: bool) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self(Kind::Incoming {
            body,
            watched: None,
            of_http2,
        })
    }

    /// The bytes, if they are in memory.
    pub fn as_bytes(&self) -> Option<Bytes> {
        match &self.0 {
            Kind::Empty => Some(Bytes::new()),
            Kind::Full(bytes) => Some(bytes.clone()),
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming { .. } => None,
            Kind::Stream(_) | Kind::Peeked(_) | Kind::Limited(_) | Kind::Watched(_) => None,
        }
    }

    /// Whether the bytes are in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.0, Kind::Empty | Kind::Full(_))
    }

    /// How long it is, where that is known in advance.
    pub(crate) fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }

    /// The whole body, of at most `limit` bytes. A body that says it is longer is not read at all.
    pub(crate) async fn collect_within(mut self, limit: u64) -> Result<Collected, BodyError> {
        let hint = self.size_hint();
        if hint.lower() > limit {
            return Err(BodyError::too_large());
        }
        if let Some(bytes) = self.as_bytes() {
            return Ok(Collected {
                bytes,
                trailers: None,
            });
        }
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        let mut length = 0_u64;
        let mut trailers: Option<HeaderMap> = None;
        while let Some(frame) = self.frame().await {
            match frame?.into_data() {
                Ok(data) => {
                    length = length.saturating_add(data.len().try_into().unwrap_or(u64::MAX));
                    if length > limit {
                        return Err(BodyError::too_large());
                    }
                    match &first {
                        None => first = Some(data),
                        Some(start) => {
                            if rest.is_empty() {
                                let wanted = hint.lower().clamp(length, RESERVE.max(length));
                                rest.reserve(usize::try_from(wanted).unwrap_or_default());
                                rest.extend_from_slice(start);
                            }
                            rest.extend_from_slice(&data);
                        }
                    }
                }
                Err(frame) => {
                    if let Ok(found) = frame.into_trailers() {
                        match &mut trailers {
                            Some(trailers) => trailers.extend(found),
                            None => trailers = Some(found),
                        }
                    }
                }
            }
        }
        let bytes = if rest.is_empty() {
            first.unwrap_or_default()
        } else {
            rest.freeze()
        };
        Ok(Collected { bytes, trailers })
    }

    /// Waits for the first frame of a body of unknown length: it may then turn out to be empty, or
    /// whole.
    pub(crate) async fn peek(mut self) -> Result<Self, BodyError> {
        if self.length().is_some() {
            return Ok(self);
        }
        match self.frame().await {
            None => Ok(Self::empty()),
            Some(Err(error)) => Err(error),
            Some(Ok(frame)) if self.is_end_stream() && frame.is_data() => {
                Ok(Self::from(frame.into_data().unwrap_or_default()))
            }
            Some(Ok(frame)) => Ok(Self(Kind::Peeked(Box::new((Some(Ok(frame)), self))))),
        }
    }

    /// Lets `watch` see what the body does from now on.
    pub(crate) fn watched(mut self, watch: Arc<Watch>) -> Self {
        match &mut self.0 {
            Kind::Empty => {}
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming {
                watched: watched @ None,
                ..
            } => *watched = Some(Watched::begin(watch)),
            _ => {
                let watched = Watched::begin(watch);
                return Self(Kind::Watched(Box::new((self, watched))));
            }
        }
        self
    }

    /// A watch on a body that is not in memory: the one it has, or a new one.
    pub(crate) fn watch(&mut self) -> Option<Arc<Watch>> {
        match &mut self.0 {
            Kind::Empty | Kind::Full(_) => return None,
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming {
                watched: Some(watched),
                ..
            } => return Some(Arc::clone(watched.watch())),
            Kind::Watched(watched) => return Some(Arc::clone(watched.1.watch())),
            Kind::Peeked(peeked) => {
                // Data that was peeked at is no pause; trailers have nothing behind them.
                if let Some(watch) = peeked.1.watch() {
                    return Some(watch);
                }
            }
            Kind::Limited(limited) => return limited.0.watch(),
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming { watched: None, .. } => {}
            Kind::Stream(_) => {}
        }
        let watch = Arc::<Watch>::default();
        *self = std::mem::take(self).watched(Arc::clone(&watch));
        Some(watch)
    }

    /// Waits for the first frame of a body, so that one that breaks off before it is known for it.
    pub(crate) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        ready!(self.poll_ahead(cx));
        match &mut self.0 {
            Kind::Peeked(peeked) if let Some(Err(_)) = &peeked.0 => match peeked.0.take() {
                Some(Err(error)) => Poll::Ready(Err(error)),
                Some(Ok(_)) | None => Poll::Ready(Ok(())),
            },
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads the first frame ahead of its reader, who gets it as if it had not been. A body that
    /// ends with it is in memory then.
    pub(crate) fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ahead = match ready!(Pin::new(&mut *self).poll_frame(cx)) {
            None => Self::empty(),
            Some(Ok(frame)) if self.is_end_stream() && frame.is_data() => {
                Self::from(frame.into_data().unwrap_or_default())
            }
            Some(frame) => {
                let rest = std::mem::take(self);
                Self(Kind::Peeked(Box::new((Some(frame), rest))))
            }
        };
        *self = ahead;
        Poll::Ready(())
    }

    /// Reads ahead what is there already, of a body of hyper's whose connection got its waker of an
    /// [`Ear`]. It is not woken for a body that is in memory then.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn take_ahead(&mut self, cx: &mut Context<'_>) {
        let (_, missed) = deaf::deaf(|| self.poll_ahead(cx));
        if !self.is_in_memory() {
            missed.wake();
        }
    }

    /// Ends with an error as soon as more than `limit` bytes have come.
    pub(crate) fn limit(&mut self, limit: Option<u64>) -> Result<(), BodyError> {
        let Some(limit) = limit else { return Ok(()) };
        let hint = self.size_hint();
        if hint.lower() > limit {
            return Err(BodyError::too_large());
        }
        if hint.exact().is_none() {
            let unlimited = std::mem::take(self);
            self.0 = Kind::Limited(Box::new((unlimited, limit)));
        }
        Ok(())
    }
}

type Read = Result<Frame<Bytes>, BodyError>;
type Polled = Poll<Option<Read>>;

/// Tells a watch what was read. Whether somebody gave the body up.
fn tell(watched: &Watched, polled: &Polled, at_end: bool, cx: &Context<'_>) -> bool {
    let told = match polled {
        Poll::Ready(Some(Ok(_))) => Poll::Ready(!at_end),
        Poll::Ready(None | Some(Err(_))) => Poll::Ready(false),
        Poll::Pending => Poll::Pending,
    };
    watched.tell(told, cx)
}

impl Body {
    /// What was read, unless the body was given up meanwhile.
    fn unless(&mut self, given_up: bool, polled: Polled) -> Polled {
        if given_up {
            self.0 = Kind::Empty;
            return Poll::Ready(Some(Err(BodyError::timed_out())));
        }
        polled
    }
}

/// `body` as a `T`, if it is one.
fn downcast<B: 'static, T: 'static>(body: B) -> Result<T, B> {
    let mut slot = Some(body);
    if let Some(found) = <dyn Any>::downcast_mut::<Option<T>>(&mut slot).and_then(Option::take) {
        return Ok(found);
    }
    slot.map_or_else(|| unreachable!("only a `T` is taken out of the slot"), Err)
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::empty()
        } else {
            Self(Kind::Full(bytes))
        }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

/// Tells the kind and the size, never the content.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.size_hint();
        f.debug_struct("Body")
            .field("in_memory", &self.as_bytes().is_some())
            .field("at_least", &hint.lower())
            .field("at_most", &hint.upper())
            .finish()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match &mut this.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming {
                body,
                watched,
                of_http2,
            } => {
                let polled = match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Ready(None) if *of_http2 && !body.is_end_stream() => {
                        this.0 = Kind::Empty;
                        return Poll::Ready(Some(Err(BodyError::new(RESET.into()))));
                    }
                    polled => polled.map_err(|error| BodyError::new(error.into())),
                };
                let Some(watched) = watched else {
                    return polled;
                };
                let given_up = tell(watched, &polled, body.is_end_stream(), cx);
                this.unless(given_up, polled)
            }
            Kind::Watched(both) => {
                let (body, watched) = both.as_mut();
                let polled = Pin::new(&mut *body).poll_frame(cx);
                let given_up = tell(watched, &polled, body.is_end_stream(), cx);
                this.unless(given_up, polled)
            }
            Kind::Stream(body) => Pin::new(body).poll_frame(cx),
            Kind::Peeked(peeked) => match peeked.0.take() {
                Some(frame) => Poll::Ready(Some(frame)),
                None => Pin::new(&mut peeked.1).poll_frame(cx),
            },
            Kind::Limited(limited) => {
                let (body, left) = limited.as_mut();
                let frame = ready!(Pin::new(body).poll_frame(cx));
                if let Some(Ok(frame)) = &frame
                    && let Some(data) = frame.data_ref()
                {
                    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    match left.checked_sub(length) {
                        Some(rest) => *left = rest,
                        None => {
                            this.0 = Kind::Empty;
                            return Poll::Ready(Some(Err(BodyError::too_large())));
                        }
                    }
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(bytes) => bytes.is_empty(),
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming { body, .. } => body.is_end_stream(),
            Kind::Stream(body) => body.is_end_stream(),
            Kind::Peeked(peeked) => peeked.0.is_none() && peeked.1.is_end_stream(),
            Kind::Limited(limited) => limited.0.is_end_stream(),
            Kind::Watched(watched) => watched.0.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len().try_into().unwrap_or(u64::MAX)),
            #[cfg(any(feature = "client", feature = "server"))]
            Kind::Incoming { body, .. } => body.size_hint(),
            Kind::Stream(body) => body.size_hint(),
            Kind::Peeked(peeked) => {
                let (frame, rest) = peeked.as_ref();
                let data = match frame {
                    Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                    // Nobody may take it for a body that has nothing more.
                    Some(Err(_)) => return SizeHint::new(),
                    None => 0,
                };
                let data = u64::try_from(data).unwrap_or(u64::MAX);
                let inner = rest.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(inner.lower().saturating_add(data));
                if let Some(upper) = inner.upper() {
                    hint.set_upper(upper.saturating_add(data));
                }
                hint
            }
            Kind::Limited(limited) => limited.0.size_hint(),
            Kind::Watched(watched) => watched.0.size_hint(),
        }
    }
}
