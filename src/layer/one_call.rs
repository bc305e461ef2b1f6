//! One call of a service: at once if it is ready, else as soon as it is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error};

pin_project! {
    pub(crate) struct OneCall<S>
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
        Unready { waiting: Option<Box<(S, Request<Body>)>> },
        Called { #[pin] future: F },
        Failed { failed: Option<Error> },
    }
}

impl<S: Service<Request<Body>>> OneCall<S>
where
    S::Error: Into<BoxError>,
{
    /// Most services are always ready: their call needs no room for a request that waits.
    pub(crate) fn new(mut service: S, request: Request<Body>) -> Self {
        // Should it be pending, the future polls it again with a waker of its own.
        let state = match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => State::Called {
                future: service.call(request),
            },
            Poll::Ready(Err(error)) => State::Failed {
                failed: Some(typed(error)),
            },
            Poll::Pending => State::Unready {
                waiting: Some(Box::new((service, request))),
            },
        };
        Self { state }
    }
}

impl<S: Service<Request<Body>>> Future for OneCall<S>
where
    S::Error: Into<BoxError>,
{
    type Output = Result<S::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let future = match this.state.as_mut().project() {
                StateProjection::Called { future } => return future.poll(cx).map_err(typed),
                // Polled again after it was done: there is nothing to come.
                StateProjection::Failed { failed } => match failed.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => return Poll::Pending,
                },
                StateProjection::Unready { waiting } => {
                    match waiting {
                        Some(waiting) => ready!(waiting.0.poll_ready(cx)).map_err(typed)?,
                        None => return Poll::Pending,
                    }
                    let Some(ready) = waiting.take() else {
                        return Poll::Pending;
                    };
                    let (mut service, request) = *ready;
                    service.call(request)
                }
            };
            this.state.set(State::Called { future });
        }
    }
}

fn typed(error: impl Into<BoxError>) -> Error {
    Error::from_service(error.into())
}
