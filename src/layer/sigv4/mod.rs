//! Signs what carries a target that asks for a signature.

#[cfg(feature = "sigv4")]
mod attempt;
#[cfg(feature = "sigv4")]
mod chunked;
#[cfg(feature = "sigv4")]
mod dechunked;
#[cfg(feature = "sigv4")]
mod keys;
#[cfg(feature = "sigv4")]
mod mismatch;
#[cfg(feature = "sigv4")]
mod settings;

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
use crate::layer::sigv4::{attempt::Attempt, settings::Settings};
use crate::target::{SigningScope, Target};

#[cfg(feature = "sigv4")]
pub(super) use mismatch::Signed;
#[cfg(feature = "sigv4")]
pub use settings::PayloadSigning;

/// Signs requests with AWS Signature Version 4: directly around
/// [`DispatchLayer`](crate::layer::DispatchLayer), so that nothing changes a request after it is
/// signed and a retry outside of it signs each attempt afresh. Alone it stands around any client of
/// HTTP.
///
/// A request is signed for the scope that its [`Target`] carries, or for the
/// [`scope`](Self::scope) of the layer; without either it passes. Path and query are brought into
/// one form before, so that what is signed is what is sent. Signing keys are kept for their day.
/// What a client sent as a signature of its own is replaced; a body in signed chunks
/// (`aws-chunked`) is unpacked first, since its signatures hold no more.
///
/// If the service answers that the signature does not match, and says what it would have signed,
/// the differences are logged as warnings, without secrets.
///
/// # Errors
/// [`ErrorKind::Credentials`](crate::error::ErrorKind::Credentials) for a request that asks
/// for a signature without credentials for it,
/// [`ErrorKind::RequestTooLarge`](crate::error::ErrorKind::RequestTooLarge) for a body over
/// the limit that has to be read as a whole,
/// [`ErrorKind::Configuration`](crate::error::ErrorKind::Configuration) for one that cannot be signed,
/// such as one without a host.
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::Body;
/// # #[cfg(feature = "sigv4")] {
/// use tower_apigw::credentials::Credentials;
/// use tower_apigw::layer::SigV4Layer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A client of hyper, or any other service.
/// let client = service_fn(|request: Request<Body>| async move {
///     assert!(request.headers()["authorization"].to_str().unwrap().starts_with(
///         "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
///     Ok::<_, Infallible>(Response::new(Body::empty()))
/// });
/// let signed = SigV4Layer::new(Credentials::new("AKIDEXAMPLE", "secret"))
///     .scope("dynamodb", "eu-west-1")
///     .layer(client);
/// let request = Request::post("https://dynamodb.eu-west-1.amazonaws.com/")
///     .header("x-amz-target", "DynamoDB_20120810.ListTables")
///     .body(Body::from("{}"))?;
/// assert_eq!(signed.oneshot(request).await?.status(), 200);
/// # Ok(()) }
/// # main().unwrap(); }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SigV4Layer {
    #[cfg(feature = "sigv4")]
    settings: Option<Arc<Settings>>,
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
    #[cfg(feature = "sigv4")]
    pub fn new(credentials: impl Into<SharedProvider>) -> Self {
        Self {
            settings: Some(Arc::new(Settings::new(credentials.into()))),
        }
    }
}

impl<S> Layer<S> for SigV4Layer {
    type Service = SigV4<S>;

    fn layer(&self, inner: S) -> SigV4<S> {
        SigV4 {
            inner,
            #[cfg(feature = "sigv4")]
            settings: self.settings.clone(),
        }
    }
}

/// See [`SigV4Layer`].
#[derive(Debug, Clone)]
pub struct SigV4<S> {
    inner: S,
    #[cfg(feature = "sigv4")]
    settings: Option<Arc<Settings>>,
}

impl<S> SigV4<S> {
    /// What the request is to be signed for.
    fn scope(&self, request: &Request<Body>) -> Option<Arc<SigningScope>> {
        let target = request.extensions().get::<Target>();
        let scope = target.and_then(|target| target.signing.clone());
        #[cfg(feature = "sigv4")]
        let scope = scope.or_else(|| self.settings.as_ref()?.scope.clone());
        scope
    }
}

impl<S, B, R> Service<Request<B>> for SigV4<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
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
        let Some(scope) = self.scope(&request) else {
            return ResponseFuture::pass(self.inner.call(request));
        };
        #[cfg(feature = "sigv4")]
        if let Some(settings) = &self.settings {
            return match Attempt::new(Arc::clone(settings), scope, request) {
                Ok(attempt) if attempt.is_ready() => attempt.send(&mut self.inner),
                Ok(mut attempt) => {
                    let clone = self.inner.clone();
                    let mut inner = std::mem::replace(&mut self.inner, clone);
                    ResponseFuture::boxed(async move {
                        attempt.prepare().await?;
                        attempt.send(&mut inner).await
                    })
                }
                Err(error) => ResponseFuture::ready(Err(error)),
            };
        }
        // A function in process needs no signature, and a client of HTTP refuses to call one without.
        let target = request.extensions().get::<Target>();
        if target.is_some_and(|target| target.function.is_some()) {
            return ResponseFuture::pass(self.inner.call(request));
        }
        ResponseFuture::ready(Err(Error::new(
            ErrorKind::Credentials,
            format!(
                "a request to {} in {} needs a signature, and there are no credentials for it",
                scope.service, scope.region
            ),
        )))
    }
}
