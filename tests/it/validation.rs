//! Request validation, from a document to the answer.

use http::{Request, StatusCode};
use tower::{ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::mapping::{OriginalHeaderNames, Stage};
use tower_apigw::openapi::{Api, Import, OnError};

use crate::support::text;

const DOCUMENT: &str = r##"
openapi: 3.0.1
info: {title: pets, version: '1'}
x-amazon-apigateway-request-validators:
  all: {validateRequestBody: true, validateRequestParameters: true}
  body: {validateRequestBody: true}
x-amazon-apigateway-request-validator: all
x-amazon-apigateway-gateway-responses:
  BAD_REQUEST_BODY:
    responseTemplates: {application/json: $context.error.validationErrorString}
components:
  schemas:
    Pet:
      type: object
      required: [kind]
      properties:
        kind: {type: string}
        friends: {type: array, items: {$ref: '#/components/schemas/Pet'}}
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true}
    post:
      parameters:
        - {name: dividend, in: query, required: true}
        - {name: divisor, in: query, required: true}
        - {name: X-Head, in: header, required: true}
        - {name: free, in: query}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      x-amazon-apigateway-integration: {type: http_proxy, httpMethod: POST, uri: http://127.0.0.1/}
    put:
      x-amazon-apigateway-request-validator: body
      requestBody:
        content:
          $default: {schema: {type: array}}
          application/json:
            schema: {$ref: 'https://apigateway.amazonaws.com/restapis/a1b2c3/models/Pet'}
      x-amazon-apigateway-integration: {type: http_proxy, httpMethod: PUT, uri: http://127.0.0.1/}
"##;

/// The answer; the backend answers with the body that it got.
async fn answer(request: Request<Body>) -> (StatusCode, String) {
    let api = Api::from_slice(DOCUMENT.as_bytes()).unwrap();
    let backend = service_fn(async |request: Request<Body>| {
        Ok::<_, std::io::Error>(http::Response::new(request.into_body()))
    });
    let response = api.into_service(backend).oneshot(request).await.unwrap();
    (response.status(), text(response.into_body()).await)
}

#[tokio::test]
async fn parameters_come_first_and_blank_ones_are_missing() {
    let post = async |uri: &str, name: &str, value: &str| {
        let request = Request::post(uri)
            .header("x-head", value)
            .extension(OriginalHeaderNames::new([name]));
        answer(request.body(Body::from("{")).unwrap()).await
    };
    let missing = |names: &str| {
        let message =
            format!("{{\"message\": \"Missing required request parameters: [{names}]\"}}");
        (StatusCode::BAD_REQUEST, message)
    };
    let uri = "/pets/7?dividend=1&divisor=2";
    assert_eq!(
        post("/pets/7?free=1", "X-Head", "h").await,
        missing("divisor, dividend")
    );
    assert_eq!(
        post("/pets/7?dividend=%20&divisor=2", "X-Head", "h").await,
        missing("dividend")
    );
    assert_eq!(post(uri, "x-head", "h").await, missing("X-Head"));
    assert_eq!(post(uri, "X-Head", " ").await, missing("X-Head"));
    let broken = "[Unknown error parsing request body]".to_owned();
    assert_eq!(
        post(uri, "X-Head", "h").await,
        (StatusCode::BAD_REQUEST, broken)
    );
}

#[tokio::test]
async fn the_media_type_chooses_the_model() {
    let put = async |media_type: Option<&str>, body: &'static str| {
        let mut request = Request::put("/pets/7");
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        answer(request.body(Body::from(body)).unwrap()).await
    };
    let missing = r#"[object has missing required properties (["kind"])]"#;
    for media_type in [
        None,
        Some("application/json"),
        Some("Application/JSON; charset=utf-8"),
    ] {
        let pet = r#"{"kind": "cat", "friends": [{"kind": "dog"}]}"#;
        assert_eq!(put(media_type, pet).await, (StatusCode::OK, pet.to_owned()));
        let lonely = r#"{"kind": "cat", "friends": [{}]}"#;
        assert_eq!(
            put(media_type, lonely).await,
            (StatusCode::BAD_REQUEST, missing.to_owned())
        );
    }
    assert_eq!(
        put(Some("text/plain"), "[1]").await,
        (StatusCode::OK, "[1]".to_owned())
    );
    assert_eq!(
        put(Some("text/plain"), "{}").await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(put(None, "").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_model_for_the_type_a_body_passes() {
    let request = Request::post("/pets/7?dividend=1&divisor=2")
        .header("x-head", "h")
        .header("content-type", "text/plain")
        .extension(OriginalHeaderNames::new(["X-Head", "content-type"]));
    let found = answer(request.body(Body::from("no pet")).unwrap()).await;
    assert_eq!(found, (StatusCode::OK, "no pet".to_owned()));
}

#[test]
fn a_broken_model_is_found_where_it_stands_and_once() {
    let document = DOCUMENT.replace("kind: {type: string}", "kind: {type: text}");
    let error = Api::from_slice(document.as_bytes()).unwrap_err();
    let errors: Vec<_> = error
        .findings()
        .iter()
        .filter(|finding| finding.is_error())
        .collect();
    let [finding] = errors.as_slice() else {
        panic!("{error}")
    };
    assert_eq!(finding.code, "request-model");
    assert_eq!(
        finding.pointer,
        "/components/schemas/Pet/properties/kind/type"
    );
    assert_eq!(finding.position.unwrap().to_string(), "17:22");

    // Nothing asks for it where bodies are not validated.
    let document = document.replace("validateRequestBody: true", "validateRequestBody: false");
    let import = Import::from_slice(document.as_bytes()).unwrap();
    let api = Api::new(&import, Stage::default(), OnError::Refuse).unwrap();
    assert!(
        api.routes()
            .iter()
            .all(|route| !route.plan().collects_request_body())
    );
}
