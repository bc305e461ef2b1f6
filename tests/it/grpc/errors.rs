//! Errors of the gateway as a client of gRPC gets them, and answers chosen by `grpc-status`.

use std::time::Duration;

use http::{Request, Response};
use tokio::net::TcpListener;
use tonic::Code;
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::{Error, ErrorKind};
use tower_apigw::integration::{
    ContentHandling, GatewayResponse, Integration, IntegrationResponse, Protocol, SelectionSubject,
};
use tower_apigw::layer::{GatewayResponseLayer, IntegrationLayer};
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::Api;

use super::echo::{Echo, Plain, path};
use super::{backend, channel, client, gateway};
use crate::support::{plan, plan_at, proxy, soon, text};

async fn failed(kind: ErrorKind, layer: GatewayResponseLayer) -> Response<Body> {
    let failing = service_fn(move |_: Request<Body>| async move {
        Err::<Response<Body>, _>(Error::new(kind, "for the log"))
    });
    let request = Request::post("/a.B/C")
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc+proto")
        .body(Body::empty())
        .unwrap();
    let Ok(response) = layer.layer(failing).oneshot(request).await;
    response
}

#[tokio::test]
async fn kinds_of_errors_have_their_status() {
    for (kind, status, message) in [
        (ErrorKind::NoRoute, 12, "Missing Authentication Token"),
        (ErrorKind::Timeout, 4, "Endpoint request timed out"),
        (
            ErrorKind::Network,
            14,
            "Network error communicating with endpoint",
        ),
        (ErrorKind::RequestTooLarge, 8, "Request Too Long"),
        (ErrorKind::ResponseTooLarge, 8, "Internal server error"),
        (
            ErrorKind::ResourceNotFound,
            12,
            "Requested resource not found",
        ),
        (ErrorKind::InvalidBody, 13, "Invalid request body"),
        (ErrorKind::Configuration, 2, "Internal server error"),
        (ErrorKind::Function, 14, "Internal server error"),
    ] {
        let response = failed(kind, GatewayResponseLayer::new()).await;
        assert_eq!(response.status(), 200, "{kind:?}");
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/grpc");
        assert_eq!(headers["grpc-status"], status.to_string(), "{kind:?}");
        assert_eq!(headers["grpc-message"], message, "{kind:?}");
        assert!(headers.contains_key("x-amzn-requestid"));
        assert_eq!(text(response.into_body()).await, "");
    }
}

#[tokio::test]
async fn a_custom_response_keeps_its_headers_and_tells_its_status() {
    let entry = GatewayResponse::new()
        .status(429)
        .response_parameter("gatewayresponse.header.X-Team", "'blue'")
        .response_template("application/json", "{}");
    let responses =
        tower_apigw::gateway_response::GatewayResponses::compile([("DEFAULT_5XX", &entry)]);
    let layer = GatewayResponseLayer::custom(responses.unwrap(), Stage::default());
    let response = failed(ErrorKind::Configuration, layer).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "14");
    assert_eq!(response.headers()["x-team"], "blue");
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(text(response.into_body()).await, "");
}

#[tokio::test]
async fn who_does_not_speak_grpc_gets_json() {
    let failing = service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(Error::new(ErrorKind::Timeout, ""))
    });
    let service = GatewayResponseLayer::new().layer(failing);
    for (version, media_type) in [
        (http::Version::HTTP_2, "application/json"),
        (http::Version::HTTP_2, "application/grpc-web"),
        (http::Version::HTTP_11, "application/grpc"),
    ] {
        let request = Request::post("/")
            .version(version)
            .header("content-type", media_type)
            .body(Body::empty())
            .unwrap();
        let Ok(response) = service.clone().oneshot(request).await;
        assert_eq!(response.status(), 504, "{media_type}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}

#[tokio::test]
async fn a_document_routes_calls_and_refuses_others() {
    let address = backend(Echo::default()).await;
    let document = format!(
        r#"
openapi: 3.0.1
info: {{title: calls, version: '1'}}
paths:
  /test.Echo/{{method}}:
    post:
      parameters: [{{name: method, in: path, required: true, schema: {{type: string}}}}]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: POST
        uri: http://{address}/test.Echo/{{method}}
        requestParameters: {{integration.request.path.method: method.request.path.method}}
        x-tower-apigw-protocol: h2
"#
    );
    let api = Api::from_slice(document.as_bytes()).unwrap();
    let (address, _stop) = gateway(api.into_service(HttpClient::new())).await;
    let mut grpc = client(channel(address).await);
    grpc.ready().await.unwrap();
    let call = grpc.unary(tonic::Request::new(b"hi".to_vec()), path("Unary"), Plain);
    assert_eq!(soon("a call", call).await.unwrap().into_inner(), b"hi");

    grpc.ready().await.unwrap();
    let other = "/test.Other/Unary".parse().unwrap();
    let call = grpc.unary(tonic::Request::new(b"hi".to_vec()), other, Plain);
    let status = soon("another service", call).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "Missing Authentication Token");
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_unavailable() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let integration = proxy(nobody).protocol(Protocol::Http2);
    let service = IntegrationLayer::new(plan(&integration, "/{proxy+}")).layer(HttpClient::new());
    let (address, _stop) = gateway(service).await;
    let mut grpc = client(channel(address).await);
    grpc.ready().await.unwrap();
    let call = grpc.unary(tonic::Request::new(Vec::new()), path("Unary"), Plain);
    let status = soon("the error", call).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(
        status.message(),
        "Network error communicating with endpoint"
    );
}

/// Calls of gRPC whose statuses become statuses of HTTP.
fn selecting(address: std::net::SocketAddr) -> Integration {
    Integration::http("POST", format!("http://{address}/test.Echo/Unary"))
        .protocol(Protocol::Http2)
        .selection_subject(SelectionSubject::GrpcStatus)
        .content_handling(ContentHandling::ConvertToBinary)
        .response(
            IntegrationResponse::new(200)
                .selection_pattern("0")
                .content_handling(ContentHandling::ConvertToBinary)
                .response_parameter(
                    "method.response.header.content-type",
                    "integration.response.header.content-type",
                ),
        )
        .response(
            IntegrationResponse::new(404)
                .selection_pattern("5|12")
                .response_template("application/json", r#"{"gone": true}"#),
        )
        .response(IntegrationResponse::new(502))
}

#[tokio::test]
async fn answers_are_chosen_by_grpc_status_and_messages_stream_with_their_trailers() {
    use http_body_util::BodyExt;

    let address = backend(Echo::default()).await;
    let stage = Stage::new("test").binary_media_types(["application/grpc"]);
    let plan = plan_at(&selecting(address), "/call", stage);
    let service = IntegrationLayer::new(plan).layer(HttpClient::new());
    let call = |message: &'static str| {
        let mut framed = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
        framed.extend_from_slice(message.as_bytes());
        // Of unknown length, so that it could not have been collected without being seen.
        let (sender, frames) = crate::support::frames(1);
        sender.try_send(crate::support::data(framed)).unwrap();
        let request = Request::post("/call")
            .header("content-type", "application/grpc")
            .body(Body::new(frames))
            .unwrap();
        soon("a call", service.clone().oneshot(request))
    };
    let Ok(found) = call("hello").await;
    assert_eq!(found.status(), 200);
    assert_eq!(found.headers()["content-type"], "application/grpc");
    let collected = soon("the body", found.into_body().collect()).await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(&collected.to_bytes()[5..], b"hello");

    for (message, status) in [("!5 gone", 404), ("!12 never", 404), ("!7 no", 502)] {
        let Ok(response) = call(message).await;
        assert_eq!(response.status(), status, "{message}");
        let body = text(response.into_body()).await;
        assert_eq!(body.contains("gone"), status == 404, "{body}");
    }
}

#[tokio::test]
async fn the_body_of_a_call_is_not_waited_for() {
    // The client of a stream may want the head of the answer first.
    let echo = service_fn(|request: Request<Body>| async {
        Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
    });
    let service = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}")).layer(echo);
    let (_sender, frames) = crate::support::frames(1);
    let request = Request::post("/a.B/C")
        .header("content-type", "application/grpc")
        .body(Body::new(frames))
        .unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(5), service.oneshot(request)).await;
    assert_eq!(answered.expect("an answer at once").unwrap().status(), 200);
}
