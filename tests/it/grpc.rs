//! gRPC through the stack: all four kinds of calls, metadata, statuses, deadlines and errors, in
//! process and over real sockets on both sides.

mod deadlines;
mod echo;
mod errors;
mod interop;

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::GrpcService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tower::Layer;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::BoxError;
use tower_apigw::integration::{Integration, Protocol};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::Stage;
use tower_apigw::server::Server;

use self::echo::{Echo, Message, Plain, check_metadata, path, request};
use crate::support::{plan, plan_at, proxy, soon};

/// A server of tonic with the service.
async fn backend(echo: Echo) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(echo)
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
    );
    address
}

/// The listener of this crate with `service`; it ends with the sender.
async fn gateway<S>(service: S) -> (SocketAddr, oneshot::Sender<()>)
where
    S: tower::Service<
            http::Request<tower_apigw::Body>,
            Response = http::Response<tower_apigw::Body>,
            Error = std::convert::Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(Server::new().serve(listener, service, async {
        let _ = stopped.await;
    }));
    (address, stop)
}

async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// Hands every call on, over HTTP/2.
fn pass_through(backend: SocketAddr) -> Integration {
    proxy(backend).protocol(Protocol::Http2)
}

/// A channel to the echo service, through sockets on both sides of the stack.
async fn through_sockets(integration: impl Fn(SocketAddr) -> Integration) -> (Channel, Echo) {
    through_client(integration, HttpClient::new()).await
}

async fn through_client(
    integration: impl Fn(SocketAddr) -> Integration,
    client: HttpClient,
) -> (Channel, Echo) {
    let echo = Echo::default();
    let backend = backend(echo.clone()).await;
    let plan = plan_at(
        &integration(backend),
        "/{proxy+}",
        Stage::new("test").limits(tower_apigw::mapping::Limits::none()),
    );
    let service = IntegrationLayer::new(plan).layer(client);
    let (address, stop) = gateway(service).await;
    // Ends with the runtime of the test.
    std::mem::forget(stop);
    (channel(address).await, echo)
}

fn client<T>(channel: T) -> tonic::client::Grpc<T>
where
    T: GrpcService<tonic::body::Body>,
    T::ResponseBody: http_body::Body + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<BoxError>,
{
    tonic::client::Grpc::with_origin(channel, "http://outside".parse().unwrap())
        .max_decoding_message_size(64 << 20)
        .max_encoding_message_size(64 << 20)
}

fn messages(texts: &[&str]) -> Vec<Message> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Makes the calls of the interoperability tests.
async fn check_calls<T>(mut grpc: tonic::client::Grpc<T>)
where
    T: GrpcService<tonic::body::Body>,
    T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<BoxError> + Send,
{
    // Empty, small and large.
    for size in [0, 1, 1024, 300_000, 3 << 20] {
        let message: Message = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
        grpc.ready().await.map_err(Into::into).unwrap();
        let call = grpc.unary(request(message.clone()), path("Unary"), Plain);
        let reply = soon("a unary call", call).await.unwrap();
        check_metadata(reply.metadata());
        assert!(reply.into_inner() == message, "{size} bytes came back");
    }

    grpc.ready().await.map_err(Into::into).unwrap();
    let many = tokio_stream::iter(messages(&["a", "", "bc", "d"]));
    let call = grpc.client_streaming(request(many), path("Gather"), Plain);
    let reply = soon("a stream of requests", call).await.unwrap();
    check_metadata(reply.metadata());
    assert_eq!(reply.into_inner(), b"abcd");

    grpc.ready().await.map_err(Into::into).unwrap();
    let call = grpc.server_streaming(request(b"a\nb\n\nc".to_vec()), path("Scatter"), Plain);
    let reply = soon("a stream of answers", call).await.unwrap();
    check_metadata(reply.metadata());
    let mut answers = reply.into_inner();
    for expected in messages(&["a", "b", "", "c"]) {
        let message = soon("a message", answers.message()).await.unwrap();
        assert_eq!(message, Some(expected));
    }
    assert_eq!(soon("the end", answers.message()).await.unwrap(), None);

    // An answer for each request, before the next is sent; the first head comes before all of them.
    grpc.ready().await.map_err(Into::into).unwrap();
    let (send, receive) = mpsc::channel(1);
    let requests = request(ReceiverStream::new(receive));
    let call = grpc.streaming(requests, path("Chat"), Plain);
    let reply = soon("the head before any message", call).await.unwrap();
    check_metadata(reply.metadata());
    let mut answers = reply.into_inner();
    for text in ["ping", "", "pong"] {
        send.send(text.as_bytes().to_vec()).await.unwrap();
        let message = soon("an answer", answers.message()).await.unwrap();
        assert_eq!(message, Some(text.as_bytes().to_vec()));
    }
    drop(send);
    assert_eq!(soon("the end", answers.message()).await.unwrap(), None);

    // A status with a message and metadata: in the head, and behind messages in the trailers.
    grpc.ready().await.map_err(Into::into).unwrap();
    let call = grpc.unary(
        request(b"!5 gone: 100 % \xc3\xa9".to_vec()),
        path("Unary"),
        Plain,
    );
    let status = soon("a failed call", call).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), "gone: 100 % é");
    check_metadata(status.metadata());

    grpc.ready().await.map_err(Into::into).unwrap();
    let call = grpc.server_streaming(request(b"one\n!8 enough".to_vec()), path("Scatter"), Plain);
    let mut answers = soon("a stream", call).await.unwrap().into_inner();
    let first = soon("the first message", answers.message()).await.unwrap();
    assert_eq!(first, Some(b"one".to_vec()));
    let status = soon("the failure", answers.message()).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::ResourceExhausted, "enough")
    );
    check_metadata(status.metadata());

    grpc.ready().await.map_err(Into::into).unwrap();
    let call = grpc.unary(Request::new(Vec::new()), path("Nothing"), Plain);
    let status = soon("an unknown method", call).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unimplemented, "no such method")
    );
}

#[tokio::test]
async fn around_a_service_of_tonic() {
    let layer = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}"));
    check_calls(client(layer.layer(Echo::default()))).await;
}

#[tokio::test]
async fn as_a_route_of_an_axum_application() {
    let layer = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}"));
    let service = layer.layer(Echo::default());
    let router = axum::Router::new().route_service("/test.Echo/{method}", service);
    let server = crate::support::listen(router).await;
    check_calls(client(channel(server.address).await)).await;
}

#[tokio::test]
async fn through_sockets_on_both_sides() {
    let (channel, echo) = through_sockets(pass_through).await;
    check_calls(client(channel)).await;
    assert_eq!(echo.begun.load(Ordering::SeqCst), 11);
}

#[tokio::test]
async fn the_backend_hears_that_trailers_are_taken() {
    let (channel, _) = through_sockets(pass_through).await;
    let mut grpc = client(channel);
    grpc.ready().await.unwrap();
    let call = grpc.unary(Request::new(Vec::new()), path("Unary"), Plain);
    let reply = soon("a call", call).await.unwrap();
    assert_eq!(reply.metadata().get("x-te").unwrap(), "seen");
}

#[tokio::test]
async fn many_calls_at_once_are_answered_each_with_its_own() {
    let (channel, echo) = through_sockets(pass_through).await;
    let calls = (0..500_u32).map(|number| {
        let mut grpc = client(channel.clone());
        tokio::spawn(async move {
            grpc.ready().await.unwrap();
            let message = number.to_string().into_bytes();
            let call = grpc.unary(Request::new(message.clone()), path("Unary"), Plain);
            assert_eq!(call.await.unwrap().into_inner(), message);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        soon("a call", call).await.unwrap();
    }
    assert_eq!(echo.begun.load(Ordering::SeqCst), 500);
}

#[tokio::test]
async fn a_stream_larger_than_every_window_passes_with_back_pressure() {
    let (channel, _) = through_sockets(pass_through).await;
    let mut grpc = client(channel);
    grpc.ready().await.unwrap();
    // Two windows of a connection: without flow control at each hop it would stand still.
    let chunk = vec![b'x'; 256 * 1024];
    let count = 64;
    let requests = tokio_stream::iter(std::iter::repeat_n(chunk.clone(), count));
    let call = grpc.streaming(Request::new(requests), path("Chat"), Plain);
    let mut answers = soon("the head", call).await.unwrap().into_inner();
    let mut received = 0;
    while let Some(message) = soon("a chunk", answers.next()).await {
        assert_eq!(message.unwrap().len(), chunk.len());
        received += 1;
    }
    assert_eq!(received, count);
}

#[tokio::test]
async fn a_stream_outlives_the_age_of_its_connection() {
    let impatient = HttpClient::builder()
        .max_age(Duration::from_millis(50))
        .idle_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let (channel, _) = through_client(pass_through, impatient).await;
    let mut grpc = client(channel.clone());
    grpc.ready().await.unwrap();
    let (send, receive) = mpsc::channel(1);
    let requests = Request::new(ReceiverStream::new(receive));
    let call = grpc.streaming(requests, path("Chat"), Plain);
    let mut answers = soon("the head", call).await.unwrap().into_inner();
    for round in 0..6_u8 {
        send.send(vec![round]).await.unwrap();
        let message = soon("an answer", answers.message()).await.unwrap();
        assert_eq!(message, Some(vec![round]));
        // Others find the connection too old, and make another.
        let mut other = client(channel.clone());
        other.ready().await.unwrap();
        let call = other.unary(Request::new(vec![round]), path("Unary"), Plain);
        soon("a call beside it", call).await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    drop(send);
    assert_eq!(soon("the end", answers.message()).await.unwrap(), None);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_call_of_the_backend() {
    let (channel, echo) = through_sockets(pass_through).await;
    // Before the head.
    let mut grpc = client(channel.clone());
    grpc.ready().await.unwrap();
    let call = grpc.unary(Request::new(b"?".to_vec()), path("Unary"), Plain);
    let late = tokio::time::timeout(Duration::from_millis(300), call).await;
    assert!(late.is_err(), "the call does not end by itself");
    // Within the stream.
    grpc.ready().await.unwrap();
    let call = grpc.server_streaming(Request::new(b"one\n?".to_vec()), path("Scatter"), Plain);
    let mut answers = soon("the head", call).await.unwrap().into_inner();
    assert!(
        soon("a message", answers.message())
            .await
            .unwrap()
            .is_some()
    );
    drop(answers);
    soon("both calls to end", async {
        while echo.dropped.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
