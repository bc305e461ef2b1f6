//! The client: HTTP/2, TLS, and connections that come, stay and go.

mod connections;
mod http2;
mod refused;
mod tls;
#[cfg(feature = "server")]
mod websocket;

use http::{Request, Response};
use tower::ServiceExt;
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::Error;
use tower_apigw::integration::Protocol;
use tower_apigw::target::Target;

use crate::support::soon;

/// A request for `target`.
fn request(uri: &str, target: Target) -> Request<Body> {
    let request = Request::get(uri).extension(target);
    request.body(Body::empty()).unwrap()
}

fn over_http2() -> Target {
    Target::new().protocol(Protocol::Http2)
}

/// Sends a request, and fails if nothing comes of it.
async fn send(client: &HttpClient, request: Request<Body>) -> Result<Response<Body>, Error> {
    soon("an answer", client.clone().oneshot(request)).await
}
