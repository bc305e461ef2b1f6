//! Server-sent events reach the client one by one: the backend has no next one before the client
//! has the last, so that whatever held one back would wait for ever.

use std::convert::Infallible;
use std::process::Stdio;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tower::service_fn;

use crate::cli::{Document, Serving, apigw};
use crate::support::{FrameSender, Listening, data, frames, listen, soon};

/// A backend whose answers are fed by the test.
async fn backend() -> (Listening, mpsc::Receiver<FrameSender>) {
    let (give, given) = mpsc::channel(1);
    let backend = service_fn(move |_: Request<Incoming>| {
        let (sender, body) = frames(1);
        give.try_send(sender).unwrap();
        let response = Response::builder()
            .header("content-type", "text/event-stream")
            .body(body);
        std::future::ready(Ok::<_, Infallible>(response.unwrap()))
    });
    (listen(backend).await, given)
}

/// A way through the gateway: its path, and what its integration says beside the address.
const WAYS: [(&str, &str); 4] = [
    ("/proxy", "type: http_proxy"),
    ("/stream", "type: http_proxy, responseTransferMode: STREAM"),
    ("/h2", "type: http_proxy, x-tower-apigw-protocol: h2"),
    (
        "/h2-stream",
        "type: http_proxy, x-tower-apigw-protocol: h2, responseTransferMode: STREAM",
    ),
];

fn document(backend: &Listening) -> Document {
    let mut text = "openapi: 3.0.1\ninfo: {title: events, version: '1'}\npaths:\n".to_owned();
    for (path, says) in WAYS {
        text += &format!(
            "  {path}:\n    get:\n      responses: {{}}\n      x-amazon-apigateway-integration: \
             {{{says}, httpMethod: GET, uri: 'http://{}/'}}\n",
            backend.address
        );
    }
    Document::new("yaml", text)
}

async fn ask(server: &Serving, path: &str, over_http2: bool) -> Response<Incoming> {
    let stream = TcpStream::connect(&server.address).await.unwrap();
    let stream = TokioIo::new(stream);
    let request = Request::get(format!("http://gateway{path}")).header("host", "gateway");
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = if over_http2 {
        let handshake = conn::http2::handshake(TokioExecutor::new(), stream);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        soon(path, sender.send_request(request)).await
    } else {
        let (mut sender, connection) = conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        soon(path, sender.send_request(request)).await
    };
    answer.unwrap()
}

/// Takes events one by one, ends one stream and leaves another.
async fn check(arguments: &[&str]) {
    let (backend, mut given) = backend().await;
    let document = document(&backend);
    let mut command = apigw();
    // Nobody reads the logs.
    command.stderr(Stdio::null());
    command.args(["serve", document.path(), "--listen", "127.0.0.1:0"]);
    let server = Serving::start(command.args(arguments));
    for (path, _) in WAYS {
        for over_http2 in [false, true] {
            let what = format!("{path}, over HTTP/2: {over_http2}, {arguments:?}");
            for leaves in [false, true] {
                // The head is there before the first event is.
                let answer = ask(&server, path, over_http2).await;
                assert_eq!(answer.status(), 200, "{what}");
                assert_eq!(answer.headers()["content-type"], "text/event-stream");
                let events = soon("the call", given.recv()).await.unwrap();
                let mut body = answer.into_body();
                for event in [
                    ": a comment\n\n".to_owned(),
                    "data: 1\n\n".to_owned(),
                    "id: 2\nevent: large\ndata: ".to_owned() + &"x".repeat(100_000) + "\n\n",
                    "data: 3\n".to_owned(),
                    "\n".to_owned(),
                ] {
                    soon("room", events.send(data(event.clone())))
                        .await
                        .unwrap();
                    let mut taken = Vec::new();
                    while taken.len() < event.len() {
                        let frame = soon(&what, body.frame()).await.unwrap().unwrap();
                        taken.extend(frame.into_data().unwrap());
                    }
                    assert!(taken == event.as_bytes(), "{what}");
                }
                if leaves {
                    drop(body);
                    soon(&what, events.closed()).await;
                } else {
                    drop(events);
                    let rest = soon(&what, body.collect()).await.unwrap();
                    assert!(rest.to_bytes().is_empty(), "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn each_event_comes_before_the_next_is_sent() {
    check(&[]).await;
}

#[tokio::test]
async fn nothing_that_looks_at_answers_holds_events_back() {
    check(&[
        "--access-log",
        "/dev/null",
        "--admin",
        "127.0.0.1:0",
        "--retries",
        "2",
        "--max-concurrency",
        "4",
        "--trace-context",
        "--log",
        "debug",
    ])
    .await;
}
