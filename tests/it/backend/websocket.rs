//! WebSocket through the stack, as bytes on real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::Layer;
use tower_apigw::backend::HttpClient;
use tower_apigw::integration::Integration;
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::server::{End, Server};

use crate::support::{Lines, Wire, joined, plan, proxy, soon};

/// What a backend does with the connection after it has read the head of a request.
#[derive(Clone, Copy, PartialEq)]
enum Backend {
    /// Switches, then sends every byte back, in capitals.
    Shouts,
    /// Switches, and closes its side after the first bytes.
    LeavesFirst,
    Forbids,
    /// Switches to something else.
    Surprises,
}

impl Backend {
    /// Listens; the head of the one request is told.
    async fn listen(self) -> (SocketAddr, oneshot::Receiver<Lines>) {
        let (address, told, _) = self.listen_on().await;
        (address, told)
    }

    /// The same, and what came after the backend had closed its side.
    async fn listen_on(
        self,
    ) -> (
        SocketAddr,
        oneshot::Receiver<Lines>,
        oneshot::Receiver<Vec<u8>>,
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = oneshot::channel();
        let (tell_rest, rest) = oneshot::channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = Wire::new(&mut stream).head().await.unwrap();
            let _ = tell.send(head.headers);
            let answer: &[u8] = match self {
                Self::Shouts | Self::LeavesFirst => {
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nFIRST"
                }
                Self::Forbids => b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
                Self::Surprises => {
                    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                }
            };
            stream.write_all(answer).await.unwrap();
            if self == Self::LeavesFirst {
                stream.shutdown().await.unwrap();
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest).await.unwrap();
                let _ = tell_rest.send(rest);
                return;
            }
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                let loud = bytes[..count].to_ascii_uppercase();
                if stream.write_all(&loud).await.is_err() {
                    return;
                }
            }
        });
        (address, told, rest)
    }
}

/// The listener of this crate in front of a backend, and a client of it.
async fn through(integration: Integration) -> TcpStream {
    let service = IntegrationLayer::new(plan(&integration, "/{proxy+}")).layer(HttpClient::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new().keep_header_names(true);
    tokio::spawn(server.serve(listener, service, std::future::pending()));
    TcpStream::connect(address).await.unwrap()
}

const ASKING: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: api.test\r\nConnection: keep-alive, Upgrade\r\n\
                        Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn by_default_the_request_goes_on_without_upgrade() {
    let (address, told) = Backend::Forbids.listen().await;
    let mut client = through(proxy(address)).await;
    client.write_all(ASKING).await.unwrap();
    let head = soon("an answer", Wire::new(&mut client).head())
        .await
        .unwrap();
    assert_eq!(head.status().unwrap(), 403);
    let seen = told.await.unwrap();
    assert_eq!(joined(&seen, "upgrade"), None);
    assert_eq!(joined(&seen, "connection"), None);
}

#[tokio::test]
async fn bytes_pass_both_ways_for_as_long_as_they_like() {
    let (address, told) = Backend::Shouts.listen().await;
    // Much shorter than what follows takes.
    let integration = proxy(address)
        .websocket()
        .timeout(Duration::from_millis(100));
    let mut client = through(integration).await;
    client.write_all(ASKING).await.unwrap();
    let mut wire = Wire::new(&mut client);
    let head = soon("the switch", wire.head()).await.unwrap();
    assert_eq!(head.status().unwrap(), 101);
    assert_eq!(
        joined(&head.headers, "connection").unwrap().to_lowercase(),
        "upgrade"
    );
    assert_eq!(joined(&head.headers, "upgrade").unwrap(), "websocket");
    let accept = joined(&head.headers, "sec-websocket-accept").unwrap();
    assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let seen = told.await.unwrap();
    assert_eq!(joined(&seen, "upgrade").unwrap(), "websocket");
    assert_eq!(joined(&seen, "connection").unwrap(), "upgrade");
    assert_eq!(joined(&seen, "sec-websocket-version").unwrap(), "13");

    assert_eq!(
        soon("what came with the head", wire.exactly(5))
            .await
            .unwrap(),
        b"FIRST"
    );
    drop(wire);
    tokio::time::sleep(Duration::from_millis(250)).await;
    // Among it what looks like heads of requests.
    for bytes in [
        &b"\x81\x05hello"[..],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n",
    ] {
        for _ in 0..100 {
            client.write_all(bytes).await.unwrap();
            let mut back = vec![0; bytes.len()];
            soon("an echo", client.read_exact(&mut back)).await.unwrap();
            assert_eq!(back, bytes.to_ascii_uppercase());
        }
    }
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    soon("the end", client.read_to_end(&mut rest))
        .await
        .unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn one_side_may_end_before_the_other() {
    let (address, _told, rest) = Backend::LeavesFirst.listen_on().await;
    let mut client = through(proxy(address).websocket()).await;
    client.write_all(ASKING).await.unwrap();
    let mut all = Vec::new();
    soon("the backend's end", client.read_to_end(&mut all))
        .await
        .unwrap();
    assert!(all.ends_with(b"\r\n\r\nFIRST"));
    client.write_all(b"late words").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(soon("the rest", rest).await.unwrap(), b"late words");
}

#[tokio::test]
async fn a_refusal_passes_as_it_is() {
    let (address, _told) = Backend::Forbids.listen().await;
    let mut client = through(proxy(address).websocket()).await;
    client.write_all(ASKING).await.unwrap();
    let mut wire = Wire::new(&mut client);
    let head = soon("an answer", wire.head()).await.unwrap();
    assert_eq!(head.status().unwrap(), 403);
    let body = soon("its body", wire.answer_body(&head, "GET"))
        .await
        .unwrap();
    assert_eq!(body, b"no");
}

#[tokio::test]
async fn another_protocol_is_a_bad_answer() {
    let (address, _told) = Backend::Surprises.listen().await;
    let mut client = through(proxy(address).websocket()).await;
    client.write_all(ASKING).await.unwrap();
    let head = soon("an answer", Wire::new(&mut client).head())
        .await
        .unwrap();
    assert_eq!(head.status().unwrap(), 504);
}

#[tokio::test]
async fn what_asks_for_less_is_a_plain_request() {
    for asking in [
        "GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
    ] {
        let (address, told) = Backend::Forbids.listen().await;
        let mut client = through(proxy(address).websocket()).await;
        client.write_all(asking.as_bytes()).await.unwrap();
        let head = soon("an answer", Wire::new(&mut client).head())
            .await
            .unwrap();
        assert_eq!(head.status().unwrap(), 403);
        assert_eq!(joined(&told.await.unwrap(), "upgrade"), None, "{asking}");
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn in_an_axum_application_too() {
    let (address, _told) = Backend::Shouts.listen().await;
    let plan = plan(&proxy(address).websocket(), "/{proxy+}");
    let service = IntegrationLayer::new(plan).layer(HttpClient::new());
    let router = axum::Router::new().route_service("/{*proxy}", service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(ASKING).await.unwrap();
    let mut wire = Wire::new(&mut client);
    let head = soon("the switch", wire.head()).await.unwrap();
    assert_eq!(head.status().unwrap(), 101);
    assert_eq!(soon("the first", wire.exactly(5)).await.unwrap(), b"FIRST");
    drop(wire);
    client.write_all(b"abc").await.unwrap();
    let mut back = [0; 3];
    soon("an echo", client.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"ABC");
}

#[tokio::test]
async fn a_shutdown_waits_for_it_and_then_cuts_it_off() {
    for (grace, leaves) in [(10_000, true), (100, false)] {
        let (address, _told) = Backend::Shouts.listen().await;
        let plan = plan(&proxy(address).websocket(), "/{proxy+}");
        let service = IntegrationLayer::new(plan).layer(HttpClient::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new().drain(Duration::from_millis(grace));
        let served = tokio::spawn(server.serve(listener, service, async {
            let _ = stopped.await;
        }));
        client.write_all(ASKING).await.unwrap();
        let head = soon("an answer", Wire::new(&mut client).head())
            .await
            .unwrap();
        assert_eq!(head.status().unwrap(), 101);
        stop.send(()).unwrap();
        // It goes on meanwhile.
        client.write_all(b"on").await.unwrap();
        let mut loud = Vec::new();
        while !loud.ends_with(b"ON") {
            assert_ne!(soon("bytes", client.read_buf(&mut loud)).await.unwrap(), 0);
        }
        assert!(!served.is_finished());
        let expected = match leaves {
            true => {
                drop(client);
                End::Drained
            }
            false => {
                let rest = soon("the end", client.read_buf(&mut loud)).await;
                assert!(matches!(rest, Ok(0) | Err(_)), "{rest:?}");
                End::Cut(1)
            }
        };
        assert_eq!(soon("the end", served).await.unwrap(), expected);
    }
}
