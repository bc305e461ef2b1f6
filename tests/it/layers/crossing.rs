//! What goes from one layer to another: errors, overrides, the facts of the request.

use super::*;

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
