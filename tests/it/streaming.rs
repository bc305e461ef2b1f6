//! Bodies on their way: what streams is never collected, what has to be collected is bounded, and
//! nothing is cut without an error.

mod deadlines;
mod endings;
mod limits;
mod memory;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::{Error, ErrorKind};
use tower_apigw::integration::{Integration, IntegrationResponse};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::Stage;

use crate::support::{
    Head, Listening, PATIENCE, Raw, data, frames, joined, listen, plan, plan_at, proxy, soon, text,
};

/// A gateway in front of a backend that the test plays itself.
struct Between {
    gateway: Listening,
    backend: TcpListener,
}

impl Between {
    async fn new() -> Self {
        Self::with(proxy, Stage::new("test")).await
    }

    async fn with(integration: impl FnOnce(String) -> Integration, stage: Stage) -> Self {
        let backend = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = backend.local_addr().unwrap().to_string();
        let plan = plan_at(&integration(authority), "/{proxy+}", stage);
        let gateway = listen(IntegrationLayer::new(plan).layer(HttpClient::new())).await;
        Self { gateway, backend }
    }

    async fn client(&self) -> Raw {
        Raw::new(TcpStream::connect(self.gateway.address).await.unwrap())
    }

    /// The next connection of the gateway to the backend.
    async fn backend(&self) -> Raw {
        Raw::new(
            soon("a connection to the backend", self.backend.accept())
                .await
                .unwrap()
                .0,
        )
    }

    /// Fails if the gateway called the backend.
    async fn backend_was_not_called(&self) {
        let accepted =
            tokio::time::timeout(Duration::from_millis(100), self.backend.accept()).await;
        assert!(accepted.is_err(), "the backend was called");
    }
}

const CHUNKED: &str = "Host: gateway\r\nTransfer-Encoding: chunked\r\n\r\n";

// Chunk by chunk

#[tokio::test]
async fn a_request_reaches_the_backend_before_it_ends() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send(&format!("POST /up HTTP/1.1\r\n{CHUNKED}3\r\none\r\n"))
        .await;
    let mut backend = between.backend().await;
    let head = backend.head().await;
    assert_eq!(head.first, "POST /up HTTP/1.1");
    assert!(
        head.is_chunked() && head.content_length().unwrap().is_none(),
        "{head:?}"
    );
    assert_eq!(backend.chunk().await, Ok("one".to_owned()));
    client.send("3\r\ntwo\r\n").await;
    assert_eq!(backend.chunk().await, Ok("two".to_owned()));
    client.send("0\r\n\r\n").await;
    assert_eq!(backend.chunk().await, Err(Vec::new()));
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(client.head().await.status().unwrap(), 204);
}

#[tokio::test]
async fn an_answer_reaches_the_client_before_it_ends() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send("GET /events HTTP/1.1\r\nHost: gateway\r\nAccept: text/event-stream\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    assert_eq!(
        joined(&backend.head().await.headers, "accept").as_deref(),
        Some("text/event-stream")
    );
    backend.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(head.status().unwrap(), 200);
    assert_eq!(
        joined(&head.headers, "content-type").as_deref(),
        Some("text/event-stream")
    );
    assert!(head.is_chunked());
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        backend
            .send(&format!("{:x}\r\n{event}\r\n", event.len()))
            .await;
        assert_eq!(client.chunk().await, Ok(event.to_owned()));
    }
    backend.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, Err(Vec::new()));
}

#[tokio::test]
async fn both_ways_at_once() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send(&format!("POST /echo HTTP/1.1\r\n{CHUNKED}5\r\nfirst\r\n"))
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    // The answer begins while the request goes on.
    backend
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(client.head().await.status().unwrap(), 200);
    for text in ["first", "later"] {
        assert_eq!(backend.chunk().await, Ok(text.to_owned()));
        backend.send(&format!("5\r\n{text}\r\n")).await;
        assert_eq!(client.chunk().await, Ok(text.to_owned()));
        if text == "first" {
            client.send("5\r\nlater\r\n").await;
        }
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(backend.chunk().await, Err(Vec::new()));
    backend.send("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, Err(Vec::new()));
}

// Framing

/// What the backend gets of a request: head and body.
async fn framed(request: &str) -> (Head, Vec<u8>) {
    let between = Between::new().await;
    let mut client = between.client().await;
    client.send(request).await;
    let mut backend = between.backend().await;
    let head = backend.head().await;
    let body = soon("the body", backend.wire.request_body(&head))
        .await
        .unwrap();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    let answer = client.head().await;
    assert_eq!(
        soon("the answer", client.wire.answer_body(&answer, "GET"))
            .await
            .unwrap(),
        b"ok"
    );
    (head, body)
}

#[tokio::test]
async fn the_chunked_body_of_a_get_arrives() {
    let (head, body) = framed(&format!(
        "GET /find HTTP/1.1\r\n{CHUNKED}3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    ))
    .await;
    assert_eq!(head.first, "GET /find HTTP/1.1");
    assert_eq!(String::from_utf8(body).unwrap(), "onetwo");
}

#[tokio::test]
async fn an_empty_chunked_body_arrives_with_a_length_of_nothing() {
    let (head, body) = framed(&format!("POST /find HTTP/1.1\r\n{CHUNKED}0\r\n\r\n")).await;
    assert_eq!(head.content_length().unwrap(), Some(0));
    assert!(!head.is_chunked());
    assert!(body.is_empty());
}

#[tokio::test]
async fn a_known_length_stays_known() {
    let (head, body) =
        framed("POST /find HTTP/1.1\r\nHost: gateway\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_eq!(head.content_length().unwrap(), Some(5));
    assert!(!head.is_chunked());
    assert_eq!(body, b"hello");
    let (head, _) = framed("GET /find HTTP/1.1\r\nHost: gateway\r\n\r\n").await;
    assert_eq!(
        (head.content_length().unwrap(), head.is_chunked()),
        (None, false)
    );
}

// Trailers

#[tokio::test]
async fn trailers_pass_both_ways() {
    let trailer = |value: &'static str| {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", http::HeaderValue::from_static(value));
        Ok(Frame::trailers(trailers))
    };
    let backend = service_fn(move |request: Request<Body>| async move {
        let collected = request.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "up");
        let (sender, body) = frames(2);
        sender.try_send(data(collected.to_bytes())).unwrap();
        sender.try_send(trailer("down")).unwrap();
        Ok::<_, Infallible>(Response::new(body))
    });
    let service = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}")).layer(backend);
    let (sender, body) = frames(2);
    sender.try_send(data("hello")).unwrap();
    sender.try_send(trailer("up")).unwrap();
    drop(sender);
    let Ok(response) = service
        .oneshot(Request::post("/a").body(Body::new(body)).unwrap())
        .await;
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "down");
    assert_eq!(collected.to_bytes(), "hello");
}

#[tokio::test]
async fn trailers_of_an_answer_pass_over_sockets() {
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send("GET /a HTTP/1.1\r\nHost: gateway\r\nTE: trailers\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n")
        .await;
    let head = client.head().await;
    assert_eq!(joined(&head.headers, "trailer").as_deref(), Some("x-sum"));
    assert_eq!(client.chunk().await, Ok("ok".to_owned()));
    assert_eq!(
        client.chunk().await,
        Err(vec![("x-sum".to_owned(), "7".to_owned())])
    );
}

// Back-pressure

/// Frames that a producer got rid of until nobody took any more.
async fn taken(sender: crate::support::FrameSender) -> usize {
    let mut taken = 0;
    while tokio::time::timeout(
        Duration::from_millis(200),
        sender.send(data(Bytes::from_static(&[0; 1024]))),
    )
    .await
    .is_ok_and(|sent| sent.is_ok())
    {
        taken += 1;
        assert!(taken < 1000, "the producer is not stopped");
    }
    taken
}

#[tokio::test]
async fn a_backend_that_does_not_read_stops_the_client() {
    let (hold, held) = oneshot::channel::<Body>();
    let hold = Arc::new(std::sync::Mutex::new(Some(hold)));
    let backend = service_fn(move |request: Request<Body>| {
        let hold = hold.lock().unwrap().take().unwrap();
        hold.send(request.into_body()).unwrap();
        std::future::pending::<Result<Response<Body>, Infallible>>()
    });
    let service = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}")).layer(backend);
    let (sender, body) = frames(1);
    let call = tokio::spawn(service.oneshot(Request::post("/a").body(Body::new(body)).unwrap()));
    // One frame decides the framing, one waits in the channel.
    let frames = taken(sender.clone()).await;
    assert!(frames <= 3, "{frames} frames were taken");
    // When it reads, they go on.
    let mut body = soon("the body", held).await.unwrap();
    for _ in 0..frames {
        assert!(
            soon("a frame", body.frame())
                .await
                .unwrap()
                .unwrap()
                .is_data()
        );
    }
    assert!(taken(sender).await >= 1);
    call.abort();
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_backend() {
    let (give, mut given) = mpsc::channel(1);
    let backend = service_fn(move |_: Request<Body>| {
        let (sender, body) = frames(1);
        // An answer goes on when its body begins.
        sender.try_send(data("begin")).unwrap();
        give.try_send(sender).unwrap();
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let service = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}")).layer(backend);
    let Ok(response) = service
        .oneshot(Request::get("/a").body(Body::empty()).unwrap())
        .await;
    let sender = given.recv().await.unwrap();
    let frames = taken(sender.clone()).await;
    assert!(frames <= 2, "{frames} frames were taken");
    let mut body = response.into_body();
    // That with which it began is there already.
    for _ in 0..2 {
        assert!(
            soon("a frame", body.frame())
                .await
                .unwrap()
                .unwrap()
                .is_data()
        );
    }
    assert!(taken(sender).await >= 1);
}

#[tokio::test]
async fn sockets_hold_back_as_well() {
    /// What fits into the buffers of the four sockets between the two, generously.
    const MOST: usize = 48 * 1024 * 1024;
    let between = Between::new().await;
    let mut client = between.client().await;
    client
        .send(&format!(
            "POST /up HTTP/1.1\r\nHost: gateway\r\nContent-Length: {}\r\n\r\n",
            2 * MOST
        ))
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    let mut written = 0;
    let block = [b'x'; 64 * 1024];
    while let Ok(sent) =
        tokio::time::timeout(Duration::from_millis(500), client.write.write(&block)).await
    {
        written += sent.unwrap();
        assert!(
            written < MOST,
            "{written} bytes were taken of which nobody read one"
        );
    }
    assert!(written >= block.len(), "{written}");
}
