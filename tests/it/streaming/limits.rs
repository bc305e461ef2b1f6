//! Limits on bodies: an error, in time, and never a part of a body as if it were the whole.

use super::*;
use crate::support::streamed;
use tower_apigw::error::BoxError;
use tower_apigw::mapping::Limits;

const SMALL: u64 = 16;
const SEVENTEEN: &str = "12345678901234567";

/// At most 16 bytes each way.
fn bounded() -> Stage {
    let mut limits = Limits::none();
    limits.request_body = Some(SMALL);
    limits.response_body = Some(SMALL);
    Stage::new("test").limits(limits)
}

/// At most 16 bytes of what is collected.
fn collecting() -> Stage {
    let mut limits = Limits::none();
    limits.collected = SMALL;
    Stage::new("test").limits(limits)
}

fn renders() -> Integration {
    Integration::http("POST", "http://inside/")
        .request_template("application/json", "$input.body")
        .response(
            IntegrationResponse::new(200).response_template("application/json", "<$input.body>"),
        )
}

/// Answers with the request's body, read to its end.
async fn echo(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(Body::from(body)))
}

async fn call(integration: &Integration, stage: Stage, body: Body) -> Response<Body> {
    let service =
        IntegrationLayer::new(plan_at(integration, "/{proxy+}", stage)).layer(service_fn(echo));
    let Ok(response) = soon(
        "the call",
        service.oneshot(Request::post("/a").body(body).unwrap()),
    )
    .await;
    response
}

fn kind(response: &Response<Body>) -> Option<ErrorKind> {
    response
        .extensions()
        .get::<Arc<Error>>()
        .map(|error| error.kind())
}

#[tokio::test]
async fn a_request_that_says_it_is_too_large_is_not_read() {
    let integrations: [fn(String) -> Integration; 2] = [proxy, |_| renders()];
    for integration in integrations {
        let between = Between::with(integration, bounded()).await;
        let mut client = between.client().await;
        // Nothing of the body is sent, so that nobody can have read it.
        client
            .send("POST /up HTTP/1.1\r\nHost: gateway\r\nContent-Length: 17\r\n\r\n")
            .await;
        let head = client.head().await;
        assert_eq!(head.status().unwrap(), 413);
        assert_eq!(
            joined(&head.headers, "x-amzn-errortype").as_deref(),
            Some("RequestTooLargeException")
        );
        let body = soon("the body", client.wire.answer_body(&head, "POST"))
            .await
            .unwrap();
        assert_eq!(body, br#"{"message":"Request Too Long"}"#);
        between.backend_was_not_called().await;
    }
}

#[tokio::test]
async fn requests_up_to_the_limit_pass() {
    for integration in [proxy("inside"), renders()] {
        for stage in [bounded(), collecting()] {
            for body in [
                Body::from("1234567890123456"),
                streamed(["12345678", "90123456"]),
            ] {
                assert_eq!(call(&integration, stage.clone(), body).await.status(), 200);
            }
        }
    }
}

#[tokio::test]
async fn requests_over_the_limit_fail() {
    for integration in [proxy("inside"), renders()] {
        for body in [Body::from(SEVENTEEN), streamed(["1234567890", "1234567"])] {
            let response = call(&integration, bounded(), body).await;
            assert_eq!(kind(&response), Some(ErrorKind::RequestTooLarge));
            assert_eq!(response.status(), 413);
        }
    }
}

#[tokio::test]
async fn what_is_collected_is_bounded_and_what_streams_is_not() {
    let bodies = || [Body::from(SEVENTEEN), streamed(["1234567890", "1234567"])];
    for body in bodies() {
        let response = call(&renders(), collecting(), body).await;
        assert_eq!(
            (kind(&response), response.status().as_u16()),
            (Some(ErrorKind::RequestTooLarge), 413)
        );
    }
    for body in bodies() {
        let response = call(&proxy("inside"), collecting(), body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(text(response.into_body()).await, SEVENTEEN);
    }
}

#[tokio::test]
async fn a_streamed_request_over_the_limit_is_never_whole_for_the_backend() {
    let between = Between::with(proxy, bounded()).await;
    let mut client = between.client().await;
    client
        .send(&format!(
            "POST /up HTTP/1.1\r\n{CHUNKED}a\r\n1234567890\r\n"
        ))
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    assert_eq!(backend.chunk().await, Ok("1234567890".to_owned()));
    client.send("7\r\n1234567\r\n0\r\n\r\n").await;
    let next = soon("the end of the connection", backend.wire.chunk()).await;
    assert!(
        next.is_err(),
        "the body went on or ended as if it were whole: {next:?}"
    );
    assert_eq!(client.head().await.status().unwrap(), 413);
}

/// A body that never ends, and how many frames of 10 bytes were taken from it.
fn endless() -> (Body, tokio::task::JoinHandle<usize>) {
    let (sender, body) = frames(1);
    let feeding = tokio::spawn(async move {
        let mut taken = 0;
        while sender.send(data("1234567890")).await.is_ok() {
            taken += 1;
        }
        taken
    });
    (Body::new(body), feeding)
}

#[tokio::test]
async fn a_body_without_an_end_is_not_collected_beyond_the_limit() {
    let (body, feeding) = endless();
    let response = call(&renders(), collecting(), body).await;
    assert_eq!(response.status(), 413);
    // Two frames are over the limit; one more may wait in the channel, and one behind it.
    let taken = soon("the end of the body", feeding).await.unwrap();
    assert!((2..=4).contains(&taken), "{taken} frames were taken");

    let (give, mut given) = mpsc::channel(1);
    let backend = service_fn(move |_: Request<Body>| {
        let (body, feeding) = endless();
        give.try_send(feeding).unwrap();
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let plan = plan_at(&renders(), "/{proxy+}", collecting());
    let service = IntegrationLayer::new(plan).layer(backend);
    let request = Request::post("/a").body(Body::empty()).unwrap();
    let Ok(response) = soon("the call", service.oneshot(request)).await;
    assert_eq!(response.status(), 500);
    let feeding = given.recv().await.unwrap();
    let taken = soon("the end of the body", feeding).await.unwrap();
    assert!((2..=4).contains(&taken), "{taken} frames were taken");
}

/// The answer of a backend that answers with `body`, to a request without one.
async fn answered(integration: &Integration, stage: Stage, body: fn() -> Body) -> Response<Body> {
    let backend = service_fn(move |_: Request<Body>| {
        std::future::ready(Ok::<_, io::Error>(Response::new(body())))
    });
    let service = IntegrationLayer::new(plan_at(integration, "/{proxy+}", stage)).layer(backend);
    let request = Request::post("/a").body(Body::empty()).unwrap();
    let Ok(response) = soon("the call", service.oneshot(request)).await;
    response
}

#[tokio::test]
async fn answers_over_the_limit_fail() {
    let whole: fn() -> Body = || Body::from(SEVENTEEN);
    let comes: fn() -> Body = || streamed(["1234567890", "1234567"]);
    for (integration, stage, body) in [
        (proxy("inside"), bounded(), whole),
        (renders(), bounded(), whole),
        (renders(), bounded(), comes),
        (renders(), collecting(), whole),
        (renders(), collecting(), comes),
    ] {
        let response = answered(&integration, stage, body).await;
        assert_eq!(kind(&response), Some(ErrorKind::ResponseTooLarge));
        assert_eq!(response.status(), 500);
        assert_eq!(
            text(response.into_body()).await,
            r#"{"message": "Internal server error"}"#
        );
    }
}

#[tokio::test]
async fn answers_up_to_the_limit_pass() {
    let whole: fn() -> Body = || Body::from("1234567890123456");
    let comes: fn() -> Body = || streamed(["12345678", "90123456"]);
    for body in [whole, comes] {
        let response = answered(&proxy("inside"), bounded(), body).await;
        assert_eq!(text(response.into_body()).await, "1234567890123456");
        let response = answered(&renders(), bounded(), body).await;
        assert_eq!(text(response.into_body()).await, "<1234567890123456>");
    }
}

#[tokio::test]
async fn a_streamed_answer_over_the_limit_ends_with_an_error() {
    let response = answered(&proxy("inside"), bounded(), || {
        streamed(["1234567890", "1234567", "more"])
    })
    .await;
    assert_eq!(
        response.status(),
        200,
        "the head went out before anybody could know"
    );
    let mut body = response.into_body();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "1234567890"
    );
    assert!(body.frame().await.unwrap().unwrap_err().is_too_large());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_streamed_answer_over_the_limit_is_never_whole_for_the_client() {
    let between = Between::with(proxy, bounded()).await;
    let mut client = between.client().await;
    client
        .send("GET /a HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = between.backend().await;
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n1234567890\r\n")
        .await;
    let head = client.head().await;
    assert_eq!(client.chunk().await, Ok("1234567890".to_owned()));
    backend.send("7\r\n1234567\r\n0\r\n\r\n").await;
    let rest = soon("the end", client.wire.answer_body(&head, "GET")).await;
    assert!(
        rest.is_err(),
        "the body ended as if it were whole: {rest:?}"
    );
}
