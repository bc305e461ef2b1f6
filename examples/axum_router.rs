//! cargo run --example axum_router [-- --once]
//!
//! An integration on one route of an axum application, beside routes of its own.

use axum::Router;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::integration::{Integration, IntegrationResponse, Method, Template};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);

    let integration = Integration::http("GET", format!("{url}/internal/greeting"))
        .request_parameter(
            "integration.request.querystring.who",
            "method.request.path.name",
        )
        .response(IntegrationResponse::new(200).response_template(
            "application/json",
            Template::tera(
                r#"{"said": "{{ input_path(path='$.text') }}", "at": "{{ context.stage }}"}"#,
            ),
        ))
        .response(IntegrationResponse::new(502).selection_pattern("5\\d{2}"));
    let plan = Plan::compile(
        &integration,
        &Method::new("GET", "/greet/{name}"),
        Stage::new("dev"),
    )?;
    let greet = IntegrationLayer::new(plan).layer(HttpClient::new());

    let greeting = |uri: http::Uri| async move {
        format!(r#"{{"text": "hello \"{}\""}}"#, uri.query().unwrap_or(""))
    };
    let app = Router::new()
        .route("/health", get(|| async { "fine" }))
        .route("/internal/greeting", get(greeting))
        .route_service("/greet/{name}", greet);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let request = Request::get(format!("{url}/greet/you")).body(Body::empty())?;
    let response = HttpClient::new().oneshot(request).await?;
    println!(
        "{} {:?}",
        response.status(),
        response.into_body().collect().await?.to_bytes()
    );
    if !std::env::args().any(|argument| argument == "--once") {
        println!("serving on {url}, end with Ctrl-C; try: curl {url}/greet/you");
        serving.await??;
    }
    Ok(())
}
