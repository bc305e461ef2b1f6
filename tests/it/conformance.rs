//! The cases of `tests/conformance`, played against a gateway in process over real sockets.
//!
//! `tests/conformance/not-yet.txt` names the cases that cannot pass yet, each with the reason. A
//! case that is not listed must pass, and one that is listed must not.

mod backend;
mod case;
mod compare;
mod gateway;
mod traced;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tower_apigw::aws::Endpoints;
use tower_apigw::credentials::Credentials;
use tower_apigw::mapping::{Limits, Stage};
use tower_apigw::openapi::{Api, Import, OnError};

use crate::support::{Wire, joined};
use backend::Backend;
use case::{Case, body_of, header_lines};
use compare::{Answer, check_answer, check_backend};
use gateway::Gateway;

/// Cases that are played at the same time.
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(35);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// The cases that cannot pass yet, with the reasons.
fn not_yet() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("not-yet.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line
                .split_once(": ")
                .unwrap_or_else(|| panic!("{line}: no reason is given"));
            (name.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Plays the cases of a topic; fails for each that does not come out as listed.
fn play_topic(topic: &str) {
    let cases = Case::of_topic(&folder(), topic);
    assert!(!cases.is_empty(), "the topic {topic} has no cases");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let results = runtime.block_on(async {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = Vec::new();
        for case in cases {
            let permits = Arc::clone(&permits);
            tasks.push(tokio::spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                let problems = play(&case).await;
                (case.name, problems)
            }));
        }
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        results
    });

    let mut not_yet = not_yet();
    not_yet.retain(|name, _| name.starts_with(&format!("{topic}/")));
    let (mut passed, mut wrong) = (0, Vec::new());
    for (name, problems) in &results {
        passed += usize::from(problems.is_empty());
        match (problems.is_empty(), not_yet.remove(name)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(reason)) => {
                wrong.push(format!("{name} passes now, but is listed: {reason}"))
            }
            (false, None) => wrong.push(format!("{name}\n    {}", problems.join("\n    "))),
        }
    }
    wrong.extend(
        not_yet
            .into_keys()
            .map(|name| format!("{name} is listed, but there is no such case")),
    );
    println!("{topic}: {passed} of {} cases pass", results.len());
    assert!(
        wrong.is_empty(),
        "{topic}, {} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Plays one case; what is not as expected.
async fn play(case: &Case) -> Vec<String> {
    let backend = Backend::start().await;
    let case = case.against(backend.port);
    let api = match api_of(&case) {
        Ok(api) => api,
        Err(error) => return vec![format!("the document is refused: {error}")],
    };
    let gateway = Gateway::start(api, &Limits::aws()).await;
    let mut problems = Vec::new();
    for (index, step) in case.steps().iter().enumerate() {
        let found = play_step(step, &backend, gateway.port).await;
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("step {}: {problem}", index + 1)),
        );
    }
    problems
}

fn api_of(case: &case::Played) -> Result<Api, String> {
    let (name, variables) = case.stage();
    let mut stage = Stage::new(name)
        .limits(Limits::aws())
        .endpoints(Endpoints::new().all(case.backend()).unwrap());
    for (name, value) in variables {
        stage = stage.variable(name, value);
    }
    let import = Import::from_slice(&case.document()).map_err(|error| error.to_string())?;
    let api = Api::new(&import, stage, OnError::Refuse).map_err(|error| error.to_string())?;
    Ok(api.credentials(Credentials::new("AKIDCONFORMANCE00000", "not/a/secret")))
}

async fn play_step(step: &Value, backend: &Backend, port: u16) -> Vec<String> {
    let script = &step["backend"];
    backend.arm(Some(script.clone()).filter(|script| !script.is_null()));
    let answer = tokio::time::timeout(PATIENCE, send(port, &step["request"])).await;
    let (recorded, mut problems) = backend.take();
    if script.is_null() {
        if let Some(first) = recorded.first() {
            let (method, target) = (&first.method, &first.target);
            problems.push(format!(
                "the backend must not be called, saw {method} {target}"
            ));
        }
    } else if step["backend_optional"] != true {
        let wanted = step["backend_calls"].as_u64().unwrap_or(1);
        if recorded.len() as u64 != wanted {
            let calls = recorded.len();
            problems.push(format!(
                "the backend must be called {wanted} time(s), was called {calls}"
            ));
        }
    }
    if let Some(last) = recorded.last() {
        problems.extend(check_backend(&step["expect_backend"], last));
    }
    match answer {
        Ok(Ok(answer)) => problems.extend(check_answer(&step["expect"], &answer)),
        Ok(Err(error)) => problems.push(format!("no usable answer: {error}")),
        Err(_) => problems.push("no answer in time".to_owned()),
    }
    problems
}

/// Sends the headers as they are given, in order and spelling, and what HTTP/1.1 needs.
async fn send(port: u16, request: &Value) -> io::Result<Answer> {
    let method = request["method"].as_str().expect("a request has a method");
    let path = request["path"].as_str().expect("a request has a path");
    let headers = header_lines(request);
    let given = |name| joined(&headers, name).is_some();
    let body = body_of(request);
    let mut out = format!("{method} {path} HTTP/1.1\r\n");
    if !given("host") {
        out.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
    }
    for (name, value) in &headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    let framed = given("content-length") || given("transfer-encoding");
    if !framed && (body.is_some() || matches!(method, "POST" | "PUT" | "PATCH")) {
        out.push_str(&format!(
            "Content-Length: {}\r\n",
            body.as_ref().map_or(0, Vec::len)
        ));
    }
    if !given("connection") {
        out.push_str("Connection: close\r\n");
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend(body.unwrap_or_default());

    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(&out).await?;
    let (read, _write) = connection.split();
    let mut wire = Wire::new(read);
    loop {
        let head = wire.head().await?;
        let status = head.status()?;
        if status >= 200 || status == 101 {
            let body = wire.answer_body(&head, method).await?;
            return Ok(Answer {
                status,
                headers: head.headers,
                body,
            });
        }
    }
}

macro_rules! topics {
    ($($test:ident = $topic:literal,)+) => {
        $(#[test] fn $test() { play_topic($topic); })+

        #[test]
        fn every_folder_is_a_topic() {
            let mut folders: Vec<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|entry| entry.unwrap())
                .filter(|entry| entry.file_type().unwrap().is_dir())
                .map(|entry| entry.file_name().into_string().unwrap())
                .collect();
            folders.sort();
            assert_eq!(folders, [$($topic),+]);
            for name in not_yet().keys() {
                let topic = name.split('/').next().unwrap_or_default();
                assert!(folders.iter().any(|folder| folder == topic), "{name} is listed, but there is no such topic");
            }
        }
    };
}

topics! {
    aws_service = "aws-service",
    binary = "binary",
    context = "context",
    failure = "failure",
    gateway_response = "gateway-response",
    headers = "headers",
    http = "http",
    http_proxy = "http-proxy",
    lambda_custom = "lambda-custom",
    lambda_proxy = "lambda-proxy",
    mock = "mock",
    r#override = "override",
    param_mapping = "param-mapping",
    passthrough = "passthrough",
    response_mapping = "response-mapping",
    routing = "routing",
    selection = "selection",
    stage_variables = "stage-variables",
    templates = "templates",
    validation = "validation",
}
