//! Signs what carries a target that asks for a signature.

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error};
use crate::layer::capture;
use crate::layer::future::ResponseFuture;
use crate::target::Target;

/// The place of AWS Signature Version 4 in the stack: directly around
/// [`DispatchLayer`](crate::layer::DispatchLayer), so that nothing changes a request after it is
/// signed and a retry outside of it signs each attempt afresh.
///
/// This version signs nothing yet. A request without a
/// [`signing`](crate::target::Target::signing) scope passes through; one that asks for a signature
/// fails rather than going out unsigned.
///
/// # Errors
/// [`ErrorKind::Configuration`](crate::error::ErrorKind::Configuration) for a request that asks
/// for a signature.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::layer::SigV4Layer;
/// use tower_apigw::target::Target;
/// use tower_apigw::Body;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backend = service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
/// let service = SigV4Layer::new().layer(backend);
///
/// let plain = Request::get("http://backend.example/").body(Body::empty())?;
/// assert!(service.clone().oneshot(plain).await.is_ok());
///
/// let signed = Request::get("https://sqs.eu-west-1.amazonaws.com/")
///     .extension(Target::new().signed("sqs", "eu-west-1"))
///     .body(Body::empty())?;
/// assert!(service.oneshot(signed).await.is_err());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct SigV4Layer(());

impl SigV4Layer {
    /// A layer without credentials.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for SigV4Layer {
    type Service = SigV4<S>;

    fn layer(&self, inner: S) -> SigV4<S> {
        SigV4 { inner }
    }
}

/// See [`SigV4Layer`].
#[derive(Debug, Clone)]
pub struct SigV4<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for SigV4<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_service(error.into()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = capture::own(request);
        match request
            .extensions()
            .get::<Target>()
            .and_then(|target| target.signing.as_ref())
        {
            None => ResponseFuture::pass(self.inner.call(request)),
            Some(scope) => ResponseFuture::ready(Err(Error::configuration(format!(
                "a request to {} in {} needs a signature, and this version has none",
                scope.service, scope.region
            )))),
        }
    }
}
