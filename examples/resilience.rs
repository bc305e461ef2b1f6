//! cargo run --all-features --example resilience
//!
//! An integration in front of a backend that fails now and then and is slow under load, with layers
//! around it that keep one bad moment from becoming a bad day: load shedding and a limit on the
//! calls in flight (tower's), a retry that signs each attempt afresh, a deadline for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::error::BoxError;
use tower_apigw::integration::{Integration, IntegrationResponse, Method};
use tower_apigw::layer::*;
use tower_apigw::mapping::{Plan, Stage};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let integration = Integration::http("GET", "http://orders.internal/")
        // The deadline of all attempts.
        .timeout(Duration::from_millis(500))
        .response(IntegrationResponse::new(200).response_template("text/plain", "$input.body"));
    let plan = Arc::new(Plan::compile(
        &integration,
        &Method::new("GET", "/orders"),
        Stage::new("prod"),
    )?);
    let retry = RetryLayer::new(3)
        .statuses([StatusCode::SERVICE_UNAVAILABLE])
        .pauses(Duration::from_millis(5), Duration::from_millis(50));
    let calls = Arc::new(AtomicUsize::new(0));
    let backend = {
        let calls = Arc::clone(&calls);
        service_fn(move |request| answer(request, calls.fetch_add(1, Ordering::Relaxed)))
    };

    let service = ServiceBuilder::new()
        // What fails below becomes a gateway response.
        .layer(GatewayResponseLayer::new())
        // What comes while eight calls are in flight is refused, not queued.
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(8))
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(RequestMappingLayer::new(Arc::clone(&plan)))
        .layer(retry)
        .layer(SigV4Layer::without_credentials())
        // The deadline of each attempt: what is left.
        .layer(DispatchLayer::new())
        .service(backend);

    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let request = Request::get("/orders").body(Body::empty())?;
        requests.spawn(service.clone().oneshot(request));
    }
    let (mut served, mut failed) = (0, 0);
    while let Some(answer) = requests.join_next().await {
        let Ok(response) = answer?;
        match response.status() {
            StatusCode::OK => served += 1,
            _ => failed += 1,
        }
    }
    println!(
        "{served} served, {failed} refused, {} calls of the backend",
        calls.load(Ordering::Relaxed)
    );
    assert_eq!((served, failed), (8, 4));
    Ok(())
}

/// Every third call fails.
async fn answer(_: Request<Body>, call: usize) -> Result<Response<Body>, BoxError> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let status = match call % 3 {
        0 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    let mut response = Response::new(Body::from(format!("call {call}")));
    *response.status_mut() = status;
    Ok(response)
}
