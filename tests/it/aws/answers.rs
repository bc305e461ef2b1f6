//! The answer contract of `AWS_PROXY`: `tests/lambda/answers.json`.

use std::path::Path;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tower::service_fn;
use tower_apigw::Body;
use tower_apigw::aws::Answer;
use tower_apigw::backend::{Functions, LambdaEvent};
use tower_apigw::integration::{Integration, Method};
use tower_apigw::mapping::Stage;

use super::{arn, call};

#[tokio::test]
async fn every_row_of_the_contract() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lambda/answers.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(cases.len() > 35, "the cases are missing");
    let integration = Integration::lambda_proxy(arn("f"));
    for case in &cases {
        let name = &case["name"];
        let output = match case["raw"].as_str() {
            Some(raw) => Bytes::from(raw.to_owned()),
            None => Bytes::from(case["output"].to_string()),
        };
        let function = service_fn(move |_: LambdaEvent<Bytes>| {
            std::future::ready(Ok::<_, std::io::Error>(output.clone()))
        });
        let stage = Stage::default().binary_media_types(["image/png"]);
        let mut request = Request::get("/");
        if let Some(accept) = case["accept"].as_str() {
            request = request.header("accept", accept);
        }
        let answered = call(
            &integration,
            &Method::new("GET", "/"),
            stage,
            Functions::local().raw_function("f", function),
            request.body(Body::empty()).unwrap(),
        )
        .await;
        if let Some(reason) = case["fails"].as_str() {
            assert_eq!(answered.response.status(), 502, "{name}");
            assert_eq!(answered.body, br#"{"message": "Internal server error"}"#);
            assert!(answered.error.starts_with("Function: "), "{name}");
            let told = answered.error.contains("malformed Lambda proxy response");
            assert!(
                told && answered.error.contains(reason),
                "{name}: {}",
                answered.error
            );
            continue;
        }
        assert_eq!(answered.error, "", "{name}");
        assert_eq!(
            answered.response.status().as_u16(),
            case["status"],
            "{name}"
        );
        if let Some(body) = case["body"].as_str() {
            assert_eq!(String::from_utf8_lossy(&answered.body), body, "{name}");
        }
        let headers = answered.response.headers();
        assert!(headers.contains_key("x-amzn-trace-id"), "{name}");
        for (header, value) in case["headers"].as_object().into_iter().flatten() {
            let all = headers
                .get_all(header)
                .iter()
                .map(|value| value.to_str().unwrap());
            assert_eq!(
                all.collect::<Vec<_>>().join(", "),
                *value,
                "{name}: {header}"
            );
        }
        for header in case["absent"].as_array().into_iter().flatten() {
            assert!(
                !headers.contains_key(header.as_str().unwrap()),
                "{name}: {header}"
            );
        }
    }
}

#[tokio::test]
async fn base64_that_is_none_is_a_configuration_error() {
    let function = service_fn(|_: LambdaEvent<Bytes>| async {
        Ok::<_, std::io::Error>(Bytes::from_static(
            br#"{"isBase64Encoded":true,"body":"%"}"#,
        ))
    });
    let request = Request::get("/")
        .header("accept", "image/png")
        .body(Body::empty());
    let answered = call(
        &Integration::lambda_proxy(arn("f")),
        &Method::new("GET", "/"),
        Stage::default().binary_media_types(["image/*"]),
        Functions::local().raw_function("f", function),
        request.unwrap(),
    )
    .await;
    // Recorded: not 502.
    assert_eq!(answered.response.status(), 500);
}

/// Payload format 2.0, which no REST document reaches.
#[test]
fn answers_of_format_2_may_be_anything() {
    for (output, body) in [
        (r#""hello from Lambda""#, "hello from Lambda"),
        (r#"{"message": "hi"}"#, r#"{"message": "hi"}"#),
        ("[1, 2]", "[1, 2]"),
        ("null", "null"),
    ] {
        let answer = Answer::http(output.as_bytes()).unwrap();
        assert_eq!(
            (answer.status_code, &*answer.body),
            (Some(200), body),
            "{output}"
        );
        assert_eq!(
            answer.headers,
            [("content-type".into(), "application/json".into())]
        );
    }
    let full = br#"{"statusCode": 201, "cookies": ["a=1", "b=2"], "body": "x", "other": 1}"#;
    let answer = Answer::http(full).unwrap();
    assert_eq!(answer.status_code, Some(201));
    assert_eq!(answer.cookies, ["a=1", "b=2"]);
    assert!(Answer::http(br#"{"statusCode": "x"}"#).is_err());
    assert!(Answer::http(b"no json").is_err());
}
