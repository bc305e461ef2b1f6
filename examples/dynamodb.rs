//! cargo run --example dynamodb [-- --once] [ENDPOINT]
//!
//! An API in front of DynamoDB without a line of code: `dynamodb.yaml`. ENDPOINT, or
//! `AWS_ENDPOINT_URL_DYNAMODB`, is where moto (`moto_server`), DynamoDB local or LocalStack listens.

use axum::Router;
use http::Request;
use http_body_util::BodyExt;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use tower_apigw::Body;
use tower_apigw::aws::Endpoints;
use tower_apigw::backend::HttpClient;
use tower_apigw::credentials::Credentials;
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::{Api, Import, OnError};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments
        .find(|argument| !argument.starts_with("--"))
        .or_else(|| std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok())
        .unwrap_or_else(|| "http://127.0.0.1:5000".into());
    let host = endpoint.trim_start_matches("http://").trim_end_matches('/');
    if TcpStream::connect(host).await.is_err() {
        println!("nothing listens on {endpoint}; start moto_server, or name an endpoint");
        return Ok(());
    }
    let import = Import::from_slice(include_bytes!("dynamodb.yaml"))?;
    let stage = Stage::new("dev").endpoints(Endpoints::new().service("dynamodb", &endpoint)?);
    let api = Api::new(&import, stage, OnError::Refuse)?
        .credentials(Credentials::new("test", "test"))
        .into_service(HttpClient::new());

    for (method, path) in [
        ("PUT", "/tables/pets"),
        ("PUT", "/tables/pets"),
        ("GET", "/tables"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let response = api.clone().oneshot(request.body(Body::empty())?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        println!(
            "{method} {path} -> {status} {}",
            String::from_utf8_lossy(&body)
        );
    }
    if !std::env::args().any(|argument| argument == "--once") {
        let listener = TcpListener::bind("127.0.0.1:8080").await?;
        println!(
            "\nserving on http://{}, end with Ctrl-C",
            listener.local_addr()?
        );
        axum::serve(listener, Router::new().fallback_service(api)).await?;
    }
    Ok(())
}
