//! Requests that go over to WebSocket: the head is HTTP, all that follows are bytes both ways.

use std::sync::Arc;

use http::{Request, Response, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use crate::backend::client::pool::Key;
use crate::backend::client::{Shared, failure};
use crate::body::Body;
use crate::error::{BoxError, Error};

impl Shared {
    /// Sends a request on a connection of its own, and joins that with the client's if the backend
    /// says so.
    pub(super) async fn send_upgrading(
        self: Arc<Self>,
        key: Key,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let Some(client) = request.extensions_mut().remove::<OnUpgrade>() else {
            // Whoever serves cannot hand its connection over: as API Gateway does it.
            request.headers_mut().remove(header::UPGRADE);
            request.headers_mut().remove(header::CONNECTION);
            return self.send(key, request).await;
        };
        let made = self.connector.http1_upgradable(&key).await;
        let mut sender = made.map_err(failure::unconnected)?;
        let answer = sender.send_request(request).await;
        let mut response = answer.map_err(failure::unanswered)?;
        *response.version_mut() = Version::HTTP_11;
        response
            .extensions_mut()
            .remove::<hyper::ext::ReasonPhrase>();
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            super::check(&response)?;
            return Ok(response.map(Body::new));
        }
        let to = response.headers().get(header::UPGRADE);
        if !to.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
            return Err(failure::bad_answer(
                "it switched to a protocol that nobody asked for",
            ));
        }
        let backend = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            match join(client, backend).await {
                Ok((sent, received)) => {
                    tracing::debug!(sent, received, "a WebSocket connection ended");
                }
                Err(error) => tracing::debug!(%error, "a WebSocket connection broke off"),
            }
        });
        Ok(response.map(|_| Body::empty()))
    }
}

/// Copies bytes both ways until both sides have ended.
async fn join(client: OnUpgrade, backend: OnUpgrade) -> Result<(u64, u64), BoxError> {
    // The client's side is there when it has the head of the answer.
    let mut backend = TokioIo::new(backend.await?);
    let mut client = TokioIo::new(client.await?);
    Ok(copy_bidirectional(&mut client, &mut backend).await?)
}
