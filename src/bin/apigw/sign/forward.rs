//! Forwards requests to one host, without what belongs to the connection with the client.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
};
use tower::{Service, ServiceExt};
use tower_apigw::Body;
use tower_apigw::error::{Error, ErrorKind};
use tower_apigw::target::Target;

use crate::sign::refusal;

/// Forwards to `inner`, and answers its failures.
#[derive(Debug, Clone)]
pub(crate) struct Forward<S> {
    inner: S,
    rules: Arc<Rules>,
}

#[derive(Debug, Clone)]
struct Rules {
    scheme: Scheme,
    authority: Authority,
    strip: Vec<HeaderName>,
    duplicate: Vec<HeaderName>,
    custom: Vec<(HeaderName, HeaderValue)>,
    timeout: Option<Duration>,
    log_failed: bool,
}

impl<S> Forward<S> {
    pub(crate) fn new(inner: S, scheme: Scheme, authority: Authority) -> Self {
        let rules = Rules {
            scheme,
            authority,
            strip: Vec::new(),
            duplicate: Vec::new(),
            custom: Vec::new(),
            timeout: None,
            log_failed: false,
        };
        Self {
            inner,
            rules: Arc::new(rules),
        }
    }

    pub(crate) fn strip(mut self, names: Vec<HeaderName>) -> Self {
        Arc::make_mut(&mut self.rules).strip = names;
        self
    }

    pub(crate) fn duplicate(mut self, names: Vec<HeaderName>) -> Self {
        Arc::make_mut(&mut self.rules).duplicate = names;
        self
    }

    pub(crate) fn custom(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        Arc::make_mut(&mut self.rules).custom = headers;
        self
    }

    pub(crate) fn timeout(mut self, timeout: Option<Duration>) -> Self {
        Arc::make_mut(&mut self.rules).timeout = timeout;
        self
    }

    pub(crate) fn log_failed(mut self, log: bool) -> Self {
        Arc::make_mut(&mut self.rules).log_failed = log;
        self
    }
}

impl<S> Service<Request<Body>> for Forward<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path() == "/health" {
            return Box::pin(std::future::ready(Ok(health(request.method()))));
        }
        let (inner, rules) = (self.inner.clone(), Arc::clone(&self.rules));
        Box::pin(async move {
            let method = request.method().clone();
            let request = rules.rewrite(request);
            let path = request.uri().path().to_owned();
            let mut response = match inner.oneshot(request).await {
                Ok(response) => response,
                Err(error) => {
                    tracing::warn!(%method, path, %error, "the request failed");
                    failed(&error)
                }
            };
            if rules.log_failed && response.status().as_u16() >= 400 {
                let (head, body) = response.into_parts();
                let (message, body) = refusal::begin(body).await;
                let status = head.status.as_u16();
                tracing::warn!(%method, path, status, message, "the service refused");
                response = Response::from_parts(head, body);
            }
            remove_hops(response.headers_mut());
            Ok(response)
        })
    }
}

fn health(method: &Method) -> Response<Body> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Response::new(Body::from("ok\n"));
    }
    let mut response = Response::new(Body::from("only GET and HEAD\n"));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

impl Rules {
    fn rewrite(&self, request: Request<Body>) -> Request<Body> {
        let (mut head, body) = request.into_parts();
        let target = head.uri.path_and_query().cloned();
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.scheme.clone());
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(target.unwrap_or_else(|| PathAndQuery::from_static("/")));
        // Three valid parts make a valid whole.
        head.uri = Uri::from_parts(uri).unwrap_or_default();
        head.version = Version::HTTP_11;
        remove_hops(&mut head.headers);
        // The client has been told to go on when its body is read.
        head.headers.remove(header::EXPECT);
        head.headers.remove(header::HOST);
        for name in &self.duplicate {
            let Ok(copy) = HeaderName::try_from(format!("x-original-{name}")) else {
                continue;
            };
            let values: Vec<_> = head.headers.get_all(name).iter().cloned().collect();
            for value in values {
                head.headers.append(copy.clone(), value);
            }
        }
        for name in &self.strip {
            head.headers.remove(name);
        }
        for (name, value) in &self.custom {
            head.headers.insert(name.clone(), value.clone());
        }
        if let Some(timeout) = self.timeout {
            head.extensions.insert(Target::new().timeout(timeout));
        }
        // hyper sends no body with GET and its kin unless a header says that there is one.
        let length = http_body::Body::size_hint(&body).exact();
        match length {
            Some(0) => {}
            Some(length) => {
                head.headers
                    .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            None => {
                head.headers.remove(header::CONTENT_LENGTH);
                head.headers.insert(
                    header::TRANSFER_ENCODING,
                    HeaderValue::from_static("chunked"),
                );
            }
        }
        Request::from_parts(head, body)
    }
}

/// Removes what belongs to one connection.
// RFC 9110, 7.6.1.
fn remove_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // Chosen: a client may not strip what is signed or what frames the request.
        .filter(|name: &HeaderName| {
            *name != header::HOST
                && *name != header::CONTENT_TYPE
                && *name != header::CONTENT_LENGTH
                && !name.as_str().starts_with("x-amz-")
        })
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ] {
        headers.remove(name);
    }
}

/// What a client is told, which is not what went wrong: that stands in the log.
fn failed(error: &Error) -> Response<Body> {
    let status = match error.kind() {
        ErrorKind::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::ClientBody => StatusCode::BAD_REQUEST,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Network => StatusCode::BAD_GATEWAY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Body::from(format!("{reason}\n")));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_are_healthy() {
        assert_eq!(health(&Method::GET).status(), 200);
        assert_eq!(health(&Method::HEAD).status(), 200);
        let refused = health(&Method::POST);
        assert_eq!(refused.status(), 405);
        assert_eq!(refused.headers()[header::ALLOW], "GET, HEAD");
    }
}
