//! The layers: each alone on a function; below, their readiness, someone else's layer between them,
//! and what crosses from one to another.

mod access_log;
mod cost;
mod crossing;
mod metrics;
mod readiness;
#[cfg(feature = "retry")]
mod retry;
mod secrets;
mod spans;

use std::convert::Infallible;
use std::future::{Future, Ready, pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::error::{BoxError, Error, ErrorKind};
use tower_apigw::gateway_response::GatewayResponses;
use tower_apigw::integration::{GatewayResponse, Integration, IntegrationResponse};
use tower_apigw::layer::{
    BodyMappingLayer, DispatchLayer, GatewayResponseLayer, IntegrationLayer, RequestMappingLayer,
    ResponseSelectionLayer, SigV4Layer,
};
use tower_apigw::mapping::{OriginalHeaderNames, Plan, Stage};
use tower_apigw::target::Target;
use tower_http::set_header::SetRequestHeaderLayer;
use tower_http::trace::TraceLayer;

use crate::support::{plan, plan_at, soon, streamed, text};

/// Tells, as JSON, what it was sent.
async fn tell(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let headers: serde_json::Map<String, Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(value.to_str().unwrap())))
        .collect();
    let told = json!({
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "headers": headers,
        "body": text(body).await,
    });
    Ok(Response::new(Body::from(told.to_string())))
}

async fn json_of(response: Response<Body>) -> Value {
    let body = text(response.into_body()).await;
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{body:?}: {error}"))
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

/// Mapped both ways, with a template for JSON each way.
fn mapped() -> Integration {
    Integration::http("PUT", "http://backend.example/pets/{id}")
        .request_parameter("integration.request.path.id", "method.request.path.id")
        .request_parameter(
            "integration.request.querystring.page",
            "method.request.querystring.p",
        )
        .request_parameter("integration.request.header.x-kind", "'dog'")
        .request_template("application/json", r#"{"name": $input.json('$.pet')}"#)
        .response(
            IntegrationResponse::new(201)
                .response_parameter(
                    "method.response.header.x-from",
                    "integration.response.header.x-made",
                )
                .response_template("application/json", "<$input.path('$.body')>"),
        )
}

#[tokio::test]
async fn request_mapping_alone_makes_the_integration_request() {
    let service = RequestMappingLayer::new(plan(&mapped(), "/{id}")).layer(service_fn(tell));
    let response = service
        .oneshot(post("/7?p=2&q=3", "as it is"))
        .await
        .unwrap();
    let told = json_of(response).await;
    assert_eq!(told["method"], "PUT");
    assert_eq!(told["uri"], "http://backend.example/pets/7?page=2");
    assert_eq!(told["headers"]["x-kind"], "dog");
    assert_eq!(told["body"], "as it is");
}

#[tokio::test]
async fn request_mapping_attaches_a_target_with_the_deadline() {
    let integration = mapped().timeout(Duration::from_millis(1234));
    let inner = service_fn(|request: Request<Body>| async move {
        let timeout = request
            .extensions()
            .get::<Target>()
            .and_then(|target| target.timeout);
        Ok::<_, Infallible>(Response::new(Body::from(format!("{timeout:?}"))))
    });
    let service = RequestMappingLayer::new(plan(&integration, "/{id}")).layer(inner);
    let response = service.oneshot(get("/7")).await.unwrap();
    assert_eq!(text(response.into_body()).await, "Some(1.234s)");
}

#[tokio::test]
async fn body_mapping_alone_renders_the_request() {
    let service = BodyMappingLayer::new(plan(&mapped(), "/{id}")).layer(service_fn(tell));
    let response = service
        .oneshot(post("/7", r#"{"pet": "Rex"}"#))
        .await
        .unwrap();
    let told = json_of(response).await;
    assert_eq!(told["body"], r#"{"name": "Rex"}"#);
    assert_eq!(told["uri"], "/7", "nothing but the body is mapped");
}

#[tokio::test]
async fn body_mapping_reads_a_streamed_body_whole() {
    let service = BodyMappingLayer::new(plan(&mapped(), "/{id}")).layer(service_fn(tell));
    let body = streamed(["{\"pe", "t\": \"R", "ex\"}"]);
    let response = service.oneshot(post("/7", body)).await.unwrap();
    assert_eq!(json_of(response).await["body"], r#"{"name": "Rex"}"#);
}

#[tokio::test]
async fn response_selection_alone_makes_the_head() {
    let integration = mapped()
        .response(IntegrationResponse::new(404).selection_pattern("4\\d\\d"))
        .response(IntegrationResponse::new(502).selection_pattern("5.."));
    let plan = Arc::new(plan(&integration, "/{id}"));
    for (sent, expected) in [(200, 201), (410, 404), (503, 502)] {
        let inner = service_fn(move |_: Request<Body>| {
            let answer = Response::builder()
                .status(sent)
                .header("x-made", "here")
                .header("x-other", "1");
            ready(answer.body(Body::from("kept")))
        });
        let service = ResponseSelectionLayer::new(Arc::clone(&plan)).layer(inner);
        let response = service.oneshot(get("/7")).await.unwrap();
        assert_eq!(response.status(), expected);
        let from = response.headers().get("x-from").map(HeaderValue::as_bytes);
        assert_eq!(from, (sent == 200).then_some(&b"here"[..]));
        assert!(!response.headers().contains_key("x-other"));
        assert_eq!(text(response.into_body()).await, "kept");
    }
}

#[tokio::test]
async fn dispatch_alone_gives_failures_their_kinds() {
    let reset = service_fn(|_: Request<Body>| {
        ready(Err::<Response<Body>, BoxError>(
            io::Error::other("reset").into(),
        ))
    });
    let error = DispatchLayer::new()
        .layer(reset)
        .oneshot(get("/"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let typed = service_fn(|_: Request<Body>| {
        ready(Err::<Response<Body>, _>(Error::new(
            ErrorKind::RequestTooLarge,
            "too large",
        )))
    });
    let error = DispatchLayer::new()
        .layer(typed)
        .oneshot(get("/"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    assert!(
        DispatchLayer::new()
            .layer(service_fn(tell))
            .oneshot(get("/"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn dispatch_ends_a_call_at_the_deadline() {
    let soon_over = || {
        let mut request = get("/");
        request
            .extensions_mut()
            .insert(Target::new().timeout(Duration::from_millis(50)));
        request
    };
    let slow = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let error = soon(
        "the deadline",
        DispatchLayer::new().layer(slow).oneshot(soon_over()),
    )
    .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
    // The wait for readiness counts.
    let error = soon(
        "the deadline",
        DispatchLayer::new().layer(NeverReady).oneshot(soon_over()),
    )
    .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
}

#[derive(Clone)]
struct NeverReady;

impl Service<Request<Body>> for NeverReady {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        panic!("called before it was ready")
    }
}

#[tokio::test]
async fn signing_alone_lets_only_the_unsigned_pass() {
    let service = SigV4Layer::without_credentials().layer(service_fn(tell));
    assert_eq!(
        service.clone().oneshot(get("/a")).await.unwrap().status(),
        200
    );
    let mut signed = get("/a");
    signed
        .extensions_mut()
        .insert(Target::new().signed("sqs", "eu-west-1"));
    assert_eq!(
        service.oneshot(signed).await.unwrap_err().kind(),
        ErrorKind::Credentials
    );
}

#[tokio::test]
async fn gateway_response_alone_answers_for_anyones_error() {
    type Fails = fn() -> BoxError;
    let cases: [(Fails, u16, &str); 3] = [
        (
            || io::Error::other("reset").into(),
            504,
            "Network error communicating with endpoint",
        ),
        (
            || Error::new(ErrorKind::UnsupportedMediaType, "text").into(),
            415,
            "Unsupported Media Type",
        ),
        (
            || Error::new(ErrorKind::NoRoute, "nothing").into(),
            403,
            "Missing Authentication Token",
        ),
    ];
    for (error, status, message) in cases {
        let failing = service_fn(move |_: Request<Body>| ready(Err::<Response<Body>, _>(error())));
        let Ok(response) = GatewayResponseLayer::new()
            .layer(failing)
            .oneshot(get("/"))
            .await;
        assert_eq!(response.status(), status);
        assert!(response.headers().contains_key("x-amzn-requestid"));
        assert!(response.headers().contains_key("x-amz-apigw-id"));
        let kept = response
            .extensions()
            .get::<Arc<Error>>()
            .expect("the error stays in the extensions");
        assert_eq!(kept.to_string(), error().to_string());
        assert_eq!(json_of(response).await["message"], message);
    }
    let Ok(response) = GatewayResponseLayer::new()
        .layer(service_fn(tell))
        .oneshot(get("/"))
        .await;
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-amzn-requestid"));
    assert!(response.extensions().get::<Arc<Error>>().is_none());
}
