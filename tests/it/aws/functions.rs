//! Functions in process: found by name, failing as Lambda's do, within limits.

use std::io;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tower::service_fn;
use tower_apigw::Body;
use tower_apigw::backend::{Functions, LambdaEvent};
use tower_apigw::integration::{Integration, IntegrationResponse, Method};
use tower_apigw::mapping::{Limits, Stage};

use super::{Answered, arn, call};

async fn get(integration: &Integration, functions: Functions) -> Answered {
    let request = Request::get("/").body(Body::empty()).unwrap();
    call(
        integration,
        &Method::new("GET", "/"),
        Stage::default(),
        functions,
        request,
    )
    .await
}

fn says(text: &'static str) -> Functions {
    let function = move |event: LambdaEvent<Value>| async move {
        let context = event.context;
        let body = format!("{text} {} {}", context.function_name, context.version);
        Ok::<_, io::Error>(json!({"body": body}))
    };
    Functions::local().function("worker", service_fn(function))
}

#[tokio::test]
async fn the_qualified_name_goes_first() {
    let live = service_fn(|event: LambdaEvent<Value>| async move {
        Ok::<_, io::Error>(json!({"body": event.context.invoked_function_arn}))
    });
    let both = says("any").function("worker:live", live);
    for (name, expected) in [
        ("worker", "any worker $LATEST"),
        ("worker:7", "any worker 7"),
        (
            "worker:live",
            "arn:aws:lambda:eu-west-1:111122223333:function:worker:live",
        ),
    ] {
        let answered = get(&Integration::lambda_proxy(arn(name)), both.clone()).await;
        assert_eq!(String::from_utf8_lossy(&answered.body), expected);
    }
}

#[tokio::test]
async fn a_function_that_is_not_there_cannot_be_invoked() {
    let answered = get(&Integration::lambda_proxy(arn("other")), says("x")).await;
    assert_eq!(answered.response.status(), 500);
    assert!(answered.error.contains("status: 404"), "{}", answered.error);
}

#[tokio::test]
async fn failures_are_those_of_the_function() {
    let fails = service_fn(|_: LambdaEvent<Value>| async {
        Err::<Value, _>(io::Error::other("four hundred, sorry"))
    });
    let wrong_event =
        service_fn(|event: LambdaEvent<Vec<u8>>| async { Ok::<_, io::Error>(event.payload) });
    let functions = Functions::local()
        .function("fails", fails)
        .function("typed", wrong_event);
    let proxied = get(&Integration::lambda_proxy(arn("fails")), functions.clone()).await;
    assert_eq!(proxied.response.status(), 502);
    assert!(
        proxied
            .error
            .contains("customer function error: four hundred, sorry")
    );
    let typed = get(&Integration::lambda_proxy(arn("typed")), functions.clone()).await;
    assert!(
        typed
            .error
            .contains("customer function error: invalid type"),
        "{}",
        typed.error
    );

    let custom = Integration::aws("POST", arn("fails"))
        .response(IntegrationResponse::new(200))
        .response(IntegrationResponse::new(400).selection_pattern(".*four hundred.*"));
    let selected = get(&custom, functions).await;
    assert_eq!(selected.response.status(), 400);
    assert_eq!(
        selected.body,
        br#"{"errorMessage":"four hundred, sorry","errorType":"Error"}"#
    );
}

#[tokio::test]
async fn an_event_is_answered_with_nothing() {
    let integration = Integration::aws("POST", arn("worker"))
        .request_parameter(
            "integration.request.header.X-Amz-Invocation-Type",
            "'Event'",
        )
        .response(IntegrationResponse::new(200));
    let answered = get(&integration, says("unheard")).await;
    assert_eq!(
        (answered.response.status().as_u16(), answered.body.len()),
        (200, 0)
    );
}

#[tokio::test]
async fn payloads_are_limited_both_ways() {
    let long = service_fn(|event: LambdaEvent<Bytes>| async move {
        let body = "x".repeat(if event.payload.len() > 3000 { 10 } else { 7000 });
        Ok::<_, io::Error>(Bytes::from(json!({"body": body}).to_string()))
    });
    let functions = Functions::local().raw_function("f", long);
    let mut limits = Limits::aws();
    limits.function_payload = Some(6000);
    for (sent, status, error) in [
        (3000, 200, ""),
        (10, 502, "the answer is over the limit"),
        (6000, 500, "status: 413"),
    ] {
        let request = Request::post("/").body(Body::from("y".repeat(sent)));
        let answered = call(
            &Integration::lambda_proxy(arn("f")),
            &Method::new("POST", "/"),
            Stage::default().limits(limits.clone()),
            functions.clone(),
            request.unwrap(),
        )
        .await;
        assert_eq!(answered.response.status(), status, "{sent}");
        assert!(answered.error.contains(error), "{sent}: {}", answered.error);
    }
}
