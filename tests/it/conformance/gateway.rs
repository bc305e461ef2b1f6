//! A gateway on loopback that hands the spelling of header names on, one request a connection.

use std::convert::Infallible;
use std::io::{self, Cursor};

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, join};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::{ServiceBuilder, ServiceExt};
use tower_apigw::backend::HttpClient;
use tower_apigw::mapping::{ClientAddress, OriginalHeaderNames};
use tower_apigw::openapi::{Api, ApiService};

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
    pub(super) async fn start(api: Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = api.into_service(HttpClient::new());
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, service.clone()));
            }
        });
        Self { port, accepting }
    }
}

/// Reads the head itself, for the names in it, and then lets hyper read it once more.
async fn serve(mut connection: TcpStream, api: ApiService<HttpClient>) -> io::Result<()> {
    let client = ClientAddress(connection.peer_addr()?.ip());
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if connection.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let end = head.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(head.len());
    let lines = String::from_utf8_lossy(&head[..end]).into_owned();
    let names = lines.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let names = OriginalHeaderNames::new(names.map(|(name, _)| name));

    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(names.clone());
            request.extensions_mut().insert(client);
            request
        })
        .service(api)
        .map_err(|error: Infallible| match error {});
    let (read, write) = connection.into_split();
    let connection = join(Cursor::new(head).chain(read), write);
    hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(service))
        .await
        .map_err(io::Error::other)
}
