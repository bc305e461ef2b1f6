//! The layers: each alone on a function, their readiness, someone else's layer between them, and
//! what crosses from one to another.

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

// Alone

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
    let service = SigV4Layer::new().layer(service_fn(tell));
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
        ErrorKind::Configuration
    );
}

#[tokio::test]
async fn gateway_response_alone_answers_for_anyones_error() {
    let cases: [(fn() -> BoxError, u16, &str); 3] = [
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

// Readiness

/// Panics when it is called without having become ready; takes two polls to become so. Readiness
/// belongs to one instance: a clone is not ready.
struct Strict<S> {
    inner: S,
    polls: u8,
}

fn strict<S>(inner: S) -> Strict<S> {
    Strict { inner, polls: 0 }
}

impl<S: Clone> Clone for Strict<S> {
    fn clone(&self) -> Self {
        strict(self.inner.clone())
    }
}

impl<S, R> Service<R> for Strict<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.polls += 1;
        if self.polls == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        assert!(self.polls > 1, "called before it was ready");
        self.polls = 0;
        self.inner.call(request)
    }
}

/// Calls `service` twice, with a body in memory and with one that comes.
async fn call_twice<S>(mut service: S)
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    for body in [
        Body::from(r#"{"pet": "Rex"}"#),
        streamed(["{\"pet\"", ": \"Rex\"}"]),
    ] {
        let response = service
            .ready()
            .await
            .unwrap()
            .call(post("/7", body))
            .await
            .unwrap();
        assert!(response.status().is_success(), "{response:?}");
    }
}

#[tokio::test]
async fn layers_call_the_instance_that_is_ready() {
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let inner = || strict(service_fn(tell));
    call_twice(BodyMappingLayer::new(Arc::clone(&plan)).layer(inner())).await;
    call_twice(ResponseSelectionLayer::new(Arc::clone(&plan)).layer(inner())).await;
    call_twice(RequestMappingLayer::new(Arc::clone(&plan)).layer(inner())).await;
    call_twice(SigV4Layer::new().layer(inner())).await;
    // These wait for it within the call.
    call_twice(DispatchLayer::new().layer(inner())).await;
    call_twice(GatewayResponseLayer::new().layer(inner())).await;
    call_twice(IntegrationLayer::new(Arc::clone(&plan)).layer(inner())).await;
    // And every seam between two of them keeps to it.
    let stack = DispatchLayer::new().layer(inner());
    let stack = SigV4Layer::new().layer(strict(stack));
    let stack = RequestMappingLayer::new(Arc::clone(&plan)).layer(strict(stack));
    let stack = ResponseSelectionLayer::new(Arc::clone(&plan)).layer(strict(stack));
    let stack = BodyMappingLayer::new(plan).layer(strict(stack));
    call_twice(GatewayResponseLayer::new().layer(strict(stack))).await;
}

#[tokio::test]
async fn a_readiness_that_is_not_asked_for_is_noticed() {
    let mut service = SigV4Layer::new().layer(strict(service_fn(tell)));
    let call = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(service.call(get("/")))
    }));
    assert!(call.is_err(), "the service of these tests would not notice");
}

#[tokio::test]
async fn a_limit_of_concurrency_below_us_holds() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let slow = service_fn(|request: Request<Body>| async {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        NOW.fetch_sub(1, Ordering::SeqCst);
        tell(request).await
    });
    let backend = ConcurrencyLimitLayer::new(2).layer(slow);
    let service = IntegrationLayer::new(plan(&mapped(), "/{id}")).layer(backend);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        calls.spawn(service.clone().oneshot(post("/7", streamed(["{}"]))));
    }
    while let Some(call) = soon("the calls", calls.join_next()).await {
        let Ok(response) = call.unwrap();
        assert_eq!(response.status(), 201);
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 2);
}

// Someone else's layers

#[tokio::test]
async fn a_timeout_between_ours_becomes_a_gateway_timeout() {
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let slow = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let service = ServiceBuilder::new()
        .layer(GatewayResponseLayer::new())
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(TimeoutLayer::new(Duration::from_millis(50)))
        .layer(RequestMappingLayer::new(plan))
        .layer(SigV4Layer::new())
        .layer(DispatchLayer::new())
        .service(slow);
    let Ok(response) = soon("the timeout", service.oneshot(post("/7", "{}"))).await;
    assert_eq!(response.status(), 504);
    let error = response.extensions().get::<Arc<Error>>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        json_of(response).await["message"],
        "Endpoint request timed out"
    );
}

#[tokio::test]
async fn layers_of_tower_http_stand_between_ours() {
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let name = HeaderName::from_static("x-between");
    let service = ServiceBuilder::new()
        .layer(GatewayResponseLayer::new())
        .layer(TraceLayer::new_for_http())
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(TraceLayer::new_for_http())
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(RequestMappingLayer::new(plan))
        .layer(SetRequestHeaderLayer::overriding(
            name,
            HeaderValue::from_static("yes"),
        ))
        .layer(SigV4Layer::new())
        .layer(DispatchLayer::new())
        .service_fn(|request: Request<Body>| async move {
            let between = request.headers()["x-between"].clone();
            let name = text(request.into_body()).await;
            let answer = Response::builder().header("x-made", between);
            Ok::<_, Infallible>(
                answer
                    .body(Body::from(format!("{{\"body\": {name}}}")))
                    .unwrap(),
            )
        });
    let Ok(response) = service.oneshot(post("/7", r#"{"pet": "Rex"}"#)).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-from"], "yes");
    assert_eq!(text(response.into_body()).await, "<{name=Rex}>");
}

// What crosses from one layer to another

#[tokio::test]
async fn failures_are_typed_in_the_extensions() {
    let integration = Integration::http("GET", "http://backend.example/")
        .response(IntegrationResponse::new(200).selection_pattern("2.."));
    let bad = service_fn(|_: Request<Body>| {
        ready(
            Response::builder()
                .status(StatusCode::IM_A_TEAPOT)
                .body(Body::empty()),
        )
    });
    let service = IntegrationLayer::new(plan(&integration, "/")).layer(bad);
    let Ok(response) = service.oneshot(get("/")).await;
    assert_eq!(response.status(), 500);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "InternalServerErrorException"
    );
    let error = response.extensions().get::<Arc<Error>>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("418"), "{error}");
    assert_eq!(
        text(response.into_body()).await,
        r#"{"message": "Internal server error"}"#
    );
}

#[tokio::test]
async fn custom_gateway_responses_read_the_request() {
    let entry = GatewayResponse::new()
        .status(503)
        .response_parameter(
            "gatewayresponse.header.x-origin",
            "method.request.header.origin",
        )
        .response_parameter(
            "gatewayresponse.header.x-page",
            "method.request.querystring.page",
        )
        .response_parameter("gatewayresponse.header.x-fixed", "'*'")
        .response_template(
            "application/json",
            r#"{"at": "$context.resourcePath", "of": "$stageVariables.owner",
                "is": $context.error.messageString, "type": "$context.error.responseType"}"#,
        );
    let responses = GatewayResponses::compile([("INTEGRATION_FAILURE", &entry)]).unwrap();
    let stage = Stage::new("test").variable("owner", "us");
    let reset =
        service_fn(|_: Request<Body>| ready(Err::<Response<Body>, _>(io::Error::other("reset"))));
    let plan = plan_at(
        &Integration::http_proxy("http://backend.example/"),
        "/{id}",
        stage,
    );
    let service = IntegrationLayer::with_gateway_responses(plan, responses).layer(reset);
    let request = Request::get("/7?page=2").header("origin", "https://here.example");
    let Ok(response) = service.oneshot(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["x-origin"], "https://here.example");
    assert_eq!(response.headers()["x-page"], "2");
    assert_eq!(response.headers()["x-fixed"], "*");
    let expected = json!({
        "at": "/{id}",
        "of": "us",
        "is": "Network error communicating with endpoint",
        "type": "INTEGRATION_FAILURE",
    });
    assert_eq!(json_of(response).await, expected);
}

async fn through(integration: Integration, request: Request<Body>) -> Response<Body> {
    let service = IntegrationLayer::new(plan(&integration, "/{id}")).layer(service_fn(tell));
    let Ok(response) = service.oneshot(request).await;
    response
}

#[tokio::test]
async fn a_mock_answers_without_its_backend() {
    let integration = Integration::mock()
        .request_template(
            "application/json",
            r#"{"statusCode": $input.params('code')}"#,
        )
        .response(IntegrationResponse::new(200).response_template("application/json", "default"))
        .response(
            IntegrationResponse::new(410)
                .selection_pattern("41\\d")
                .response_parameter("method.response.header.x-gone", "'$'")
                .response_template("application/json", r#"{"id": "$input.params('id')"}"#),
        );
    let never = service_fn(|_: Request<Body>| async { panic!("a MOCK has no backend") });
    let never = never.map_response(|_: Infallible| Response::new(Body::empty()));
    let never = never.map_err(|error: Infallible| error);
    let service = IntegrationLayer::new(plan(&integration, "/{id}")).layer(never);
    let Ok(response) = service.clone().oneshot(get("/7?code=200")).await;
    assert_eq!(
        (response.status().as_u16(), text(response.into_body()).await),
        (200, "default".into())
    );
    let Ok(response) = service.clone().oneshot(get("/7?code=415")).await;
    assert_eq!(response.status(), 410);
    assert_eq!(response.headers()["x-gone"], "$");
    assert_eq!(text(response.into_body()).await, r#"{"id": "7"}"#);
    let Ok(response) = service.oneshot(get("/7?code=none")).await;
    assert_eq!(response.status(), 500, "what is no number is no status");
}

#[tokio::test]
async fn overrides_of_the_request_template_reach_the_response_template() {
    let integration = Integration::http("POST", "http://backend.example/{id}")
        .request_parameter("integration.request.path.id", "method.request.path.id")
        .request_template(
            "application/json",
            "#set($context.requestOverride.header.x-kind = 'cat')\
             #set($context.requestOverride.path.id = '8')\
             #set($context.requestOverride.querystring.q = 'a b')\
             #set($context.responseOverride.header.x-left = 'request')\
             #set($context.responseOverride.status = 418)rendered",
        )
        .response(IntegrationResponse::new(200).response_template(
            "application/json",
            "#set($told = $input.path('$'))$told.uri $told.headers.x-kind $told.body \
             $context.responseOverride.status $context.responseOverride.header.x-left",
        ));
    let response = through(integration.clone(), post("/7", "{}")).await;
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()["x-left"], "request");
    let expected = "http://backend.example/8?q=a%20b cat rendered 418 request";
    let body = text(response.into_body()).await;
    assert_eq!(body.replace("q=a+b", "q=a%20b"), expected);

    // Where no response template looks at them, they are applied all the same.
    let mut plain = integration;
    plain.responses = vec![IntegrationResponse::new(200)];
    let response = through(plain, post("/7", "{}")).await;
    assert_eq!(response.status(), 418);
    assert_eq!(response.headers()["x-left"], "request");
}

#[cfg(feature = "tera")]
#[tokio::test]
async fn tera_templates_work_both_ways() {
    use tower_apigw::integration::{Template, TemplateEngine};
    let integration = Integration::http("POST", "http://backend.example/")
        .template_engine(TemplateEngine::Tera)
        .request_template(
            "application/json",
            r#"{{ override_request_header(name="x-kind", value=params(name="kind")) -}}
            {"name": "{{ input_path(path="$.pet") }}", "id": "{{ input.params.path.id }}"}"#,
        )
        .response(IntegrationResponse::new(200).response_template(
            "application/json",
            r#"{{ override_response_status(value=207) -}}
            {"kind": {{ input_json(path="$.headers.x-kind") }}, "got": "{{ input_path(path="$.body") }}"}"#,
        ));
    let response = through(
        integration.clone(),
        post("/7?kind=dog", r#"{"pet": "R\"ex"}"#),
    )
    .await;
    assert_eq!(response.status(), 207);
    let told = json_of(response).await;
    assert_eq!(told["kind"], "dog");
    let got: Value = serde_json::from_str(told["got"].as_str().unwrap()).unwrap();
    assert_eq!(got, json!({"name": "R\"ex", "id": "7"}));

    // A template may be in another language than the integration's.
    let mixed =
        integration.request_template("application/json", Template::vtl("[$input.json('$.pet')]"));
    let response = through(mixed, post("/7", r#"{"pet": "Rex"}"#)).await;
    assert_eq!(json_of(response).await["got"], r#"["Rex"]"#);
}

#[tokio::test]
async fn header_names_are_compared_as_they_were_spelled() {
    let integration = Integration::http("POST", "http://backend.example/")
        .request_parameter(
            "integration.request.header.x-mapped",
            "method.request.header.X-User",
        )
        .request_parameter(
            "integration.request.header.x-lower",
            "method.request.header.x-user",
        )
        .request_template(
            "application/json",
            "[$input.params('X-User')|$input.params('x-user')]",
        )
        .response(IntegrationResponse::new(200));
    let request = |names: Option<OriginalHeaderNames>| {
        let mut request = post("/7", "{}");
        request
            .headers_mut()
            .insert("x-user", HeaderValue::from_static("me"));
        request.extensions_mut().extend(
            names
                .map(|names| {
                    let mut extensions = http::Extensions::new();
                    extensions.insert(names);
                    extensions
                })
                .unwrap_or_default(),
        );
        request
    };
    let names = OriginalHeaderNames::new(["Content-Type", "X-User"]);
    let told = json_of(through(integration.clone(), request(Some(names))).await).await;
    assert_eq!(told["headers"].get("x-mapped"), Some(&json!("me")));
    assert_eq!(told["headers"].get("x-lower"), None);
    assert_eq!(told["body"], "[me|]");

    let told = json_of(through(integration, request(None)).await).await;
    assert_eq!(told["headers"].get("x-mapped"), None);
    assert_eq!(told["headers"].get("x-lower"), Some(&json!("me")));
    assert_eq!(told["body"], "[|me]");
}

#[tokio::test]
async fn a_plan_that_failed_answers_every_request_with_500() {
    let method = tower_apigw::integration::Method::new("ANY", "/{id}");
    let plan = Plan::failing(&method, Stage::new("test"), "the uri is broken");
    let service = IntegrationLayer::new(plan).layer(service_fn(tell));
    let Ok(response) = service.oneshot(post("/7", "{}")).await;
    assert_eq!(response.status(), 500);
    let error = response.extensions().get::<Arc<Error>>().unwrap();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Configuration, "the uri is broken")
    );
}

#[test]
fn services_and_futures_can_be_moved_between_threads() {
    fn service<S: Clone + Send + Sync + 'static>(_: &S) {}
    fn future<F: Future + Send + 'static>(_: Pin<&mut F>) {}
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let mut stack = IntegrationLayer::new(Arc::clone(&plan)).layer(service_fn(tell));
    service(&stack);
    future(std::pin::pin!(stack.call(get("/7"))));
    let alone = BodyMappingLayer::new(plan).layer(service_fn(tell));
    service(&alone);
    let boxed = tower::util::BoxCloneSyncService::new(stack);
    service(&boxed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let Ok(response) = runtime.block_on(boxed.oneshot(post("/7", r#"{"pet": 1}"#)));
    assert_eq!(response.status(), 201);
}
