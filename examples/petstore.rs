//! cargo run --example petstore [-- --once]
//!
//! Serves `petstore.yaml` in front of a small backend, shows what a few requests become on their
//! way there and back, and goes on serving (`--once` ends instead).

use axum::Router;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::{Api, Import, OnError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = TcpListener::bind("127.0.0.1:0").await?;
    let host = backend.local_addr()?.to_string();
    tokio::spawn(async move { axum::serve(backend, petstore()).await });

    let import = Import::from_slice(include_bytes!("petstore.yaml"))?;
    let stage = Stage::new("prod").variable("backend", host);
    let api = Api::new(&import, stage, OnError::Refuse)?;
    let gateway = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", gateway.local_addr()?);
    let service = Router::new().fallback_service(api.into_service(HttpClient::new()));
    let serving = tokio::spawn(async move { axum::serve(gateway, service).await });

    let new_pet = r#"{"kind": "fish", "price": {"amount": 0.99}}"#;
    for (method, path, body) in [
        ("GET", "/pets?type=dog&page=2", ""),
        ("POST", "/pets", new_pet),
        ("POST", "/pets", r#"{"kind": "unicorn"}"#),
        ("GET", "/pets/7?verbose=yes", ""),
        ("OPTIONS", "/pets/7", ""),
        ("GET", "/shops", ""),
    ] {
        println!("\n=== {method} {path} {body}");
        let request = Request::builder()
            .method(method)
            .uri(format!("{url}{path}"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))?;
        let (head, body) = HttpClient::new().oneshot(request).await?.into_parts();
        println!(
            "  client got {} {}",
            head.status,
            String::from_utf8_lossy(&body.collect().await?.to_bytes())
        );
        if let Some(location) = head.headers.get("location") {
            println!("             location: {location:?}");
        }
    }
    if !std::env::args().any(|argument| argument == "--once") {
        println!("\nserving on {url}, end with Ctrl-C; try: curl '{url}/pets?type=cat'");
        serving.await??;
    }
    Ok(())
}

/// The backend, which tells what it receives.
fn petstore() -> Router {
    let list = r#"[{"id": 1, "type": "dog", "price": 249.99}, {"id": 2, "type": "cat \"Tom\"", "price": 1.5}]"#;
    let create = |body: String| async move {
        println!("  backend got body {}", body.trim());
        if body.contains("unicorn") {
            return (
                http::StatusCode::UNPROCESSABLE_ENTITY,
                r#"{"errors": [{"message": "no such animal"}]}"#,
            );
        }
        (
            http::StatusCode::OK,
            r#"{"pet": {"id": 7, "href": "/pets/7"}, "message": "success"}"#,
        )
    };
    let tell = |request: http::Request<axum::body::Body>, next: axum::middleware::Next| {
        println!("  backend got {} {}", request.method(), request.uri());
        next.run(request)
    };
    Router::new()
        .route(
            "/petstore/pets",
            get(move || async move { list }).post(create),
        )
        .route(
            "/petstore/pets/{id}",
            get(|| async { r#"{"id": 7, "type": "fish"}"# }),
        )
        .layer(axum::middleware::from_fn(tell))
}
