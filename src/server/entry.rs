//! Where hyper hands a request over: it is admitted, labelled and given to the service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;
use crate::error::BoxError;
use crate::layer::OneCall;
use crate::mapping::{ClientAddress, OverTls, speaks_grpc};
use crate::server::admit::{Refusal, Sizes, admit};
use crate::server::patience::Activity;
use crate::server::refused::Teller;
use crate::server::spelling::Spelled;

/// The service of one connection.
#[derive(Debug)]
pub(super) struct Entry<S> {
    pub(super) service: S,
    pub(super) client: Option<ClientAddress>,
    pub(super) sizes: Sizes,
    pub(super) over_tls: bool,
    pub(super) spelled: Option<Spelled>,
    pub(super) activity: Arc<Activity>,
    pub(super) refusals: Teller,
    /// Gone when the connection was handed over.
    pub(super) _speaks_http: Arc<()>,
}

impl<S: Service<Request<Body>>> Entry<S> {
    #[cold]
    fn refuse(&self, refusal: Refusal, request: Request<Incoming>) -> EntryFuture<S> {
        let (head, _) = request.into_parts();
        let response = refusal.response(head.version);
        let (status, length) = (response.status(), response.body().len());
        self.refusals.tell(status, length, self.client, Some(&head));
        self.activity.called();
        EntryFuture {
            state: State::Refused {
                response: Some(response.map(Body::from)),
            },
            mark: Mark::new(self),
            http2: head.version == Version::HTTP_2,
        }
    }
}

/// Answers in memory of at most this many bytes are taken by a connection of HTTP/2 at once, or
/// hold no more than a frame does.
const SHORT: usize = 16 * 1024;

impl<S, B> hyper::service::Service<Request<Incoming>> for Entry<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = EntryFuture<S>;

    fn call(&self, mut request: Request<Incoming>) -> EntryFuture<S> {
        // Taken for every request, so that names and requests stay in step.
        let names = self
            .spelled
            .as_ref()
            .and_then(|spelled| spelled.next(request.headers()));
        if let Err(refusal) = admit(&mut request, self.sizes) {
            tracing::debug!(
                ?refusal,
                status = refusal.status().as_u16(),
                "refused a request"
            );
            return self.refuse(refusal, request);
        }
        let http2 = request.version() == Version::HTTP_2;
        // Calls of gRPC may be silent between messages for as long as both sides like; their
        // deadlines stand in a header.
        let silent = speaks_grpc(request.version(), request.headers());
        let waits = !silent && !request.body().is_end_stream();
        self.activity.called();
        let extensions = request.extensions_mut();
        if let Some(names) = names {
            extensions.insert(names);
        }
        if let Some(client) = self.client {
            extensions.insert(client);
        }
        if self.over_tls {
            extensions.insert(OverTls);
        }
        let is_short = waits && is_short(&request);
        let request = request.map(|body| Body::incoming(body, http2));
        let mark = Mark::new(self);
        let state = if is_short {
            State::Received {
                received: Some((self.service.clone(), request)),
            }
        } else {
            let request = if waits {
                request.map(|body| body.watched(self.activity.watch(false)))
            } else {
                request
            };
            State::Called {
                answer: OneCall::new(self.service.clone(), request),
            }
        };
        EntryFuture { state, mark, http2 }
    }
}

/// Whether the body of a request may have been read with its head, so that it is there when its
/// future is polled first.
fn is_short(request: &Request<Incoming>) -> bool {
    let length = request.body().size_hint().exact();
    request.version() < Version::HTTP_2
        && length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length <= SHORT))
        // Whoever asks for the body sends for it, which is for the service to decide.
        && !request.headers().contains_key(header::EXPECT)
}

pin_project! {
    /// An answer, to come.
    pub(super) struct EntryFuture<S: Service<Request<Body>>> {
        #[pin]
        state: State<S, OneCall<S>>,
        mark: Mark,
        http2: bool,
    }
}

/// The mark of a call; it goes with the call, answered or not.
struct Mark(Option<Arc<Activity>>);

impl Mark {
    fn new<S>(entry: &Entry<S>) -> Self {
        Self(Some(Arc::clone(&entry.activity)))
    }

    /// Takes a short body into memory, if it came with its head.
    fn take_body(&self, body: &mut Body, cx: &mut Context<'_>) {
        body.take_ahead(cx);
        if let Some(activity) = &self.0
            && !body.is_in_memory()
        {
            *body = std::mem::take(body).watched(activity.watch(false));
        }
    }

    /// The answer is there. It leaves a mark until it is written.
    fn answered(&mut self, http2: bool, body: Body) -> Body {
        let Some(activity) = self.0.take() else {
            return body;
        };
        activity.answered();
        // What is in memory is written at once, or as soon as the client takes it.
        match body.as_bytes() {
            Some(bytes) if !http2 || bytes.len() <= SHORT => body,
            Some(bytes) => Body::new(Pieces(bytes)).watched(activity.watch(true)),
            None => body.watched(activity.watch(true)),
        }
    }
}

/// Bytes that a connection of HTTP/2 takes as the client does, and not as a whole.
struct Pieces(Bytes);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(SHORT);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(activity) = &self.0 {
            activity.gone();
        }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F> {
        Refused { response: Option<Response<Body>> },
        Received { received: Option<(S, Request<Body>)> },
        Called { #[pin] answer: F },
    }
}

impl<S, B> Future for EntryFuture<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let StateProjection::Received { received } = this.state.as_mut().project()
            && let Some((service, mut request)) = received.take()
        {
            this.mark.take_body(request.body_mut(), cx);
            let answer = OneCall::new(service, request);
            this.state.set(State::Called { answer });
        }
        let response = match this.state.project() {
            StateProjection::Refused { response } => response.take().unwrap_or_default(),
            // It was called above.
            StateProjection::Received { .. } => return Poll::Pending,
            StateProjection::Called { answer } => match ready!(answer.poll(cx)) {
                Ok(response) => response.map(Body::new),
                // The service is infallible, so that there is no error to answer.
                Err(_) => Response::default(),
            },
        };
        let http2 = *this.http2;
        Poll::Ready(Ok(response.map(|body| this.mark.answered(http2, body))))
    }
}
