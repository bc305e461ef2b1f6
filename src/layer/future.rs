//! The future of the mapping layers: an inner future, and what is done with its answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;

use crate::body::Body;
use crate::error::{BoxError, Error};
#[cfg(feature = "sigv4")]
use crate::layer::sigv4::Signed;
use crate::mapping::{Call, Plan};
use crate::trace::Trace;

pub(super) type BoxFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

/// What is done with an answer.
pub(super) enum Step {
    Done(Result<Response<Body>, Error>),
    /// Something has to be awaited.
    Later(BoxFuture),
}

pub(super) type Finish<C> = fn(Arc<C>, Response<Body>) -> Step;

type Traced = (
    Arc<Plan>,
    Trace,
    fn(Arc<Plan>, Trace, Response<Body>) -> Step,
);

/// What an answer is finished with.
enum Finisher {
    Call(Arc<Call>, Finish<Call>),
    Plan(Arc<Plan>, Finish<Plan>),
    Traced(Box<Traced>),
    #[cfg(feature = "sigv4")]
    Signed(Arc<Signed>, Finish<Signed>),
}

pin_project! {
    /// The answer of a layer, to come.
    ///
    /// It allocates only where a body has to be awaited.
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] inner: F, finish: Option<Finisher> },
        Boxed { boxed: BoxFuture },
        Ready { answer: Option<Result<Response<Body>, Error>> },
    }
}

impl<F> ResponseFuture<F> {
    /// The inner answer as it is.
    pub(super) fn pass(inner: F) -> Self {
        Self {
            state: State::Inner {
                inner,
                finish: None,
            },
        }
    }

    /// The inner answer, finished.
    pub(super) fn then(inner: F, call: Arc<Call>, finish: Finish<Call>) -> Self {
        Self {
            state: State::Inner {
                inner,
                finish: Some(Finisher::Call(call, finish)),
            },
        }
    }

    /// The inner answer, finished by a plan that needs nothing of the request.
    pub(super) fn then_plan(inner: F, plan: Arc<Plan>, finish: Finish<Plan>) -> Self {
        Self {
            state: State::Inner {
                inner,
                finish: Some(Finisher::Plan(plan, finish)),
            },
        }
    }

    /// The same, told to a trace.
    pub(super) fn then_traced(
        inner: F,
        plan: Arc<Plan>,
        trace: Trace,
        finish: fn(Arc<Plan>, Trace, Response<Body>) -> Step,
    ) -> Self {
        Self {
            state: State::Inner {
                inner,
                finish: Some(Finisher::Traced(Box::new((plan, trace, finish)))),
            },
        }
    }

    /// The inner answer to a signed request.
    #[cfg(feature = "sigv4")]
    pub(super) fn then_signed(inner: F, signed: Arc<Signed>, finish: Finish<Signed>) -> Self {
        Self {
            state: State::Inner {
                inner,
                finish: Some(Finisher::Signed(signed, finish)),
            },
        }
    }

    pub(super) fn boxed(
        boxed: impl Future<Output = Result<Response<Body>, Error>> + Send + 'static,
    ) -> Self {
        Self {
            state: State::Boxed {
                boxed: Box::pin(boxed),
            },
        }
    }

    pub(super) fn ready(answer: Result<Response<Body>, Error>) -> Self {
        Self {
            state: State::Ready {
                answer: Some(answer),
            },
        }
    }
}

impl<F, E, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Inner { inner, finish } => {
                    let response = match ready!(inner.poll(cx)) {
                        Ok(response) => response.map(Body::new),
                        Err(error) => return Poll::Ready(Err(Error::from_service(error.into()))),
                    };
                    let step = match finish.take() {
                        None => return Poll::Ready(Ok(response)),
                        Some(Finisher::Call(call, finish)) => finish(call, response),
                        Some(Finisher::Plan(plan, finish)) => finish(plan, response),
                        Some(Finisher::Traced(traced)) => {
                            let (plan, trace, finish) = *traced;
                            finish(plan, trace, response)
                        }
                        #[cfg(feature = "sigv4")]
                        Some(Finisher::Signed(signed, finish)) => finish(signed, response),
                    };
                    match step {
                        Step::Done(answer) => return Poll::Ready(answer),
                        Step::Later(boxed) => this.state.set(State::Boxed { boxed }),
                    }
                }
                StateProjection::Boxed { boxed } => return boxed.as_mut().poll(cx),
                StateProjection::Ready { answer } => match answer.take() {
                    Some(answer) => return Poll::Ready(answer),
                    // Polled again after it was ready.
                    None => return Poll::Pending,
                },
            }
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
