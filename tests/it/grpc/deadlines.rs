//! Deadlines of calls of gRPC: on the head of the answer, and on the whole call.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tonic::{Code, Request};
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::integration::{ContentHandling, Integration, IntegrationResponse};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};
use tower_apigw::{Body, error};

use super::echo::{Echo, Plain, path};
use super::{client, pass_through, through_sockets};
use crate::support::{FrameSender, data, frames, plan, plan_at, proxy, soon};

#[tokio::test]
async fn the_smaller_deadline_ends_a_call() {
    let short = |backend| pass_through(backend).timeout(Duration::from_millis(150));
    let (channel, _) = through_sockets(short).await;
    let mut grpc = client(channel);
    grpc.ready().await.unwrap();
    let call = grpc.unary(Request::new(b"?".to_vec()), path("Unary"), Plain);
    let status = soon("the deadline of the plan", call).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.message(), "Endpoint request timed out");

    // tonic's own client and server end a call by themselves when they read the header.
    for (plan_waits, client_waits, ends) in [
        (Duration::from_secs(20), "100m", true),
        (Duration::from_millis(100), "60S", true),
        (Duration::from_millis(100), "nonsense", true),
        (Duration::from_secs(20), "60S", false),
    ] {
        let integration = proxy("inside").timeout(plan_waits);
        let layer = IntegrationLayer::new(plan(&integration, "/{proxy+}"));
        let request = http::Request::post("/test.Echo/Unary")
            .version(http::Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("grpc-timeout", client_waits)
            .body(tower_apigw::Body::from(b"\0\0\0\0\x01?".to_vec()))
            .unwrap();
        let call = layer.layer(Echo::default()).oneshot(request);
        match tokio::time::timeout(Duration::from_secs(1), call).await {
            Ok(Ok(response)) => {
                assert!(ends, "{client_waits}");
                assert_eq!(response.headers()["grpc-status"], "4", "{client_waits}");
            }
            Err(_) => assert!(!ends, "{client_waits}"),
        }
    }
}

/// A call that a client waits 100 ms for.
fn hurried(body: Body) -> http::Request<Body> {
    http::Request::post("/test.Echo/Any")
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "100m")
        .body(body)
        .unwrap()
}

/// What comes of an answer that begins and does not end: its data, and its trailers or its error.
async fn begun(
    media_type: &'static str,
    answer: impl Fn() -> Body + Clone + Send + 'static,
) -> (Bytes, Result<http::HeaderMap, error::BoxError>) {
    let plan = plan(&slow(proxy("inside")), "/{proxy+}");
    begun_by(plan, media_type, answer).await
}

/// Waits for longer than the client does.
fn slow(integration: Integration) -> Integration {
    integration.timeout(Duration::from_secs(20))
}

async fn begun_by(
    plan: Plan,
    media_type: &'static str,
    answer: impl Fn() -> Body + Clone + Send + 'static,
) -> (Bytes, Result<http::HeaderMap, error::BoxError>) {
    let backend = service_fn(move |_: http::Request<Body>| {
        let response = http::Response::builder()
            .header("content-type", media_type)
            .body(answer());
        async move { Ok::<_, Infallible>(response.unwrap()) }
    });
    let call = IntegrationLayer::new(plan).layer(backend);
    let response = soon("the head", call.oneshot(hurried(Body::empty())));
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("grpc-status"));
    let (mut bytes, mut body) = (Vec::new(), response.into_body());
    loop {
        match soon("a frame", body.frame()).await {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => bytes.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap();
                    assert!(soon("the end", body.frame()).await.is_none());
                    return (bytes.into(), Ok(trailers));
                }
            },
            Some(Err(error)) => return (bytes.into(), Err(error.into())),
            None => return (bytes.into(), Ok(http::HeaderMap::new())),
        }
    }
}

/// An answer that says one thing and then nothing more, and who would say it.
fn silent() -> (FrameSender, impl Fn() -> Body + Clone) {
    let (sender, body) = frames(4);
    sender.try_send(data("first")).unwrap();
    let body = Arc::new(Mutex::new(Some(Body::new(body))));
    (sender, move || body.lock().unwrap().take().unwrap())
}

#[tokio::test]
async fn messages_that_are_late_are_cut_off_with_trailers() {
    let chosen = IntegrationResponse::new(200).content_handling(ContentHandling::ConvertToBinary);
    let chosen = Integration::http("POST", "http://inside/")
        .content_handling(ContentHandling::ConvertToBinary)
        .response(chosen);
    let stage = Stage::new("test").binary_media_types(["application/grpc"]);
    for plan in [
        plan(&slow(proxy("inside")), "/{proxy+}"),
        plan_at(&slow(chosen), "/{proxy+}", stage),
    ] {
        let (sender, answer) = silent();
        let (seen, end) = begun_by(plan, "application/grpc", answer).await;
        assert_eq!(seen, "first");
        let trailers = end.unwrap();
        assert_eq!(trailers["grpc-status"], "4");
        assert_eq!(trailers["grpc-message"], "deadline exceeded");
        // Nobody waits for the backend any more.
        assert!(sender.is_closed());
    }
}

#[tokio::test]
async fn messages_that_are_mapped_fail_instead() {
    let mapped = IntegrationResponse::new(200).response_template("text/plain", "<$input.body>");
    let mapped = Integration::http("POST", "http://inside/").response(mapped);
    let (sender, answer) = silent();
    let backend = service_fn(move |_: http::Request<Body>| {
        let response = http::Response::builder().header("content-type", "application/grpc");
        let response = response.body(answer());
        async move { Ok::<_, Infallible>(response.unwrap()) }
    });
    let call = IntegrationLayer::new(plan(&slow(mapped), "/{proxy+}")).layer(backend);
    let response = soon("an answer", call.oneshot(hurried(Body::from("?")))).await;
    assert_eq!(response.unwrap().headers()["grpc-status"], "4");
    assert!(sender.is_closed());
}

/// A body that always has something more.
fn endless() -> Body {
    let chunks = std::iter::repeat_with(|| data("more"));
    Body::new(http_body_util::StreamBody::new(tokio_stream::iter(chunks)))
}

#[tokio::test]
async fn a_flood_of_messages_is_cut_off_too() {
    let (seen, end) = begun("application/grpc+proto", endless).await;
    assert!(seen.starts_with(b"moremore"));
    assert_eq!(end.unwrap()["grpc-status"], "4");
}

#[tokio::test]
async fn what_is_no_grpc_breaks_off() {
    let (seen, end) = begun("text/plain", endless).await;
    assert!(seen.starts_with(b"moremore"));
    let error = end.unwrap_err();
    let error: &error::Error = error::find(&*error).expect("an error of the gateway");
    assert_eq!(error.kind(), error::ErrorKind::Timeout);
}

#[tokio::test]
async fn an_answer_in_time_is_left_alone() {
    let (seen, end) = begun("application/grpc", || Body::from("all")).await;
    assert_eq!(seen, "all");
    assert!(end.unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_stalls_in_its_messages_is_late_itself() {
    let backend = service_fn(|request: http::Request<Body>| async move {
        let read = request.into_body().collect().await;
        Ok::<_, Infallible>(http::Response::new(Body::from(
            read.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes),
        )))
    });
    let plan = plan(
        &proxy("inside").timeout(Duration::from_secs(20)),
        "/{proxy+}",
    );
    let (sender, body) = frames(4);
    sender.try_send(data("first")).unwrap();
    let call = IntegrationLayer::new(plan).layer(backend);
    let response = soon("an answer", call.oneshot(hurried(Body::new(body)))).await;
    let response = response.unwrap();
    assert_eq!(response.headers()["grpc-status"], "4");
    assert!(sender.is_closed());
}
