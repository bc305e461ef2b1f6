//! The listener for those who run a server: whether it lives and is ready, and what it counted.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::{Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::{Method, Request, Response, StatusCode, header};
use tokio::net::TcpListener;
use tower_apigw::Body;
use tower_apigw::metrics::Metrics;
use tower_apigw::server::Server;
use tower_service::Service;

use crate::exit::Failure;
use crate::listen;

/// Answers `/livez`, `/readyz` and `/metrics`.
#[derive(Debug, Clone, Default)]
pub(super) struct Admin {
    draining: Arc<AtomicBool>,
    pub(super) metrics: Metrics,
    /// Lines of the access log that were left out.
    pub(super) dropped_lines: Arc<AtomicU64>,
}

impl Admin {
    /// Listens on `address`, and says which that is after all, which only this machine may reach unless it is `public`.
    pub(super) async fn bind(
        address: &str,
        public: bool,
    ) -> Result<(TcpListener, SocketAddr), Failure> {
        let failure = |error: io::Error| listen::cannot("--admin", address, &error);
        let listener = TcpListener::bind(address).await.map_err(failure)?;
        let bound = listener.local_addr().map_err(failure)?;
        if public || bound.ip().is_loopback() {
            return Ok((listener, bound));
        }
        Err(Failure::usage(format!("other machines can reach {address}"))
            .help("--admin 127.0.0.1:9901 is for this machine alone; --admin-public allows the others"))
    }

    /// Answers until the program ends, so that it is still told that the server drains.
    pub(super) async fn serve(self, listener: TcpListener) {
        Server::new().serve(listener, self, pending()).await;
    }

    /// From now on no new requests should come.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn metrics(&self) -> String {
        const DROPPED: &str = "apigw_access_log_dropped_lines_total";
        let dropped = self.dropped_lines.load(Ordering::Relaxed);
        let mut text = self.metrics.to_string();
        let _ = write!(
            text,
            "# HELP {DROPPED} Lines of the access log that were not written.\n# TYPE {DROPPED} counter\n{DROPPED} {dropped}\n"
        );
        text
    }

    fn answer(&self, method: &Method, path: &str) -> (StatusCode, Cow<'static, str>) {
        let draining = self.draining.load(Ordering::Relaxed);
        let (status, text) = match path {
            "/livez" | "/readyz" | "/metrics" if !matches!(*method, Method::GET | Method::HEAD) => {
                (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n")
            }
            "/readyz" if draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            "/livez" | "/readyz" => (StatusCode::OK, "ok\n"),
            "/metrics" => return (StatusCode::OK, self.metrics().into()),
            _ => (
                StatusCode::NOT_FOUND,
                "there are /livez, /readyz and /metrics\n",
            ),
        };
        (status, text.into())
    }
}

impl Service<Request<Body>> for Admin {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (status, text) = self.answer(request.method(), request.uri().path());
        let mut response = Response::new(Body::from(text.into_owned()));
        *response.status_mut() = status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
        );
        ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_ends_with_the_drain_and_life_does_not() {
        let admin = Admin::default();
        let status = |method: Method, path: &str| admin.answer(&method, path).0.as_u16();
        assert_eq!(status(Method::GET, "/livez"), 200);
        assert_eq!(status(Method::HEAD, "/readyz"), 200);
        assert_eq!(status(Method::POST, "/readyz"), 405);
        assert_eq!(status(Method::GET, "/"), 404);
        assert_eq!(status(Method::GET, "/metrics"), 200);
        assert_eq!(status(Method::POST, "/metrics"), 405);
        admin.clone().drain();
        assert_eq!(status(Method::GET, "/readyz"), 503);
        assert_eq!(status(Method::GET, "/livez"), 200);
    }
}
