//! Where hyper hands a request over: it is admitted, labelled and given to the service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;
use crate::error::BoxError;
use crate::layer::OneCall;
use crate::mapping::{ClientAddress, OverTls, speaks_grpc};
use crate::server::admit::{Sizes, admit};
use crate::server::patience::Activity;
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
    /// Gone when the connection was handed over.
    pub(super) _speaks_http: Arc<()>,
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
            let response = refusal.response(request.version()).map(Body::from);
            self.activity.called();
            return EntryFuture {
                state: State::Refused {
                    response: Some(response),
                },
                mark: Mark::new(self),
                http2: request.version() == Version::HTTP_2,
            };
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
        let request = request.map(|body| {
            let body = Body::new(body);
            if waits {
                body.watched(self.activity.watch(false))
            } else {
                body
            }
        });
        let mark = Mark::new(self);
        EntryFuture {
            state: State::Called {
                answer: OneCall::new(self.service.clone(), request),
            },
            mark,
            http2,
        }
    }
}

pin_project! {
    /// An answer, to come.
    pub(super) struct EntryFuture<S: Service<Request<Body>>> {
        #[pin]
        state: State<OneCall<S>>,
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
    enum State<F> {
        Refused { response: Option<Response<Body>> },
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
        let this = self.project();
        let response = match this.state.project() {
            StateProjection::Refused { response } => response.take().unwrap_or_default(),
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
