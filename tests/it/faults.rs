//! Faults: backends and clients that do what they should not, each played byte by byte against the
//! gateway as it is served. All of them end in a status or in a broken stream, and leave nothing
//! behind.

mod backend;
mod client;
mod desync;
mod http2;
mod leaks;
mod leaving;
mod leaving_streams;
mod neighbours;
mod streams;

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tower::Layer;
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::integration::{
    ContentHandling, Integration, IntegrationResponse, Protocol, ResponseTransferMode,
};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Limits, Stage};
use tower_apigw::server::{End, Server};

use crate::support::{Head, Raw, plan_at, proxy, soon};

/// What a backend has for an answer, in these tests.
const DEADLINE: Duration = Duration::from_millis(400);
/// What a client has for a head or a piece of a body.
const BRIEF: Duration = Duration::from_millis(300);

const NETWORK: (u16, &str) = (
    504,
    r#"{"message": "Network error communicating with endpoint"}"#,
);
const TIMEOUT: (u16, &str) = (504, r#"{"message": "Endpoint request timed out"}"#);
const INTERNAL: (u16, &str) = (500, r#"{"message": "Internal server error"}"#);

/// Both ways to an answer: byte by byte, and collected for a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Proxy,
    Mapped,
}

const WAYS: [Way; 2] = [Way::Proxy, Way::Mapped];

impl Way {
    fn integration(self, authority: String) -> Integration {
        match self {
            Self::Proxy => proxy(authority).timeout(DEADLINE),
            Self::Mapped => Integration::http("ANY", format!("http://{authority}/"))
                .timeout(DEADLINE)
                .request_template("application/json", "$input.body")
                .response(
                    IntegrationResponse::new(200).response_template("text/plain", "<$input.body>"),
                ),
        }
    }
}

/// The gateway between a client and a backend that the test plays.
struct Gateway {
    address: SocketAddr,
    backend: TcpListener,
    stop: oneshot::Sender<()>,
    end: JoinHandle<End>,
}

fn server() -> Server {
    Server::new()
        .limits(&Limits::aws())
        .keep_header_names(true)
        .header_read_timeout(BRIEF)
        .body_idle_timeout(BRIEF)
}

fn stage() -> Stage {
    Stage::new("test").limits(Limits::aws())
}

impl Gateway {
    async fn new(way: Way) -> Self {
        Self::with(server(), stage(), |authority| way.integration(authority)).await
    }

    async fn with(
        server: Server,
        stage: Stage,
        integration: impl FnOnce(String) -> Integration,
    ) -> Self {
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = backend.local_addr().unwrap().to_string();
        let plan = plan_at(&integration(authority), "/{proxy+}", stage);
        let service = IntegrationLayer::new(plan).layer(HttpClient::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let end = tokio::spawn(server.serve(listener, service, shutdown));
        Self {
            address,
            backend,
            stop,
            end,
        }
    }

    async fn client(&self) -> Raw {
        Raw::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// A client whose socket takes little.
    async fn narrow_client(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    async fn backend(&self) -> Raw {
        Raw::new(self.backend_stream().await)
    }

    async fn backend_stream(&self) -> TcpStream {
        let accepted = soon("a connection to the backend", self.backend.accept()).await;
        accepted.unwrap().0
    }

    async fn stop(self) -> End {
        self.stop.send(()).unwrap();
        soon("the end", self.end).await.unwrap()
    }
}

const GET: &str = "GET /a HTTP/1.1\r\nHost: gateway\r\n\r\n";

/// What a client gets.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Whole(u16, String),
    /// The head came, and a part of the body that does not look like the whole.
    Broken(u16),
    /// Nothing but the end of the connection.
    Nothing,
}

impl Got {
    fn of((status, body): (u16, &str)) -> Self {
        Self::Whole(status, body.to_owned())
    }
}

async fn got(client: &mut Raw, method: &str) -> Got {
    let head: Head = match soon("an answer", client.wire.head()).await {
        Ok(head) => head,
        Err(_) => return Got::Nothing,
    };
    let status = head.status().unwrap();
    match soon("the body", client.wire.answer_body(&head, method)).await {
        Ok(body) => Got::Whole(status, String::from_utf8_lossy(&body).into_owned()),
        Err(_) => Got::Broken(status),
    }
}

/// What a client of HTTP/2 gets. What breaks off is the end of its stream, and of nothing else.
async fn got_over_http2(gateway: &Gateway) -> Got {
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let handshake = conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://gateway/a").body(Body::empty());
    let response = soon("an answer", sender.send_request(request.unwrap())).await;
    let response = response.expect("a head");
    let status = response.status().as_u16();
    let error = match soon("the body", response.into_body().collect()).await {
        Ok(body) => {
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            return Got::Whole(status, body);
        }
        Err(error) => error,
    };
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
    let cause: &h2::Error = cause.expect("an error of HTTP/2");
    assert!(cause.is_reset() && cause.is_remote(), "{cause:?}");
    soon("the connection", sender.ready()).await.unwrap();
    Got::Broken(status)
}

/// Waits until the other side has closed, however it did.
async fn closed(raw: &mut Raw) {
    while matches!(
        soon("the end of the connection", raw.wire.has_more()).await,
        Ok(true)
    ) {
        soon("more", raw.wire.exactly(1)).await.unwrap();
    }
}

/// Ends a connection with a reset.
fn reset(raw: Raw) {
    let stream = raw.into_stream();
    stream.set_zero_linger().unwrap();
}
