//! Secrets in traces: wherever a client, a mapping, a template or a backend puts them.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::integration::{Integration, IntegrationResponse, Method};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};
use tower_apigw::trace::Trace;

const SECRETS: [&str; 8] = [
    "Bearer-0123456789",
    "sid-cookie-1",
    "theme-cookie-2",
    "QUERY token/7",
    "key-of-the-client",
    "password-of-basic",
    "short",
    "vault-0123",
];

/// The backend tells everything that it was sent, the secrets cut in two.
async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut text = format!("{} {:?} ", parts.uri, parts.headers);
    text.push_str(&String::from_utf8_lossy(&body));
    let text = Bytes::from(text);
    let half = text.len() / 2;
    let frames =
        [text.slice(..half), text.slice(half..)].map(|data| Ok::<_, Infallible>(Frame::data(data)));
    let stream = StreamBody::new(tokio_stream::iter(frames));
    let mut response = Response::new(Body::new(stream));
    let cookie = "session=set-by-the-backend; Path=/".parse().unwrap();
    response.headers_mut().insert("set-cookie", cookie);
    Ok(response)
}

fn request(trace: &Trace) -> Request<Body> {
    let uri = "/p/theme-cookie-2?access_token=QUERY%20token%2F7&plain=shown&sig=short";
    Request::post(uri)
        .header("authorization", "Bearer Bearer-0123456789")
        .header(
            "proxy-authorization",
            "Basic dXNlcjpwYXNzd29yZC1vZi1iYXNpYw==",
        )
        .header("cookie", "sid=sid-cookie-1; theme=theme-cookie-2")
        .header("x-api-key", "key-of-the-client")
        .header("x-vault-token", "vault-0123")
        .header("x-plain", "shown")
        .header("content-type", "application/json")
        .extension(trace.clone())
        .body(Body::from("{}"))
        .unwrap()
}

async fn traced(integration: &Integration) -> (Trace, String) {
    let plan = Plan::compile(
        integration,
        &Method::new("POST", "/p/{id}"),
        Stage::new("prod"),
    );
    let service = IntegrationLayer::new(plan.unwrap()).layer(service_fn(echo));
    let trace = Trace::new();
    let response = service.oneshot(request(&trace)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (trace, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn no_form_of_a_trace_shows_a_secret() {
    let template = r#"{"a": "$input.params('authorization')", "c": "$input.params('cookie')",
        "b": "$util.base64Encode($input.params('x-api-key'))", "q": "$input.params('access_token')",
        "e": "$util.escapeJavaScript($input.params('access_token'))",
        "u": "$util.urlEncode($input.params('access_token'))", "v": "$input.params('x-vault-token')",
        "shown": "$input.params('plain')"}"#;
    let mapped = Integration::http("POST", "http://b.example/{id}")
        .request_parameter("integration.request.path.id", "method.request.path.id")
        .request_parameter(
            "integration.request.querystring.ck",
            "method.request.header.cookie",
        )
        .request_parameter(
            "integration.request.header.x-tok",
            "method.request.querystring.access_token",
        )
        .request_parameter(
            "integration.request.querystring.s",
            "method.request.querystring.sig",
        )
        .request_template("application/json", template)
        .response(IntegrationResponse::new(200));
    let passed = Integration::http_proxy("http://b.example/x");
    for integration in [mapped, passed] {
        let (trace, answer) = traced(&integration).await;
        // The client itself is told what it sent.
        assert!(answer.contains("vault-0123"), "{answer}");
        assert!(trace.log().contains("shown") && trace.to_json().contains("shown"));
        let steps: Vec<String> = trace.steps().iter().map(ToString::to_string).collect();
        for told in [trace.log(), trace.to_json(), steps.join("\n")] {
            for secret in SECRETS {
                // Too short to be looked for inside of other texts.
                if secret != "short" {
                    assert!(!told.contains(secret), "{secret}: {told}");
                }
            }
            for form in [
                "QUERY%20token%2F7",
                "token\\\\/7",
                "token\\/7",
                "QUERY+token%2F7",
                "a2V5LW9mLXRoZS1jbGllbnQ=",
                "dXNlcjpwYXNzd29yZC1vZi1iYXNpYw==",
                "sid%3Dsid-cookie-1",
                "set-by-the-backend",
            ] {
                assert!(!told.contains(form), "{form}: {told}");
            }
        }
    }
}
