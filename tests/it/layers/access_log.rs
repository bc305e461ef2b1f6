//! What an access log says of requests that are answered, fail, stream or are given up.

use std::io;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::integration::{Integration, IntegrationResponse};
use tower_apigw::layer::{AccessLogLayer, IntegrationLayer};
use tower_apigw::mapping::ClientAddress;

use crate::support::{data, frames, plan, text};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn layer(&self, format: &str) -> AccessLogLayer {
        let lines = Arc::clone(&self.0);
        AccessLogLayer::new(format.parse().unwrap(), move |line| {
            lines.lock().unwrap().push(line);
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn request(method: &str, uri: &str) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("x-amzn-requestid", "id");
    request.body(Body::empty()).unwrap()
}

async fn pets(_: Request<Body>) -> io::Result<Response<Body>> {
    let response = Response::builder()
        .status(404)
        .header("x-amzn-requestid", "theirs");
    response.body(Body::from("none")).map_err(io::Error::other)
}

#[tokio::test]
async fn an_answer_is_told_with_what_the_backend_said() {
    let lines = Lines::default();
    let integration = Integration::http("GET", "http://backend/")
        .response(IntegrationResponse::new(410).selection_pattern("4.."))
        .response(IntegrationResponse::new(200));
    let service = lines
        .layer(
            "$context.requestId [$context.identity.sourceIp] \
             \"$context.httpMethod $context.path $context.resourcePath\" \
             $context.status $context.responseLength $context.integrationStatus \
             $context.integration.status $context.awsEndpointRequestId $context.error.message \
             $context.integration.responseTransferMode \
             \"$context.identity.userAgent\" $context.authorizer.sub",
        )
        .layer(IntegrationLayer::new(plan(&integration, "/pets/{id}")).layer(service_fn(pets)));
    let mut request = request("GET", "/pets/7?secret=1");
    let agent = "a\"b\\".parse().unwrap();
    request.headers_mut().insert("user-agent", agent);
    request
        .extensions_mut()
        .insert(ClientAddress([192, 0, 2, 7].into()));
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(text(response.into_body()).await, "none");
    assert_eq!(
        lines.take(),
        [
            "id [192.0.2.7] \"GET /test/pets/7 /pets/{id}\" 410 4 404 404 theirs - BUFFERED \"a\\\"b\\\\\" -"
        ]
    );
}

#[tokio::test]
async fn a_failure_is_told_with_its_gateway_response() {
    let lines = Lines::default();
    let format = r#"{"id":"$context.requestId","status":$context.status,"type":"$context.error.responseType","message":$context.error.messageString,"integration":"$context.integrationErrorMessage","answered":"$context.integrationStatus"}"#;
    let broken = service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(io::Error::other("reset\r\nby \"peer\""))
    });
    let service = lines.layer(format).layer(
        IntegrationLayer::new(plan(&Integration::http_proxy("http://backend/"), "/")).layer(broken),
    );
    let response = service.oneshot(request("GET", "/")).await.unwrap();
    assert_eq!(response.status(), 504);
    drop(response);
    let [line] = lines.take().try_into().unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["status"], 504);
    assert_eq!(line["type"], "INTEGRATION_FAILURE");
    assert_eq!(line["message"], "Network error communicating with endpoint");
    assert_eq!(line["answered"], "-");
    assert_eq!(line["integration"], "reset\r\nby \"peer\"");
}

#[tokio::test]
async fn a_proxy_tells_both_statuses() {
    let lines = Lines::default();
    let function = service_fn(|_: Request<Body>| async {
        let body = Body::from(r#"{"statusCode": 418, "body": "é"}"#);
        Ok::<_, io::Error>(Response::new(body))
    });
    let arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:f/invocations";
    let service = lines
        .layer("$context.requestId $context.status $context.integrationStatus $context.integration.status $context.responseLength")
        .layer(IntegrationLayer::new(plan(&Integration::lambda_proxy(arn), "/")).layer(function));
    let response = service.oneshot(request("GET", "/")).await.unwrap();
    drop(response);
    assert_eq!(lines.take(), ["id 418 200 418 2"]);
}

#[tokio::test]
async fn a_stream_is_told_when_it_ends_or_is_given_up() {
    for whole in [true, false] {
        let lines = Lines::default();
        let (sender, body) = frames(2);
        let body = Mutex::new(Some(Body::new(body)));
        let backend = service_fn(|_: Request<Body>| {
            let body = body.lock().unwrap().take().unwrap();
            async { Ok::<_, io::Error>(Response::new(body)) }
        });
        let mut service = lines
            .layer(
                "$context.requestId $context.status $context.responseLength $context.error.message",
            )
            .layer(backend);
        sender.send(data("first")).await.unwrap();
        let answer = service.ready().await.unwrap();
        let answer = tower::Service::call(answer, request("GET", "/"));
        let mut response = answer.await.unwrap();
        let first = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "first");
        assert_eq!(lines.take(), [""; 0]);
        if whole {
            sender.send(data("second")).await.unwrap();
            drop(sender);
            assert_eq!(text(response.into_body()).await, "second");
            assert_eq!(lines.take(), ["id 200 11 -"]);
        } else {
            drop(response);
            assert_eq!(lines.take(), ["id 200 5 the client went away"]);
        }
    }
}

#[tokio::test]
async fn who_goes_away_is_told_without_a_status() {
    let lines = Lines::default();
    let never =
        service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, io::Error>>());
    let service = lines
        .layer("$context.requestId $context.status \"$context.error.message\"")
        .layer(
            IntegrationLayer::new(plan(&Integration::http_proxy("http://backend/"), "/"))
                .layer(never),
        );
    let answer = tokio::spawn(service.oneshot(request("GET", "/")));
    tokio::task::yield_now().await;
    answer.abort();
    assert!(answer.await.unwrap_err().is_cancelled());
    assert_eq!(lines.take(), ["id - \"the client went away\""]);
}

#[tokio::test]
async fn nobody_else_begins_a_field() {
    let lines = Lines::default();
    let ask = async |format: &str| {
        let service = lines.layer(format).layer(service_fn(pets));
        let request = Request::get("/")
            .header("x-amzn-requestid", "a 500 \"b")
            .header("user-agent", "c 1,\"d\":2")
            .body(Body::empty());
        drop(service.oneshot(request.unwrap()).await.unwrap());
        lines.take().pop().unwrap()
    };
    let line = ask("$context.requestId $context.status \"$context.identity.userAgent\"").await;
    assert_eq!(line, r#"a\x20500\x20\"b 404 "c 1,\"d\":2""#);
    let format = r#"{"id":"$context.requestId","status":$context.status,"agent":$context.identity.userAgent,"latency":$context.integration.latency}"#;
    let line: serde_json::Value = serde_json::from_str(&ask(format).await).unwrap();
    assert_eq!(
        line,
        serde_json::json!({"id": "a 500 \"b", "status": 404, "agent": "c 1,\"d\":2", "latency": "-"})
    );
}

#[cfg(feature = "openapi")]
#[tokio::test]
async fn a_method_that_the_client_overrides_stays_overridden() {
    const DOCUMENT: &[u8] = b"
openapi: 3.0.1
info: {title: any, version: '1'}
paths:
  /:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: {type: http_proxy, httpMethod: ANY, uri: 'http://backend/'}
";
    let lines = Lines::default();
    let api = tower_apigw::openapi::Api::from_slice(DOCUMENT).unwrap();
    let backend = service_fn(|request: Request<Body>| async move {
        let method = request.method().to_string();
        Ok::<_, io::Error>(Response::new(Body::from(method)))
    });
    let service = lines
        .layer("$context.requestId $context.httpMethod")
        .layer(api.into_service(backend));
    let mut request = request("POST", "/");
    let method = "PATCH".parse().unwrap();
    request
        .headers_mut()
        .insert("x-http-method-override", method);
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(text(response.into_body()).await, "PATCH");
    assert_eq!(lines.take(), ["id PATCH"]);
}

#[tokio::test]
async fn an_answer_to_head_has_no_length() {
    let lines = Lines::default();
    let service = lines
        .layer("$context.extendedRequestId.$context.status.$context.responseLength")
        .layer(service_fn(pets));
    service.oneshot(request("HEAD", "/")).await.unwrap();
    let [line] = lines.take().try_into().unwrap();
    let (id, rest) = line.split_once('.').unwrap();
    assert_eq!((id.len(), rest), (16, "404.0"), "{line}");
}
