//! A request and its answer on one connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use pin_project_lite::pin_project;

use crate::backend::client::pool::{Connection, Key};
use crate::backend::client::{HttpClientFuture, Shared, check, failure};
use crate::body::Body;
use crate::error::Error;

impl Shared {
    /// Sends a request on an idle connection, or on a new one.
    pub(super) fn send(self: Arc<Self>, key: Key, request: Request<Body>) -> HttpClientFuture {
        HttpClientFuture(match self.pool.take(&key) {
            Some(connection) => Box::pin(self.exchange(key, connection, request)),
            None => Box::pin(self.send_first(key, request)),
        })
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
        request: Request<Body>,
    ) -> Exchange<impl Future<Output = Answered> + use<>> {
        Exchange {
            answer: connection.sender.try_send_request(request),
            held: Some(connection),
            end: Some((self, key)),
            is_first: false,
            again: None,
        }
    }

    /// Takes an answer from its connection.
    fn receive(
        &self,
        key: Key,
        held: Option<Connection>,
        mut response: Response<Incoming>,
        cx: &mut Context<'_>,
    ) -> Result<Response<Body>, Error> {
        check(&response)?;
        // Of the connection with the backend: its version, and a reason that belongs to a status
        // which may yet be another.
        *response.version_mut() = Version::HTTP_11;
        response
            .extensions_mut()
            .remove::<hyper::ext::ReasonPhrase>();
        Ok(response.map(|body| match held {
            Some(connection) => self.pool.give_back(key, connection, body, cx),
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
        held: Option<Connection>,
        end: Option<(Arc<Shared>, Key)>,
        // The connection was made for it: there is no use in another one.
        is_first: bool,
        again: Option<HttpClientFuture>,
    }
}

impl<F: Future<Output = Answered>> Future for Exchange<F> {
    type Output = Result<Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(again) = this.again {
            return Pin::new(again).poll(cx);
        }
        if this.end.is_none() {
            // Polled again after it was ready.
            return Poll::Pending;
        }
        let Poll::Ready(answered) = poll_answer(this.answer, this.held, cx) else {
            return Poll::Pending;
        };
        let Some((shared, key)) = this.end.take() else {
            return Poll::Pending;
        };
        let mut failed = match answered {
            Ok(response) => {
                return Poll::Ready(shared.receive(key, this.held.take(), response, cx));
            }
            Err(failed) => failed,
        };
        match failed.take_message() {
            // The backend closed an idle connection before anything was written.
            Some(unsent) if !*this.is_first => {
                let first = Box::pin(shared.send_first(key, unsent));
                let again = this.again.insert(HttpClientFuture(first));
                Pin::new(again).poll(cx)
            }
            _ => Poll::Ready(Err(failure::unanswered(failed.into_error()))),
        }
    }
}

/// Waits for the answer to a request on a connection that is held.
///
/// A request that is handed over in the moment in which the connection ends stays in the queue
/// between the two until the last sender is gone, and whoever holds that one waits for ever. So the
/// sender is let go when the connection has ended; the queue then gives the request back.
fn poll_answer<F: Future>(
    mut answer: Pin<&mut F>,
    held: &mut Option<Connection>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    if let Poll::Ready(answered) = answer.as_mut().poll(cx) {
        return Poll::Ready(answered);
    }
    match held.as_mut().map(|held| Pin::new(&mut held.ended).poll(cx)) {
        Some(Poll::Ready(_)) => {
            *held = None;
            answer.poll(cx)
        }
        Some(Poll::Pending) | None => Poll::Pending,
    }
}
