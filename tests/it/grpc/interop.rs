//! The cases of gRPC's interoperability tests that are about more than messages: what passes beside
//! them, and calls that end before their time. Through a document, over sockets on both sides.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Status;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;
use tower_apigw::backend::HttpClient;
use tower_apigw::openapi::Api;

use super::echo::{Echo, Plain, path, request};
use super::{backend, channel, client, gateway};
use crate::support::{data, frames, listen, soon};

/// A document that hands all calls of all services on.
async fn through(backend: impl std::fmt::Display) -> (SocketAddr, oneshot::Sender<()>) {
    let document = format!(
        r#"
openapi: 3.0.1
info: {{title: calls, version: '1'}}
paths:
  /{{service}}/{{method}}:
    post:
      parameters:
        - {{name: service, in: path, required: true, schema: {{type: string}}}}
        - {{name: method, in: path, required: true, schema: {{type: string}}}}
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: POST
        uri: http://{backend}/{{service}}/{{method}}
        requestParameters:
          integration.request.path.service: method.request.path.service
          integration.request.path.method: method.request.path.method
        x-tower-apigw-protocol: h2
"#
    );
    let api = Api::from_slice(document.as_bytes()).unwrap();
    gateway(api.into_service(HttpClient::new())).await
}

async fn to_echo() -> (Channel, oneshot::Sender<()>, Echo) {
    let echo = Echo::default();
    let (address, stop) = through(backend(echo.clone()).await).await;
    (channel(address).await, stop, echo)
}

async fn until_dropped(echo: &Echo, count: usize) {
    soon("the end of the call at the backend", async {
        while echo.dropped.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(echo.dropped.load(Ordering::SeqCst), count);
}

#[tokio::test]
async fn empty_stream() {
    let (channel, _stop, echo) = to_echo().await;
    let mut grpc = client(channel);
    grpc.ready().await.unwrap();
    let call = grpc.streaming(request(tokio_stream::empty()), path("Chat"), Plain);
    let mut answers = soon("a call", call).await.unwrap().into_inner();
    assert_eq!(soon("the end", answers.message()).await.unwrap(), None);
    assert_eq!(echo.dropped.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn special_status_message() {
    const TEXT: &str =
        "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n";
    let (channel, _stop, _) = to_echo().await;
    let mut grpc = client(channel);
    let message = format!("!2 {TEXT}").into_bytes();
    grpc.ready().await.unwrap();
    let call = grpc.unary(request(message.clone()), path("Unary"), Plain);
    let status = soon("a call", call).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unknown, TEXT));
    // The same behind the head of a stream.
    grpc.ready().await.unwrap();
    let messages = tokio_stream::iter([message]);
    let call = grpc.streaming(request(messages), path("Chat"), Plain);
    let mut answers = soon("a call", call).await.unwrap().into_inner();
    let status = soon("the end", answers.message()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unknown, TEXT));
}

#[tokio::test]
async fn unimplemented_service() {
    let (channel, _stop, _) = to_echo().await;
    let mut grpc = client(channel);
    grpc.ready().await.unwrap();
    let other = "/test.Other/Unary".parse().unwrap();
    let call = grpc.unary(request(Vec::new()), other, Plain);
    let status = soon("a call", call).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    // By the backend, not by the gateway.
    assert_eq!(status.message(), "");
}

#[tokio::test]
async fn cancel_after_begin() {
    let (channel, _stop, echo) = to_echo().await;
    let mut grpc = client(channel);
    grpc.ready().await.unwrap();
    let (_send, receive) = mpsc::channel::<Vec<u8>>(1);
    let call = grpc.client_streaming(request(ReceiverStream::new(receive)), path("Gather"), Plain);
    let begun = async {
        while echo.begun.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Time for the backend to wait for messages.
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tokio::select! {
        ended = call => panic!("it ended by itself: {ended:?}"),
        () = soon("the call", begun) => {}
    }
    until_dropped(&echo, 1).await;
}

#[tokio::test]
async fn cancel_after_first_response() {
    let echo = Echo::default();
    let backend = backend(echo.clone()).await;
    let (address, _stop) = through(backend).await;
    // tonic's client ends a stream of requests before it cancels.
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    let call = Request::post("http://outside/test.Echo/Chat")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(());
    let (response, mut requests) = sender.send_request(call.unwrap(), false).unwrap();
    requests.send_data("\0\0\0\0\x03one".into(), false).unwrap();
    let mut answers = soon("a head", response).await.unwrap().into_body();
    let first = soon("a message", answers.data()).await.unwrap().unwrap();
    assert_eq!(first[..], b"\0\0\0\0\x03one"[..]);
    requests.send_reset(h2::Reason::CANCEL);
    until_dropped(&echo, 1).await;
    // The connections of both sides serve other calls.
    let mut sender = sender.ready().await.unwrap();
    let call = Request::post("http://outside/test.Echo/Unary")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(());
    let (response, mut requests) = sender.send_request(call.unwrap(), false).unwrap();
    requests.send_data("\0\0\0\0\x03two".into(), true).unwrap();
    let mut answers = soon("a head", response).await.unwrap().into_body();
    let reply = soon("a message", answers.data()).await.unwrap().unwrap();
    assert_eq!(reply[..], b"\0\0\0\0\x03two"[..]);
}

#[tokio::test]
async fn timeout_on_sleeping_server() {
    let (channel, _stop, echo) = to_echo().await;
    let mut grpc = client(channel);
    for method in ["Unary", "Chat"] {
        grpc.ready().await.unwrap();
        // tonic's client takes this for its own deadline, too.
        let mut message = request(b"?".to_vec());
        message.set_timeout(Duration::from_millis(100));
        let status = if method == "Unary" {
            let call = grpc.unary(message, path(method), Plain);
            soon("a call", call).await.unwrap_err()
        } else {
            let message = message.map(|message| tokio_stream::iter([message]));
            let call = grpc.streaming(message, path(method), Plain);
            let answers = soon("a call", call).await;
            // The head comes first, and what ends the stream is the client's patience.
            let mut answers = answers.unwrap().into_inner();
            let next = tokio::time::timeout(Duration::from_millis(300), answers.message());
            match next.await {
                Ok(ended) => ended.unwrap_err(),
                Err(_) => continue,
            }
        };
        assert!(
            matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
            "{status:?}"
        );
    }
    soon("the end of the calls", async {
        while echo.dropped.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A backend that answers every call with one message, trailers, and what it was told of encodings.
async fn with_trailers(
    request: Request<Incoming>,
) -> Result<Response<crate::support::Frames>, std::convert::Infallible> {
    let (parts, body) = request.into_parts();
    let message = body.collect().await.unwrap().to_bytes();
    let (sender, body) = frames(2);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert(
        "x-grpc-test-echo-trailing-bin",
        HeaderValue::from_static("q6ur"),
    );
    sender.try_send(data(message)).unwrap();
    sender.try_send(Ok(Frame::trailers(trailers))).unwrap();
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    for name in ["grpc-encoding", "grpc-accept-encoding", "user-agent"] {
        if let Some(value) = parts.headers.get(name) {
            headers.insert(
                http::HeaderName::try_from(format!("x-{name}")).unwrap(),
                value.clone(),
            );
        }
    }
    Ok(response)
}

#[tokio::test]
async fn custom_metadata_behind_the_messages() {
    let backend = listen(service_fn(with_trailers)).await;
    let (address, _stop) = through(backend.address).await;
    let mut grpc = client(channel(address).await);
    grpc.ready().await.unwrap();
    let call = grpc.server_streaming(request(b"hi".to_vec()), path("Scatter"), Plain);
    let reply = soon("a call", call).await.unwrap();
    let mut answers = reply.into_inner();
    let message = soon("a message", answers.message()).await.unwrap();
    assert_eq!(message, Some(b"hi".to_vec()));
    let trailers = soon("the trailers", answers.trailers()).await.unwrap();
    let trailers = trailers.expect("there are trailers");
    let bytes = trailers.get_bin("x-grpc-test-echo-trailing-bin").unwrap();
    assert_eq!(bytes.to_bytes().unwrap()[..], [0xab, 0xab, 0xab]);
}

#[tokio::test]
async fn encodings_are_agreed_on_by_the_two_ends() {
    let backend = listen(service_fn(with_trailers)).await;
    let (address, _stop) = through(backend.address).await;
    let mut channel = channel(address).await;
    // A message that says it is compressed: nobody on the way looks into it.
    let message = b"\x01\0\0\0\x03zip";
    let request = Request::post("http://outside/test.Echo/Unary")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", "gzip")
        .header("grpc-accept-encoding", "gzip,identity")
        .body(tonic::body::Body::new(http_body_util::Full::from(
            &message[..],
        )))
        .unwrap();
    let answered = tower::ServiceExt::ready(&mut channel).await.unwrap();
    let response = soon("a call", tower::Service::call(answered, request)).await;
    let response = response.unwrap();
    assert_eq!(response.headers()["x-grpc-encoding"], "gzip");
    assert_eq!(
        response.headers()["x-grpc-accept-encoding"],
        "gzip,identity"
    );
    let collected = soon("the body", response.into_body().collect())
        .await
        .unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes()[..], message[..]);
}

#[tokio::test]
async fn a_backend_that_breaks_off_is_no_success() {
    // Its connection ends in the middle of a stream, before there is a status.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (_, mut respond) = connection.accept().await.unwrap().unwrap();
        let response = Response::builder()
            .header("content-type", "application/grpc")
            .body(());
        let mut stream = respond.send_response(response.unwrap(), false).unwrap();
        let message = bytes::Bytes::from_static(b"\0\0\0\0\x03one");
        stream.send_data(message, false).unwrap();
        let ending = connection.accept();
        let _ = tokio::time::timeout(Duration::from_millis(100), ending).await;
    });
    let (address, _stop) = through(address).await;
    let mut grpc = client(channel(address).await);
    grpc.ready().await.unwrap();
    let call = grpc.server_streaming(request(Vec::new()), path("Scatter"), Plain);
    let mut answers = soon("a call", call).await.unwrap().into_inner();
    let first = soon("a message", answers.message()).await.unwrap();
    assert_eq!(first, Some(b"one".to_vec()));
    let status = soon("the end", answers.message()).await.unwrap_err();
    assert!(
        matches!(status.code(), Code::Internal | Code::Unavailable),
        "{status:?}"
    );
}

#[tokio::test]
async fn the_health_service() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("pets", ServingStatus::Serving)
        .await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(health)
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
    );
    let (address, _stop) = through(address).await;
    let channel = channel(address).await;
    let named = |service: &str| HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut client = HealthClient::new(channel);
    let reply = soon("a call", client.check(named("pets"))).await.unwrap();
    assert_eq!(reply.get_ref().status(), Status::Serving);
    let missing = soon("a call", client.check(named("cats")))
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let watched = soon("a stream", client.watch(named("pets"))).await.unwrap();
    let mut watched = watched.into_inner();
    for (next, expected) in [
        (None, Status::Serving),
        (Some(ServingStatus::NotServing), Status::NotServing),
        (Some(ServingStatus::Serving), Status::Serving),
    ] {
        if let Some(next) = next {
            reporter.set_service_status("pets", next).await;
        }
        let message = soon("a message", watched.message()).await.unwrap();
        assert_eq!(message.unwrap().status(), expected);
    }
}
