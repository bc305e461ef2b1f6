//! Lets AWS's crates send their requests over any service of ours.

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tower_service::Service;

use crate::body::Body;
use crate::error::BoxError;

/// The longest answer that is read; the credentials of a role take two kilobytes.
const LIMIT: u64 = 1024 * 1024;
/// How long an exchange may take where AWS's crates set nothing.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A service as a client of HTTP for AWS's crates.
#[derive(Clone)]
pub(super) struct Connector<S> {
    service: S,
    timeout: Duration,
}

impl<S> Connector<S> {
    pub(super) fn new(service: S) -> Self {
        Self {
            service,
            timeout: TIMEOUT,
        }
    }
}

impl<S> fmt::Debug for Connector<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<S, R> HttpClient for Connector<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        // Chosen: the whole exchange gets what the longer of its parts may take, so that machines
        // without metadata learn it in three seconds rather than six.
        let connect = settings.connect_timeout().unwrap_or_default();
        let timeout = settings.read_timeout().unwrap_or(TIMEOUT).max(connect);
        SharedHttpConnector::new(Self {
            service: self.service.clone(),
            timeout,
        })
    }
}

impl<S, R> HttpConnector for Connector<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (service, timeout) = (self.service.clone(), self.timeout);
        HttpConnectorFuture::new(async move {
            let request = outgoing(&request).map_err(ConnectorError::user)?;
            let exchange = tokio::time::timeout(timeout, exchange(service, request));
            match exchange.await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(ConnectorError::io(error)),
                Err(elapsed) => Err(ConnectorError::timeout(elapsed.into())),
            }
        })
    }
}

fn outgoing(request: &HttpRequest) -> Result<Request<Body>, BoxError> {
    let body = request
        .body()
        .bytes()
        .ok_or("a body that comes in pieces is not sent here")?;
    let mut out = Request::builder()
        .method(request.method())
        .uri(request.uri());
    for (name, value) in request.headers() {
        out = out.header(name, value);
    }
    Ok(out.body(Body::from(Bytes::copy_from_slice(body)))?)
}

async fn exchange<S, R>(mut service: S, request: Request<Body>) -> Result<HttpResponse, BoxError>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(Into::into)?;
    let response = service.call(request).await.map_err(Into::into)?;
    let (head, body) = response.into_parts();
    let body = Body::new(body).collect_within(LIMIT).await?.bytes;
    let status = StatusCode::try_from(head.status.as_u16())?;
    let mut answer = HttpResponse::new(status, SdkBody::from(body));
    for (name, value) in &head.headers {
        // What is no text has no meaning for these services.
        if let Ok(value) = value.to_str() {
            answer
                .headers_mut()
                .try_append(name.as_str().to_owned(), value.to_owned())?;
        }
    }
    Ok(answer)
}
