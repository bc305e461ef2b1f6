//! What a function is sent.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tower::service_fn;
use tower_apigw::Body;
use tower_apigw::aws::{ApiFacts, HttpEvent, RequestFacts};
use tower_apigw::backend::{Functions, LambdaEvent};
use tower_apigw::integration::{Integration, Method};
use tower_apigw::mapping::{ClientAddress, OriginalHeaderNames, Stage};

use super::{arn, call};

/// The event of a request, as it was sent.
async fn event(method: &Method, stage: Stage, request: Request<Body>) -> String {
    let seen = Arc::new(Mutex::new(Bytes::new()));
    let sink = Arc::clone(&seen);
    let function = service_fn(move |event: LambdaEvent<Bytes>| {
        *sink.lock().unwrap() = event.payload;
        std::future::ready(Ok::<_, std::io::Error>(Bytes::from_static(b"{}")))
    });
    let functions = Functions::local().raw_function("f", function);
    let integration = Integration::lambda_proxy(arn("f"));
    let answered = call(&integration, method, stage, functions, request).await;
    assert_eq!(answered.error, "");
    let seen = seen.lock().unwrap().clone();
    String::from_utf8(seen.to_vec()).unwrap()
}

/// The names of an object, in their order.
fn names(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn members_stand_in_the_order_of_aws() {
    let mut method = Method::new("POST", "/pets/{id}");
    method.operation_name = Some("feed".into());
    let stage = Stage::new("prod")
        .api_id("a1")
        .account_id("123")
        .deployment_id("d1")
        .variable("v", "\"1\"");
    let request = Request::post("/pets/a%2Fb?k=1&k=2&z=%C3%A9+x")
        .header("host", "api.example.com")
        .header("User-Agent", "ua")
        .header("x-b", "2")
        .header("x-a", "1")
        .header("x-a", "3")
        .header("connection", "close")
        .header("x-forwarded-for", "10.1.1.1")
        .header("x-amzn-trace-id", "Root=1-2-3;Parent=4;Sampled=1")
        .extension(OriginalHeaderNames::new([
            "host",
            "User-Agent",
            "X-B",
            "x-a",
            "x-a",
            "connection",
            "x-forwarded-for",
            "x-amzn-trace-id",
        ]))
        .extension(ClientAddress([10, 2, 2, 2].into()))
        .body(Body::from("{\"é\": \"\n\"}"))
        .unwrap();
    let text = event(&method, stage, request).await;
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        names(&event),
        [
            "resource",
            "path",
            "httpMethod",
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "pathParameters",
            "stageVariables",
            "requestContext",
            "body",
            "isBase64Encoded"
        ]
    );
    let context = &event["requestContext"];
    assert_eq!(
        names(context),
        [
            "resourceId",
            "resourcePath",
            "operationName",
            "httpMethod",
            "extendedRequestId",
            "requestTime",
            "path",
            "accountId",
            "protocol",
            "stage",
            "domainPrefix",
            "requestTimeEpoch",
            "requestId",
            "identity",
            "domainName",
            "deploymentId",
            "apiId"
        ]
    );
    assert_eq!(
        names(&context["identity"]),
        [
            "cognitoIdentityPoolId",
            "accountId",
            "cognitoIdentityId",
            "caller",
            "sourceIp",
            "principalOrgId",
            "accessKey",
            "cognitoAuthenticationType",
            "cognitoAuthenticationProvider",
            "userArn",
            "userAgent",
            "user"
        ]
    );
    assert_eq!(
        event["headers"],
        json!({
            "host": "api.example.com", "User-Agent": "ua", "x-a": "3", "X-Amzn-Trace-Id": "Root=1-2-3;Parent=4;Sampled=1",
            "X-B": "2", "X-Forwarded-For": "10.1.1.1, 10.2.2.2", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"
        })
    );
    assert_eq!(
        names(&event["headers"]),
        [
            "host",
            "User-Agent",
            "x-a",
            "X-Amzn-Trace-Id",
            "X-B",
            "X-Forwarded-For",
            "X-Forwarded-Port",
            "X-Forwarded-Proto"
        ]
    );
    assert_eq!(event["multiValueHeaders"]["x-a"], json!(["1", "3"]));
    assert_eq!(
        event["queryStringParameters"],
        json!({"k": "2", "z": "é x"})
    );
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({"k": ["1", "2"], "z": ["é x"]})
    );
    assert_eq!(event["pathParameters"], json!({"id": "a%2Fb"}));
    assert_eq!(event["stageVariables"], json!({"v": "\"1\""}));
    assert_eq!(event["body"], "{\"é\": \"\n\"}");
    assert_eq!(context["path"], "/prod/pets/a%2Fb");
    assert_eq!(context["domainPrefix"], "api");
    assert_eq!(context["identity"]["sourceIp"], "10.2.2.2");
    assert_eq!(context["operationName"], "feed");
}

#[tokio::test]
async fn what_is_not_there_is_null() {
    let request = Request::get("/").body(Body::empty()).unwrap();
    let text = event(&Method::new("GET", "/"), Stage::default(), request).await;
    let event: Value = serde_json::from_str(&text).unwrap();
    for member in [
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ] {
        assert_eq!(event[member], Value::Null, "{member}");
    }
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], Value::Null);
    assert_eq!(event["isBase64Encoded"], false);
}

#[tokio::test]
async fn bodies_are_text_or_base64_by_their_type() {
    for (media_type, body, is_base64) in [
        ("image/png", "/wA=", true),
        ("text/plain", "\u{FFFD}\0", false),
    ] {
        let request = Request::post("/").header("content-type", media_type);
        let request = request
            .body(Body::from(Bytes::from_static(b"\xff\0")))
            .unwrap();
        let stage = Stage::default().binary_media_types(["image/*"]);
        let text = event(&Method::new("POST", "/"), stage, request).await;
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["body"], body);
        assert_eq!(event["isBase64Encoded"], is_base64);
    }
}

/// Payload format 2.0, which no REST document reaches.
#[test]
fn the_event_of_format_2() {
    let mut api = ApiFacts::default();
    api.account_id = "123";
    api.api_id = "a1";
    api.stage = "dev";
    let event = HttpEvent::new(&api, "POST /pets/{id}");
    let headers = [
        ("X-A".into(), "1".into()),
        ("x-a".into(), "2".into()),
        ("Cookie".into(), "a=1; b=2".into()),
    ];
    let query = [("k".to_owned(), "1".to_owned()), ("k".into(), "2".into())];
    let mut facts =
        RequestFacts::new(SystemTime::UNIX_EPOCH + Duration::from_millis(1_583_348_638_390));
    facts.method = "POST";
    facts.path = "/pets/7";
    facts.raw_query = "k=1&k=2";
    facts.query = &query;
    facts.headers = &headers;
    facts.path_parameters = &[("id", "7")];
    facts.domain_name = Some("a1.example.com");
    facts.body = b"hi";
    let mut out = Vec::new();
    event.write(&facts, &mut out);
    let event: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        event,
        json!({
            "version": "2.0", "routeKey": "POST /pets/{id}", "rawPath": "/dev/pets/7", "rawQueryString": "k=1&k=2",
            "cookies": ["a=1", "b=2"], "headers": {"x-a": "1,2"}, "queryStringParameters": {"k": "1,2"},
            "requestContext": {
                "accountId": "123", "apiId": "a1", "domainName": "a1.example.com", "domainPrefix": "a1",
                "http": {"method": "POST", "path": "/dev/pets/7", "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": ""},
                "requestId": "", "routeKey": "POST /pets/{id}", "stage": "dev",
                "time": "04/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_u64
            },
            "body": "hi", "pathParameters": {"id": "7"}, "isBase64Encoded": false
        })
    );
}
