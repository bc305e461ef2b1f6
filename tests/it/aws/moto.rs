//! One document in front of moto, which executes what it calls; skipped where moto is not installed.

use std::process::Stdio;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tower::ServiceExt;
use tower_apigw::Body;
use tower_apigw::aws::Endpoints;
use tower_apigw::backend::HttpClient;
use tower_apigw::credentials::Credentials;
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::{Api, Import, OnError};

/// moto on a free port; ends when it is dropped.
pub(crate) async fn moto() -> Option<(Child, u16)> {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut moto = Command::new("moto_server")
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    for _ in 0..300 {
        if moto.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Some((moto, port));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}

#[tokio::test]
async fn services_execute_what_a_document_asks_for() {
    let Some((_moto, port)) = moto().await else {
        println!("skipped: there is no moto_server");
        return;
    };
    let document = include_bytes!("../../lambda/services.yaml");
    let endpoints = Endpoints::new().all(format!("http://127.0.0.1:{port}"));
    let stage = Stage::new("dev")
        .variable("table", "items")
        .endpoints(endpoints.unwrap());
    let api = Api::new(
        &Import::from_slice(document).unwrap(),
        stage,
        OnError::Refuse,
    )
    .unwrap();
    let mut wrong = Vec::new();
    assert!(api.findings().is_empty(), "{:?}", api.findings());
    let api = api
        .credentials(Credentials::new("test", "test"))
        .into_service(HttpClient::new());
    for (method, path, body, status, part) in [
        ("PUT", "/tables/items", "", 200, "TableDescription"),
        ("POST", "/items", r#"{"id": "a b", "n": 7}"#, 200, "{}"),
        ("GET", "/items/a%20b", "", 200, "{\"n\": }"),
        ("POST", "/items", r#"{"id": "c", "n": 8}"#, 200, "{}"),
        ("GET", "/items/c", "", 200, "{\"n\": 8}"),
        (
            "POST",
            "/items",
            r#"{"id": "c", "n": "x"}"#,
            400,
            "ValidationException",
        ),
        ("PUT", "/queues/jobs", "", 200, "/jobs"),
        (
            "POST",
            "/queues/jobs",
            r#"{"job": "a&b"}"#,
            200,
            "MessageId",
        ),
        ("GET", "/queues/jobs", "", 200, r#"{\"job\": \"a&b\"}"#),
        (
            "PUT",
            "/topics/news",
            "",
            200,
            "arn:aws:sns:us-east-1:123456789012:news",
        ),
        (
            "POST",
            "/topics/x?arn=arn:aws:sns:us-east-1:123456789012:news",
            "hear, hear",
            200,
            "MessageId",
        ),
        ("PUT", "/streams/flow", "", 200, ""),
        ("POST", "/streams/flow", "drop", 200, "SequenceNumber"),
        ("PUT", "/machines/m", "", 200, "stateMachineArn"),
        ("POST", "/machines/m", r#"{"a": "b"}"#, 200, "executionArn"),
        ("POST", "/events", r#"{"order": 1}"#, 200, "EventId"),
        ("PUT", "/files/vault", "", 200, ""),
        ("PUT", "/files/vault/a/b.txt", "held", 200, ""),
        ("GET", "/files/vault/a/b.txt", "", 200, "held"),
        ("GET", "/files/vault/none", "", 404, "NoSuchKey"),
        (
            "PUT",
            "/parameters",
            r#"{"Name": "p", "Value": "v", "Type": "String"}"#,
            200,
            "Version",
        ),
    ] {
        let request = Request::builder().method(method).uri(path);
        let response = api
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
        if head.status.as_u16() != status || !text.contains(part) {
            wrong.push(format!("{method} {path}: {} {text}", head.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
