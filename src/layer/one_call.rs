//! One call of a service: waits until it is ready, then calls it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;

pin_project! {
    pub(super) struct OneCall<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, F> {
        Unready { service: S, request: Option<Request<Body>> },
        Called { #[pin] future: F },
    }
}

impl<S: Service<Request<Body>>> OneCall<S> {
    pub(super) fn new(service: S, request: Request<Body>) -> Self {
        Self { state: State::Unready { service, request: Some(request) } }
    }
}

impl<S: Service<Request<Body>>> Future for OneCall<S> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let future = match this.state.as_mut().project() {
                StateProjection::Called { future } => return future.poll(cx),
                StateProjection::Unready { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    match request.take() {
                        Some(request) => service.call(request),
                        // Polled again after it was done.
                        None => return Poll::Pending,
                    }
                }
            };
            this.state.set(State::Called { future });
        }
    }
}
