//! A gateway on loopback: an API behind the server room, as `apigw serve` has it.

use std::future::pending;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_apigw::backend::HttpClient;
use tower_apigw::mapping::Limits;
use tower_apigw::openapi::Api;
use tower_apigw::server::Server;

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) port: u16,
    accepting: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Gateway {
    pub(super) async fn start(api: Api, limits: &Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::new()
            .limits(limits)
            .keep_header_names(api.reads_header_names());
        let service = api.into_service(HttpClient::new());
        let accepting = tokio::spawn(async move {
            server.serve(listener, service, pending()).await;
        });
        Self { port, accepting }
    }
}
