//! cargo run --example custom_backend
//!
//! A document whose backend is a service in this process: no socket, no network. This is also how
//! an API is tested in `cargo test`.

use http::{Request, Response, StatusCode};
use tower::{ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::{Api, Import, OnError};
use tower_apigw::target::Target;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let import = Import::from_slice(include_bytes!("petstore.yaml"))?;
    let api = Api::new(
        &import,
        Stage::new("test").variable("backend", "pets.test"),
        OnError::Refuse,
    )?;
    for route in api.routes() {
        println!(
            "{:8} {:15} {:?}",
            route.http_method(),
            route.resource(),
            route.uri().unwrap_or("(mock)")
        );
    }

    let service = api.into_service(service_fn(recorded));
    for path in ["/pets?type=dog", "/pets/7", "/pets/8"] {
        let response = service
            .clone()
            .oneshot(Request::get(path).body(Body::empty())?)
            .await?;
        let text = response.body().as_bytes().unwrap_or_default();
        println!(
            "GET {path}: {} {}",
            response.status(),
            String::from_utf8_lossy(&text)
        );
    }
    Ok(())
}

/// Any service of requests to responses is a backend. What a URI cannot say stands in the `Target`.
async fn recorded(request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
    let deadline = request
        .extensions()
        .get::<Target>()
        .and_then(|target| target.timeout);
    println!(
        "  backend: {} {} within {deadline:?}",
        request.method(),
        request.uri()
    );
    let (status, body) = match request.uri().path() {
        "/petstore/pets" => (
            StatusCode::OK,
            r#"[{"id": 1, "type": "dog", "price": 249.99}]"#,
        ),
        "/petstore/pets/7" => (StatusCode::OK, r#"{"id": 7}"#),
        // An error of the backend becomes the gateway response INTEGRATION_FAILURE.
        _ => return Err(std::io::Error::other("the pet ran away")),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    Ok(response)
}
