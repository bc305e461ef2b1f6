//! cargo run --example sign_only
//!
//! `SigV4Layer` alone around a client of hyper, without any integration: requests go out signed,
//! to a service on loopback that verifies them with the same key.

use std::convert::Infallible;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::credentials::Credentials;
use tower_apigw::layer::SigV4Layer;
use tower_apigw::server::Server;
use tower_apigw::signing::{Identity, Payload, Settings, SigningKey, Timestamp, sign};

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = Server::new().serve(listener, service_fn(verify), std::future::pending());
    tokio::spawn(service);

    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let signed = SigV4Layer::new(Credentials::new(ID, SECRET))
        .scope("dynamodb", "eu-west-1")
        .layer(client.clone());
    let request = || {
        Request::post(format!("http://{address}/?q=a+b"))
            .header("x-amz-target", "DynamoDB_20120810.ListTables")
            .body(Body::from("{}"))
    };
    let response = signed.oneshot(request()?).await?;
    println!("signed: {} {}", response.status(), text(response).await?);
    let response = client.oneshot(request()?).await?.map(Body::new);
    println!("unsigned: {} {}", response.status(), text(response).await?);
    Ok(())
}

async fn text(response: Response<Body>) -> Result<String, Box<dyn std::error::Error>> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec())?)
}

/// Signs what came once more, at the time that it tells, and compares: what a service of AWS does.
async fn verify(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let (status, text) = match is_genuine(&mut head, &body.unwrap_or_default()) {
        Some(true) => (StatusCode::OK, r#"{"TableNames": []}"#),
        Some(false) => (StatusCode::FORBIDDEN, r#"{"message": "another signature"}"#),
        None => (StatusCode::FORBIDDEN, r#"{"message": "no signature"}"#),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    Ok(response)
}

fn is_genuine(head: &mut Parts, body: &[u8]) -> Option<bool> {
    let told = head.headers.get("authorization")?.clone();
    let time: Timestamp = head
        .headers
        .get("x-amz-date")?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    let identity = Identity {
        access_key_id: ID,
        secret_access_key: SECRET,
        session_token: None,
    };
    let key = SigningKey::derive(&identity, time, "eu-west-1", "dynamodb").ok()?;
    let settings = Settings::of_service("dynamodb");
    sign(head, &key, time, &Payload::of(body), &settings).ok()?;
    Some(head.headers.get("authorization")? == told)
}
