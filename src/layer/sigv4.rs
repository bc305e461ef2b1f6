//! Signs what carries a target that asks for a signature.

#[cfg(feature = "sigv4")]
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
#[cfg(feature = "sigv4")]
use crate::credentials::SharedProvider;
use crate::error::{BoxError, Error, ErrorKind};
use crate::layer::capture;
use crate::layer::future::ResponseFuture;
#[cfg(feature = "sigv4")]
use crate::target::SigningScope;
use crate::target::Target;

/// Signs requests with AWS Signature Version 4: directly around
/// [`DispatchLayer`](crate::layer::DispatchLayer), so that nothing changes a request after it is
/// signed and a retry outside of it signs each attempt afresh.
///
/// This version signs nothing yet: a request without a
/// [`signing`](crate::target::Target::signing) scope passes through, one that asks for a signature
/// fails rather than going out unsigned.
///
/// # Errors
/// [`ErrorKind::Credentials`](crate::error::ErrorKind::Credentials) for a request that asks
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
/// let service = SigV4Layer::without_credentials().layer(backend);
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
#[derive(Debug, Clone)]
#[must_use]
pub struct SigV4Layer {
    #[cfg(feature = "sigv4")]
    settings: Option<Arc<Settings>>,
}

/// What the requests of a layer are signed with.
#[cfg(feature = "sigv4")]
#[derive(Debug, Clone)]
#[allow(dead_code)]
struct Settings {
    credentials: SharedProvider,
    scope: Option<Arc<SigningScope>>,
}

impl SigV4Layer {
    /// A layer that lets what asks for no signature pass, and refuses what does.
    pub fn without_credentials() -> Self {
        Self {
            #[cfg(feature = "sigv4")]
            settings: None,
        }
    }

    /// A layer that signs with `credentials`: a value, a provider, or a
    /// [`SharedProvider`] that others use too.
    ///
    /// The scope is that of the request's [`Target`], or a fixed one: [`scope`](Self::scope).
    #[cfg(feature = "sigv4")]
    pub fn new(credentials: impl Into<SharedProvider>) -> Self {
        Self {
            settings: Some(Arc::new(Settings {
                credentials: credentials.into(),
                scope: None,
            })),
        }
    }

    /// Signs every request that brings no scope of its own for `service` in `region`.
    #[cfg(feature = "sigv4")]
    pub fn scope(mut self, service: impl Into<String>, region: impl Into<String>) -> Self {
        if let Some(settings) = &mut self.settings {
            Arc::make_mut(settings).scope = Some(Arc::new(SigningScope {
                service: service.into(),
                region: region.into(),
            }));
        }
        self
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
            Some(scope) => ResponseFuture::ready(Err(Error::new(
                ErrorKind::Credentials,
                format!(
                    "a request to {} in {} needs a signature, and there are no credentials for it",
                    scope.service, scope.region
                ),
            ))),
        }
    }
}
