//! cargo run --example lambda_in_process [-- --once]
//!
//! Serves a document whose integrations are Lambda functions, which run in this process: any
//! `tower::Service<LambdaEvent<T>>`, here two `service_fn`s. No network, no credentials.

use axum::Router;
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::backend::{Functions, LambdaEvent};
use tower_apigw::openapi::Api;

/// Types of `aws_lambda_events` do as well.
#[derive(Deserialize)]
struct Division {
    dividend: f64,
    divisor: f64,
}

#[derive(Serialize)]
struct Quotient {
    quotient: f64,
}

async fn hello(event: LambdaEvent<Value>) -> Result<Value, std::convert::Infallible> {
    let name = event
        .payload
        .pointer("/pathParameters/name")
        .and_then(serde_json::Value::as_str);
    let body = json!({"hello": name, "request": event.context.request_id});
    Ok(json!({"statusCode": 200, "headers": {"x-function": "hello"}, "body": body.to_string()}))
}

async fn divide(event: LambdaEvent<Division>) -> Result<Quotient, std::io::Error> {
    let Division { dividend, divisor } = event.payload;
    if divisor == 0.0 {
        return Err(std::io::Error::other("division by zero"));
    }
    let quotient = dividend / divisor;
    Ok(Quotient { quotient })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Functions::local()
        .function("hello", service_fn(hello))
        .function("divide", service_fn(divide));
    let api = Api::from_slice(include_bytes!("lambda_in_process.yaml"))?.into_service(functions);

    for path in ["/hello/you", "/divide?a=7&b=2", "/divide?a=7&b=0"] {
        let request = Request::get(path).body(Body::empty())?;
        let response = api.clone().oneshot(request).await?;
        let body = response.body().as_bytes().unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        println!("GET {path} -> {} {text}", response.status().as_u16());
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
