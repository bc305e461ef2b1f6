//! What is counted around a stack: calls of the backend, and time until the last byte.

use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::integration::Integration;
use tower_apigw::layer::{IntegrationLayer, MetricsLayer};
use tower_apigw::metrics::Metrics;

use crate::support::{data, frames, plan, text};

fn count(metrics: &Metrics, name: &str, labels: &str) -> u64 {
    let http = r#"http_request_method="GET",http_route="/pets""#;
    let sample = format!("{name}{{{http}{labels}}} ");
    let printed = metrics.to_string();
    let value = printed.lines().find_map(|line| line.strip_prefix(&sample));
    value.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn a_stream_counts_when_it_ends() {
    let metrics = Metrics::new();
    let (sender, body) = frames(1);
    let body = std::sync::Mutex::new(Some(Body::new(body)));
    let body = std::sync::Arc::new(body);
    let backend = service_fn(move |_: Request<Body>| {
        let body = body.lock().unwrap().take().unwrap();
        async { Ok::<_, std::io::Error>(Response::new(body)) }
    });
    let plan = plan(&Integration::http_proxy("http://backend/"), "/pets");
    let service = MetricsLayer::new(metrics.route("GET", "/pets"))
        .layer(IntegrationLayer::new(plan).layer(backend));
    sender.send(data("first")).await.unwrap();
    let request = Request::get("/pets").body(Body::empty()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let ended = "http_server_request_duration_seconds_count";
    let called = "http_client_request_duration_seconds_count";
    let ok = r#",http_response_status_code="200""#;
    assert_eq!(count(&metrics, "http_server_active_requests", ""), 1);
    assert_eq!(count(&metrics, ended, ok), 0);
    assert_eq!(count(&metrics, called, ok), 1);
    drop(sender);
    assert_eq!(text(response.into_body()).await, "first");
    assert_eq!(count(&metrics, "http_server_active_requests", ""), 0);
    assert_eq!(count(&metrics, ended, ok), 1);
}

#[tokio::test]
async fn what_has_no_answer_has_a_type() {
    let metrics = Metrics::new();
    let backend = service_fn(|request: Request<Body>| async move {
        if request.uri().query().is_some() {
            std::future::pending::<()>().await;
        }
        Err::<Response<Body>, _>(std::io::Error::other("reset"))
    });
    let plan = plan(&Integration::http_proxy("http://backend/"), "/pets");
    let service = MetricsLayer::new(metrics.route("GET", "/pets"))
        .layer(IntegrationLayer::new(plan).layer(backend));
    let request = |uri: &str| Request::get(uri).body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request("/pets")).await.unwrap();
    let status = format!(
        r#",http_response_status_code="{}""#,
        response.status().as_u16()
    );
    assert!(response.status().is_server_error());
    // The client goes away.
    let gone = tokio::time::timeout(
        std::time::Duration::from_millis(20),
        service.oneshot(request("/pets?slow")),
    );
    assert!(gone.await.is_err());
    let ended = "http_server_request_duration_seconds_count";
    let called = "http_client_request_duration_seconds_count";
    assert_eq!(count(&metrics, ended, &status), 1);
    assert_eq!(count(&metrics, called, r#",error_type="network""#), 1);
    assert_eq!(count(&metrics, ended, r#",error_type="cancelled""#), 1);
    assert_eq!(count(&metrics, called, r#",error_type="cancelled""#), 1);
    assert_eq!(count(&metrics, "http_server_active_requests", ""), 0);
}
