//! The server, spoken to byte by byte.

#[cfg(feature = "server-tls")]
pub(crate) mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tower::service_fn;
use tower_apigw::Body;
use tower_apigw::mapping::{ClientAddress, Limits, OriginalHeaderNames};
use tower_apigw::server::{End, Server};

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    end: JoinHandle<End>,
}

impl Running {
    async fn stop(self) -> End {
        self.stop.send(()).unwrap();
        self.end.await.unwrap()
    }
}

/// Tells what it was asked, as text: one line for the request, one for the names, the body.
async fn tell(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/unread" {
        return Ok(Response::new(Body::from("not read")));
    }
    if parts.uri.path() == "/slow" {
        sleep(Duration::from_millis(300)).await;
    }
    if parts.uri.path() == "/never" {
        std::future::pending::<()>().await;
    }
    assert_ne!(parts.uri.path(), "/panic", "a fault of the service");
    let ClientAddress(client) = parts.extensions.get().copied().unwrap();
    let names = parts.extensions.get::<OriginalHeaderNames>();
    let names = names.map_or("none".into(), |names| {
        names.iter().collect::<Vec<_>>().join(" ")
    });
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let host = parts
        .headers
        .get("host")
        .map_or("", |host| host.to_str().unwrap());
    let text = format!(
        "{} {} {host} from {client}\n{names}\n{body}\n",
        parts.method, parts.uri
    );
    Ok(Response::new(Body::from(text)))
}

async fn start(server: Server) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let end = tokio::spawn(async move { server.serve(listener, service_fn(tell), shutdown).await });
    Running { address, stop, end }
}

async fn keeping_names() -> Running {
    start(Server::new().limits(&Limits::aws()).keep_header_names(true)).await
}

/// Sends pieces one after the other and reads until the server closes, or for a while.
async fn exchange(address: SocketAddr, pieces: &[&[u8]]) -> (String, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            sleep(Duration::from_millis(20)).await;
        }
        stream.write_all(piece).await.unwrap();
    }
    let mut answer = Vec::new();
    let closed = timeout(Duration::from_millis(400), stream.read_to_end(&mut answer)).await;
    if let Ok(read) = &closed {
        assert!(read.is_ok(), "{read:?}");
    }
    (String::from_utf8(answer).unwrap(), closed.is_ok())
}

#[tokio::test]
async fn names_keep_their_spelling() {
    let server = keeping_names().await;
    let request = b"POST /a HTTP/1.1\r\nHost: h\r\nX-Pet-ID: 1\r\nx-pet-id: 2\r\ncontent-LENGTH: 3\r\n\r\nabc";
    let (answer, closed) = exchange(server.address, &[request]).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("POST /a h from 127.0.0.1\nHost X-Pet-ID x-pet-id content-LENGTH\nabc\n"),
        "{answer}"
    );
    assert!(!closed);
    for cut in (1..request.len()).step_by(9) {
        let (head, rest) = request.split_at(cut);
        let (answer, _) = exchange(
            server.address,
            &[head, rest, b"GET / HTTP/1.0\r\nA: b\r\n\r\n"],
        )
        .await;
        assert!(
            answer.contains("\nHost X-Pet-ID x-pet-id content-LENGTH\nabc\n"),
            "{cut}: {answer}"
        );
        assert!(
            answer.contains("GET /  from 127.0.0.1\nA\n\n"),
            "{cut}: {answer}"
        );
    }
    let server = start(Server::new()).await;
    assert!(
        exchange(server.address, &[request])
            .await
            .0
            .contains("\nnone\nabc\n")
    );
}

#[tokio::test]
async fn pipelined_requests_have_each_their_names() {
    let server = keeping_names().await;
    let requests = b"GET /1 HTTP/1.1\r\nHost: h\r\nA-One: 1\r\n\r\n\
        PUT /2 HTTP/1.1\r\nHOST: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo\r\n\r\n2\r\ndy\r\n0\r\nX-T: 1\r\n\r\n\
        GET /3 HTTP/1.1\r\nhost: h\r\na-three: 3\r\n\r\n\
        GET /4 HTTP/1.1\r\nhOst: h\r\nConnection: close\r\n\r\n";
    let (answer, closed) = exchange(server.address, &[requests]).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 4, "{answer}");
    assert!(
        answer.contains("GET /1 h from 127.0.0.1\nHost A-One\n"),
        "{answer}"
    );
    assert!(
        answer.contains("PUT /2 h from 127.0.0.1\nHOST Transfer-Encoding\nbo\r\ndy\n"),
        "{answer}"
    );
    assert!(
        answer.contains("GET /3 h from 127.0.0.1\nhost a-three\n"),
        "{answer}"
    );
    assert!(
        answer.contains("GET /4 h from 127.0.0.1\nhOst Connection\n"),
        "{answer}"
    );
    assert!(closed);
}

#[tokio::test]
async fn the_body_of_a_chunked_get_arrives() {
    let server = keeping_names().await;
    let request =
        b"GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (answer, _) = exchange(server.address, &[request]).await;
    assert!(
        answer.ends_with("\nHost Transfer-Encoding\nabc\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_is_framed_or_addressed_badly_is_refused() {
    let server = keeping_names().await;
    let long_uri = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "u".repeat(10_240));
    let fitting_uri = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "u".repeat(10_239));
    let long_head = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n",
        "v".repeat(10_228)
    );
    let fitting_head = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n",
        "v".repeat(10_226)
    );
    let huge_head = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n",
        "v".repeat(500_000)
    );
    let many_headers = format!(
        "GET / HTTP/1.1\r\nHost: h\r\n{}\r\n",
        "A: b\r\n".repeat(100)
    );
    let table: &[(&str, u16, &str)] = &[
        (
            "GET / HTTP/1.1\r\n\r\n",
            400,
            r#"{"message":"Bad Request"}"#,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, ""),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, ""),
        ("GET evil HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""),
        ("GET / HTTP/1.0\r\n\r\n", 200, "GET /  from"),
        (
            "GET http://evil/p?q HTTP/1.1\r\nHost: h\r\n\r\n",
            200,
            "GET /p?q h from",
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
            200,
            "OPTIONS * h from",
        ),
        (
            "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
            501,
            r#"{"message":"Not Implemented"}"#,
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            501,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            400,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            400,
            "",
        ),
        (
            "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc",
            400,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
            400,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            400,
            "",
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc",
            400,
            "",
        ),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400, ""),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", 400, ""),
        (&long_uri, 414, r#"{"message":"Request URI too long"}"#),
        (&fitting_uri, 200, ""),
        (&long_head, 431, "HTTP header is larger than 10240 bytes."),
        (&fitting_head, 200, ""),
        (&huge_head, 431, ""),
        (&many_headers, 431, ""),
    ];
    for (request, status, body) in table {
        let (answer, closed) = exchange(server.address, &[request.as_bytes()]).await;
        let start: String = request.chars().take(100).collect();
        assert!(
            answer.starts_with("HTTP/1.") && answer[9..].starts_with(&status.to_string()),
            "{start:?}: {answer}"
        );
        assert!(answer.contains(body), "{start:?}: {answer}");
        assert_eq!(
            closed,
            *status != 200 || request.contains("HTTP/1.0"),
            "{start:?}"
        );
    }
    let (answer, _) = exchange(server.address, &[long_head.as_bytes()]).await;
    assert!(
        answer.contains("content-type: text/plain\r\n") && answer.contains("connection: close\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection() {
    let server = keeping_names().await;
    let smuggled = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
        GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    let (answer, closed) = exchange(server.address, &[smuggled]).await;
    assert!(
        answer.contains("POST /a") && !answer.contains("smuggled") && closed,
        "{answer}"
    );
}

#[tokio::test]
async fn an_answer_survives_a_body_that_nobody_reads() {
    let server = start(Server::new()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = b"POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    // Many clients look for the answer only when they have sent all.
    let sending = tokio::spawn(async move {
        let sent = writing.write_all(&vec![b'x'; 8_000_000]).await;
        (writing, sent)
    });
    sleep(Duration::from_millis(100)).await;
    let mut answer = String::new();
    reading.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("not read"), "{answer}");
    let (_writing, sent) = sending.await.unwrap();
    assert!(sent.is_ok(), "{sent:?}");
}

#[tokio::test]
async fn head_tells_the_length_and_sends_no_body() {
    let server = start(Server::new()).await;
    let request = b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let (answer, closed) = exchange(server.address, &[request]).await;
    assert!(
        answer.contains("\r\ncontent-length: ") && answer.ends_with("\r\n\r\n") && closed,
        "{answer}"
    );
    assert!(!answer.contains("content-length: 0"), "{answer}");
}

#[tokio::test]
async fn expect_is_answered_when_the_body_is_read() {
    let server = start(Server::new()).await;
    let head = b"POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let (answer, _) = exchange(server.address, &[head, b"abc"]).await;
    assert!(
        answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"),
        "{answer}"
    );
    let unread =
        b"POST /unread HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let (answer, closed) = exchange(server.address, &[unread]).await;
    assert!(answer.starts_with("HTTP/1.1 200") && closed, "{answer}");
}

#[tokio::test]
async fn a_silent_client_is_left() {
    let brief = Duration::from_millis(100);
    let server = start(Server::new().header_read_timeout(brief).idle_timeout(brief)).await;
    for opening in [
        &b""[..],
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
    ] {
        let (answer, closed) = exchange(server.address, &[opening]).await;
        assert_eq!(
            (answer.as_str(), closed),
            ("", true),
            "{}",
            opening.escape_ascii()
        );
    }
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let server = keeping_names().await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let body = Full::new(Bytes::from("abc"));
    let request = Request::post("http://pets:1/a?b")
        .header("X-A", "1")
        .body(body)
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, http::Version::HTTP_2)
    );
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&text[..], b"POST /a?b pets:1 from 127.0.0.1\nnone\nabc\n");
    let request = Request::get("http://h/")
        .header("a", "v".repeat(10_300))
        .body(Full::default())
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 431);
    let request = Request::get("http://h/").body(Full::default()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    drop(sender);
    assert_eq!(server.stop().await, End::Drained);
}

#[tokio::test]
async fn answers_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Each frame goes out before the next exists; a body of any type will do.
    let service = service_fn(|_: Request<Body>| async {
        let (sender, frames) = mpsc::channel(1);
        tokio::spawn(async move {
            for text in ["one", "two"] {
                let _ = sender.send(Bytes::from(text)).await;
                sleep(Duration::from_millis(200)).await;
            }
        });
        Ok::<_, Infallible>(Response::new(Frames(frames)))
    });
    tokio::spawn(Server::new().serve(listener, service, std::future::pending()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 1000];
    let count = timeout(Duration::from_millis(150), stream.read(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    let first = String::from_utf8_lossy(&buffer[..count]).into_owned();
    assert!(
        first.contains("transfer-encoding: chunked") && first.ends_with("3\r\none\r\n"),
        "{first}"
    );
}

/// A body out of a channel.
struct Frames(mpsc::Receiver<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

#[tokio::test]
async fn a_fault_of_the_service_ends_only_its_connection() {
    let server = keeping_names().await;
    let request = b"GET /panic HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(
        exchange(server.address, &[request]).await,
        (String::new(), true)
    );
    let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    assert!(
        exchange(server.address, &[request])
            .await
            .0
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(server.stop().await, End::Drained);
}

#[tokio::test]
async fn shutdown_lets_requests_end() {
    let server = keeping_names().await;
    let address = server.address;
    let slow = tokio::spawn(async move {
        exchange(address, &[b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"]).await
    });
    // Connections that are idle, silent or half a head do not hold it up.
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let silent = TcpStream::connect(address).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let started = std::time::Instant::now();
    assert_eq!(server.stop().await, End::Drained);
    assert!(started.elapsed() < Duration::from_secs(2));
    let (answer, closed) = slow.await.unwrap();
    assert!(answer.contains("GET /slow") && closed, "{answer}");
    assert!(TcpStream::connect(address).await.is_err());
    drop((idle, silent));
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let server = start(Server::new().drain(Duration::from_millis(100))).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /never HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.stop().await, End::Cut(1));
    let mut rest = Vec::new();
    assert!(matches!(busy.read_to_end(&mut rest).await, Ok(0) | Err(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_replacements_fail_no_request() {
    use tower_apigw::server::Swap;

    let number = |number: usize| {
        service_fn(move |_: Request<Body>| async move {
            // In flight while the next one comes.
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(Body::from(format!("{number:04}"))))
        })
    };
    let service = Swap::new(number(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn({
        let service = service.clone();
        async move { Server::new().serve(listener, service, shutdown).await }
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut last = 0;
    for next in 1..=1000 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            .await
            .unwrap();
        service.replace(number(next));
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") || answer.len() < 5 {
            let mut buffer = [0; 1024];
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "{next}");
            answer.extend_from_slice(&buffer[..count]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let seen: usize = body.parse().unwrap();
        assert!(
            seen >= last && (next - 1..=next).contains(&seen),
            "{seen} {next}"
        );
        last = seen;
    }
    drop(stream);
    stop.send(()).unwrap();
    assert_eq!(server.await.unwrap(), End::Drained);
}
