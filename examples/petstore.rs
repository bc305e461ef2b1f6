//! cargo run --example petstore [-- --once]
//!
//! Serves `petstore.yaml` in front of a small backend, shows what a few requests become on their
//! way there and back, and goes on serving (`--once` ends instead).

use axum::{Router, routing::get};
use http::{Request, StatusCode};
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
    let api = Api::new(&import, stage, OnError::Refuse)?.into_service(HttpClient::new());
    let gateway = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", gateway.local_addr()?);
    let service = Router::new().fallback_service(api);
    let serving = tokio::spawn(async move { axum::serve(gateway, service).await });

    for (method, path, body) in [
        ("GET", "/pets?type=dog&page=2", ""),
        (
            "POST",
            "/pets",
            r#"{"kind": "fish", "price": {"amount": 0.99}}"#,
        ),
        ("POST", "/pets", r#"{"kind": "unicorn"}"#),
        ("GET", "/pets/7?verbose=yes", ""),
        ("OPTIONS", "/pets/7", ""),
        ("GET", "/shops", ""),
    ] {
        println!("\n=== {method} {path} {body}");
        let request = Request::builder()
            .method(method)
            .uri(format!("{url}{path}"));
        let request = request.header("content-type", "application/json");
        let response = HttpClient::new().oneshot(request.body(Body::from(body))?);
        let (head, body) = response.await?.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        let location = head.headers.get("location");
        println!("  client got {} {location:?} {text}", head.status);
    }
    if !std::env::args().any(|argument| argument == "--once") {
        println!("\nserving on {url}, end with Ctrl-C");
        serving.await??;
    }
    Ok(())
}

/// The backend, which tells what it receives.
fn petstore() -> Router {
    let list = r#"[{"id": 1, "type": "dog", "price": 9.5}, {"id": 2, "type": "\"cat\""}]"#;
    let create = |body: String| async move {
        println!("  backend got body {}", body.trim());
        if body.contains("unicorn") {
            return (StatusCode::CONFLICT, r#"{"errors": [{"message": "none"}]}"#);
        }
        (StatusCode::OK, r#"{"pet": {"id": 7, "href": "/pets/7"}}"#)
    };
    let pets = get(move || async move { list }).post(create);
    let tell = |request: Request<axum::body::Body>, next: axum::middleware::Next| {
        println!("  backend got {} {}", request.method(), request.uri());
        next.run(request)
    };
    Router::new()
        .route("/petstore/pets", pets)
        .route("/petstore/pets/{id}", get(|| async { r#"{"id": 7}"# }))
        .layer(axum::middleware::from_fn(tell))
}
