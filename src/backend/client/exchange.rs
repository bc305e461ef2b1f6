//! A request and its answer on one connection, which is driven from here and then given back.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use pin_project_lite::pin_project;

use crate::backend::client::connection::Connection;
use crate::backend::client::pool::{Key, Pool};
use crate::backend::client::{HttpClientFuture, Shared, check, failure};
use crate::body::{Body, Watch};
use crate::error::Error;

impl Shared {
    /// Sends a request on an idle connection, or on a new one.
    pub(super) fn send(self: Arc<Self>, key: Key, request: Request<Body>) -> HttpClientFuture {
        match self.pool.take(&key) {
            Some(connection) => HttpClientFuture(Box::pin(self.exchange(key, connection, request))),
            None => HttpClientFuture(Box::pin(self.send_first(key, request))),
        }
    }

    /// Sends a request on a connection that is made for it.
    async fn send_first(
        self: Arc<Self>,
        key: Key,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let made = self.connector.http1(&key).await;
        let connection = self.pool.made(made.map_err(failure::unconnected)?);
        let mut exchange = self.exchange(key, connection, request);
        exchange.is_first = true;
        exchange.await
    }

    fn exchange(
        self: Arc<Self>,
        key: Key,
        mut connection: Connection,
        mut request: Request<Body>,
    ) -> Exchange<impl Future<Output = Answered> + use<>> {
        let upload = request.body_mut().watch();
        Exchange {
            answer: connection.send(request),
            upload,
            connection: Some(connection),
            end: Some((self, key)),
            is_first: false,
            again: None,
        }
    }

    /// Takes an answer from its connection, if it is still there.
    fn receive(
        &self,
        key: Key,
        connection: Option<Connection>,
        mut response: Response<Incoming>,
    ) -> Result<Response<Body>, Error> {
        check(&response)?;
        // Of the connection with the backend: its version, and a reason that belongs to a status
        // which may yet be another.
        *response.version_mut() = Version::HTTP_11;
        response
            .extensions_mut()
            .remove::<hyper::ext::ReasonPhrase>();
        Ok(response.map(|body| match connection {
            Some(connection) => receive_body(&self.pool, key, connection, body),
            None => Body::new(body),
        }))
    }
}

type Answered = Result<Response<Incoming>, TrySendError<Request<Body>>>;

pin_project! {
    /// A request that is answered.
    ///
    /// Written out, since its room is allocated for each request: a future of `async` would hold the
    /// request twice.
    struct Exchange<F> {
        #[pin]
        answer: F,
        // None for what is in memory.
        upload: Option<Arc<Watch>>,
        connection: Option<Connection>,
        end: Option<(Arc<Shared>, Key)>,
        // The connection was made for it: there is no use in another one.
        is_first: bool,
        again: Option<HttpClientFuture>,
    }
}

impl<F: Future<Output = Answered>> Future for Exchange<F> {
    type Output = Result<Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(again) = this.again {
            return Pin::new(again).poll(cx);
        }
        let answered = match this.connection {
            Some(connection) => {
                let ended = connection.drive().is_ready();
                let answered = connection.poll(|cx| this.answer.as_mut().poll(cx));
                if answered.is_pending() {
                    connection.wait(cx);
                    if ended {
                        // A request that was never looked at comes back with the connection's end.
                        *this.connection = None;
                        cx.waker().wake_by_ref();
                    }
                }
                answered
            }
            None => this.answer.poll(cx),
        };
        let Poll::Ready(answered) = answered else {
            return Poll::Pending;
        };
        let Some((shared, key)) = this.end.take() else {
            // Polled again after it was ready.
            return Poll::Pending;
        };
        let mut failed = match answered {
            Ok(response) => {
                let mut connection = this.connection.take();
                if this.upload.as_ref().is_some_and(|upload| !upload.is_over()) {
                    // Who reads the answer may wait for the rest of the request to go first, and
                    // so must not be the one who sends it.
                    if let Some(connection) = connection.take() {
                        connection.detach();
                    }
                }
                return Poll::Ready(shared.receive(key, connection, response));
            }
            Err(failed) => failed,
        };
        match failed.take_message() {
            // The backend closed an idle connection before anything was written.
            Some(unsent) if !*this.is_first => {
                let first = shared.send_first(key, unsent);
                let again = this.again.insert(HttpClientFuture(Box::pin(first)));
                Pin::new(again).poll(cx)
            }
            _ => Poll::Ready(Err(failure::unanswered(failed.into_error()))),
        }
    }
}

/// The body of an answer whose head is there. What came with the head is not waited for.
fn receive_body(pool: &Pool, key: Key, connection: Connection, mut body: Incoming) -> Body {
    if body.is_end_stream() {
        pool.give_back(key, connection);
        return Body::empty();
    }
    let mut first = None;
    // The others end with a frame that is none.
    if body.size_hint().exact().is_some()
        && let Poll::Ready(Some(frame)) = connection.poll(|cx| Pin::new(&mut body).poll_frame(cx))
    {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) if body.is_end_stream() => {
                pool.give_back(key, connection);
                return Body::from(data);
            }
            Ok(Ok(data)) => first = Some(Ok(Frame::data(data))),
            Ok(Err(frame)) => first = Some(Ok(frame)),
            Err(error) => first = Some(Err(error)),
        }
    }
    Body::new(DrivenBody {
        first,
        body,
        connection: Some(connection),
        end: Some((pool.clone(), key)),
    })
}

/// The body of an answer. Reading it drives its connection, which goes back to the pool at its end.
#[derive(Debug)]
struct DrivenBody {
    first: Option<Result<Frame<Bytes>, hyper::Error>>,
    body: Incoming,
    connection: Option<Connection>,
    end: Option<(Pool, Key)>,
}

impl DrivenBody {
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let body = &mut self.body;
        let Some(connection) = &mut self.connection else {
            return Pin::new(body).poll_frame(cx);
        };
        // What is there already needs no connection.
        connection.rest();
        let mut polled = connection.poll(|cx| Pin::new(&mut *body).poll_frame(cx));
        if polled.is_pending() {
            let _ = connection.drive();
            polled = connection.poll(|cx| Pin::new(&mut *body).poll_frame(cx));
        }
        if polled.is_pending() {
            connection.wait(cx);
        }
        polled
    }
}

impl HttpBody for DrivenBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(first));
        }
        let frame = ready!(this.poll_body(cx));
        // Whoever knows the length does not ask for what is behind the last frame.
        let is_whole = match frame {
            None => true,
            Some(Ok(_)) => this.body.is_end_stream(),
            Some(Err(error)) => {
                this.connection = None;
                // Whoever writes the answer (hyper does) may drop what it holds with the error, and
                // so gets the time to write it first.
                this.first = Some(Err(error));
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        };
        if is_whole
            && let Some(connection) = this.connection.take()
            && let Some((pool, key)) = this.end.take()
        {
            pool.give_back(key, connection);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.body.size_hint();
        let Some(Ok(first)) = &self.first else {
            return rest;
        };
        let first = first.data_ref().map_or(0, Bytes::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}
