//! cargo run --example layers_by_hand
//!
//! The layers stacked one by one, with layers of others between them: a header of tower-http
//! around everything, and a timeout of tower's below the mapping.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use tower::timeout::TimeoutLayer;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::integration::{Integration, IntegrationResponse, Method};
use tower_apigw::layer::*;
use tower_apigw::mapping::{Plan, Stage};
use tower_http::set_header::SetResponseHeaderLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let integration = Integration::http("POST", "http://orders.internal/{id}")
        .request_parameter("integration.request.path.id", "method.request.path.orderId")
        .request_template("application/json", r#"{"quantity": $input.path('$.n')}"#)
        .response(IntegrationResponse::new(200))
        .response(IntegrationResponse::new(404).selection_pattern("4\\d{2}"));
    let method = Method::new("POST", "/orders/{orderId}");
    let plan = Arc::new(Plan::compile(&integration, &method, Stage::new("prod"))?);

    let server = HeaderValue::from_static("by-hand");
    let service = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(header::SERVER, server))
        .layer(GatewayResponseLayer::new())
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(RequestMappingLayer::new(Arc::clone(&plan)))
        .layer(TimeoutLayer::new(Duration::from_millis(200)))
        .layer(SigV4Layer::without_credentials())
        .layer(DispatchLayer::new())
        .service(service_fn(backend));

    for (path, body) in [
        ("/orders/7", r#"{"n": 3}"#),
        ("/orders/slow", "{}"),
        ("/orders/none", r#"{"n": 1}"#),
    ] {
        let request = Request::post(path).body(Body::from(body))?;
        let response = service.clone().oneshot(request).await?;
        let text = response.body().as_bytes().unwrap_or_default();
        let server = response.headers().get("server");
        println!("{path}: {} {server:?} {text:?}", response.status());
    }
    Ok(())
}

/// Answers what it received.
async fn backend(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    println!("backend got {} {}", request.method(), request.uri());
    match request.uri().path() {
        "/slow" => tokio::time::sleep(Duration::from_secs(5)).await,
        "/none" => {
            let mut response = Response::new(Body::from("nothing here"));
            *response.status_mut() = StatusCode::GONE;
            return Ok(response);
        }
        _ => {}
    }
    Ok(Response::new(request.into_body()))
}
