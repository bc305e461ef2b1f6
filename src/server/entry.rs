//! Where hyper hands a request over: it is admitted, labelled and given to the service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;
use crate::error::BoxError;
use crate::layer::OneCall;
use crate::mapping::ClientAddress;
use crate::server::admit::{Sizes, admit};
use crate::server::spelling::Spelled;

/// The service of one connection.
#[derive(Debug)]
pub(super) struct Entry<S> {
    pub(super) service: S,
    pub(super) client: Option<ClientAddress>,
    pub(super) sizes: Sizes,
    pub(super) spelled: Option<Spelled>,
}

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
            return EntryFuture {
                state: State::Refused {
                    response: Some(response),
                },
            };
        }
        let extensions = request.extensions_mut();
        if let Some(names) = names {
            extensions.insert(names);
        }
        if let Some(client) = self.client {
            extensions.insert(client);
        }
        EntryFuture {
            state: State::Called {
                answer: OneCall::new(self.service.clone(), request.map(Body::new)),
            },
        }
    }
}

pin_project! {
    /// An answer, to come.
    pub(super) struct EntryFuture<S: Service<Request<Body>>> {
        #[pin]
        state: State<OneCall<S>>,
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
        match self.project().state.project() {
            StateProjection::Refused { response } => {
                Poll::Ready(Ok(response.take().unwrap_or_default()))
            }
            StateProjection::Called { answer } => {
                // The service is infallible, so that there is no error to answer.
                answer.poll(cx).map(|answer| {
                    Ok(answer
                        .map_or_else(|_| Response::default(), |response| response.map(Body::new)))
                })
            }
        }
    }
}
