//! `apigw invoke`, run as a user runs it.

use std::io::Write;

use serde_json::Value;

use crate::cli::{Document, apigw, outcome, run};

const API: &str = r#"
openapi: 3.0.1
info: {title: pets, version: '1'}
paths:
  /pets/{id}:
    post:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200': {description: ok}
        '404': {description: none, headers: {X-Why: {schema: {type: string}}, X-Cookie: {schema: {type: string}}}}
      x-amazon-apigateway-integration:
        type: http
        httpMethod: POST
        uri: http://127.0.0.1:1/{id}
        requestParameters:
          integration.request.path.id: method.request.path.id
          integration.request.header.X-Auth: method.request.header.Authorization
        requestTemplates: {application/json: '{"name": $input.json("$.name")}'}
        responses:
          default: {statusCode: '200'}
          '40': {statusCode: '200'}
          '404':
            statusCode: '404'
            responseParameters:
              method.response.header.X-Why: integration.response.header.X-Reason
              method.response.header.X-Cookie: integration.response.header.Set-Cookie
            responseTemplates: {application/json: '{"why": $input.json("$.error")}'}
  /mock:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: '200', responseTemplates: {application/json: 'hi $input.params("n")'}}}
"#;

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nX-Reason: gone\r\nSet-Cookie: session=hunter3secret\r\n\r\n{\"error\": \"no such pet\"}";

/// The log without what differs from run to run.
fn texts(log: &str) -> Vec<&str> {
    log.lines()
        .map(|line| line.split_once(" : ").map_or(line, |(_, text)| text))
        .collect()
}

#[test]
fn the_log_of_a_mock_is_that_of_aws() {
    let api = Document::new("yaml", API);
    let (code, out, err) = run(&[
        "invoke",
        api.path(),
        "GET",
        "/mock?n=7&m=a%20b",
        "--header",
        "X-A=1",
    ]);
    assert_eq!((code, err.as_str()), (0, ""));
    let log = out.split("\nSteps\n").next().unwrap();
    let id = log
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("Execution log for request "))
        .unwrap();
    assert_eq!(
        texts(log),
        [
            format!("Execution log for request {id}").as_str(),
            &format!("Starting execution for request: {id}"),
            "HTTP Method: GET, Resource Path: /mock",
            "Method request path: {}",
            "Method request query string: {n=7, m=a b}",
            "Method request headers: {X-A=1}",
            "Method request body before transformations: ",
            "Method response body after transformations: hi 7",
            "Method response headers: {Content-Type=application/json}",
            "Successfully completed execution",
            "Method completed with status: 200",
        ]
    );
    assert!(out.ends_with("\n\nhi 7\n"), "{out}");
}

#[test]
fn a_mapping_is_tested_without_a_backend() {
    let api = Document::new("yaml", API);
    let answer = Document::new("http", NOT_FOUND);
    let mut child = apigw()
        .args(["invoke", api.path(), "POST", "/pets/7", "--format", "json"])
        .args(["--header", "Content-Type=application/json"])
        .args(["--header", "Authorization=Bearer hunter2secret"])
        .args(["--body", "-", "--mock-backend", answer.path()])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(br#"{"name": "Rex"}"#).unwrap();
    drop(stdin);
    let (code, out, err) = outcome(child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["status"], 404);
    assert_eq!(told["body"], r#"{"why": "no such pet"}"#);
    assert_eq!(told["headers"]["x-why"], "gone");
    assert_eq!(told["multiValueHeaders"]["x-why"][0], "gone");
    assert!(
        told["log"]
            .as_str()
            .unwrap()
            .contains(" : Endpoint request body after transformations: {\"name\": \"Rex\"}\n")
    );
    let step = |kind: &str| {
        let steps = told["trace"].as_array().unwrap();
        let found = steps.iter().find(|step| step["step"] == kind);
        found.unwrap_or_else(|| panic!("no step {kind}")).clone()
    };
    assert_eq!(step("integration-request")["uri"], "http://127.0.0.1:1/7");
    assert_eq!(step("route")["rule"], "path-with-variables");
    assert_eq!(step("rendered")["rule"], "template-rendered");
    // Times have their unit in their name.
    assert!(told["latencyMs"].is_u64() && told["latency"].is_null());
    assert!(step("request")["timeMs"].is_u64());
    assert!(step("answer")["latencyUs"].is_u64());
    assert!(step("method-response")["elapsedUs"].is_u64());
    assert_eq!(step("integration-request")["body"], r#"{"name": "Rex"}"#);
    let selection = step("selection");
    assert_eq!(selection["rule"], "pattern-matches");
    let why: Vec<&str> = selection["tried"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["why"].as_str().unwrap())
        .collect();
    assert_eq!(
        why,
        [
            r#"matches a part of "404"; a pattern has to match the whole"#,
            r#"matches the whole of "404""#,
            "not tried: one before it matches",
        ]
    );
    // It was mapped to a header of another name.
    assert!(
        out.contains("x-auth") && out.contains("x-cookie") && !out.contains("hunter"),
        "{out}"
    );
}

#[test]
fn failures_are_answers_and_told() {
    let api = Document::new("yaml", API);
    // Nothing listens there.
    let arguments = ["invoke", api.path(), "POST", "/pets/7", "--fail"];
    let (code, out, _) = run(&arguments);
    assert_eq!(code, 1);
    let lines = texts(&out);
    let sending = lines
        .iter()
        .position(|line| *line == "Sending request to http://127.0.0.1:1/7")
        .unwrap();
    assert_eq!(
        lines[sending + 1..sending + 3],
        [
            "Execution failed due to a network error communicating with endpoint",
            "Method completed with status: 504"
        ]
    );
    let (code, out, _) = run(&arguments[..4]);
    assert_eq!(code, 0);
    assert!(
        out.contains("answered by INTEGRATION_FAILURE: the API customises neither"),
        "{out}"
    );
}

#[test]
fn wrong_usage_is_told() {
    let api = Document::new("yaml", API);
    let bad = Document::new("json", r#"{"statusCode": 99}"#);
    for (arguments, code, told) in [
        (vec!["GET", "pets"], 2, "is no path"),
        (vec!["GET", "/a b"], 2, "%20"),
        (vec!["G ET", "/"], 2, "no HTTP method"),
        (vec!["GET", "/", "--header", "X"], 2, "--header NAME=VALUE"),
        (
            vec!["GET", "/", "--body", "/no/such/file"],
            1,
            "there is no file",
        ),
        (
            vec!["GET", "/", "--mock-backend", bad.path()],
            1,
            "99 is no status",
        ),
        (
            vec!["GET", "/", "--body", "-", "--mock-backend", "-"],
            2,
            "cannot both be standard input",
        ),
    ] {
        let all: Vec<&str> = ["invoke", api.path()]
            .into_iter()
            .chain(arguments)
            .collect();
        let (got, out, err) = run(&all);
        assert_eq!(got, code, "{all:?}: {err}");
        assert!(err.contains(told) && out.is_empty(), "{all:?}: {err}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_no_success() {
    let backend = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = backend.local_addr().unwrap();
    let api = Document::new(
        "yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: cut, version: '1'}}\npaths:\n  /:\n    get:\n      responses: {{}}\n      \
             x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'http://{uri}/'}}\n"
        ),
    );
    let answers = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = backend.accept().unwrap();
            let mut head = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut head).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
                .unwrap();
        }
    });
    let (code, out, _) = run(&["invoke", api.path(), "GET", "/", "--fail"]);
    assert_eq!(code, 1);
    let lines = texts(&out);
    assert!(
        !lines.contains(&"Successfully completed execution"),
        "{out}"
    );
    assert!(
        lines.contains(&"Execution failed due to a network error communicating with endpoint"),
        "{out}"
    );
    assert!(
        lines.contains(&"Method completed with status: 504")
            && !lines.contains(&"Method completed with status: 200"),
        "{out}"
    );
    assert!(out.contains("3 bytes and then it broke off"), "{out}");
    let (code, out, _) = run(&["invoke", api.path(), "GET", "/", "--format", "json"]);
    assert_eq!(code, 0);
    let json: Value = serde_json::from_str(&out).unwrap();
    let steps = json["trace"].as_array().unwrap();
    let body = &steps.last().unwrap()["body"];
    assert_eq!(body["text"], "abc");
    assert_eq!(body["broken"], true);
    answers.join().unwrap();
}

#[test]
fn the_log_is_cut_as_aws_cuts_it() {
    let api = Document::new("yaml", API);
    let body = format!("{{\"name\": \"{}\"}}", "ü".repeat(2000));
    let body = Document::new("json", body);
    let answer = Document::new("http", NOT_FOUND);
    let arguments = [
        "invoke",
        api.path(),
        "POST",
        "/pets/7",
        "--header",
        "Content-Type=application/json",
        "--body",
        body.path(),
        "--mock-backend",
        answer.path(),
        "--format",
        "json",
    ];
    let (code, out, err) = run(&arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    let lines = texts(told["log"].as_str().unwrap());
    let of = |label: &str| {
        let found = lines.iter().find(|line| line.starts_with(label));
        *found.unwrap_or_else(|| panic!("no {label} in {lines:#?}"))
    };
    // 1,024 bytes and the mark; the last letter, of two bytes, does not fit.
    for label in [
        "Method request body before transformations: ",
        "Endpoint request body after transformations: ",
    ] {
        let shown = of(label).strip_suffix("ü [TRUNCATED]").unwrap();
        assert!((1020..=1022).contains(&shown.len()), "{}", shown.len());
    }
    // A name as the mapping writes it, and no ids.
    assert!(
        of("Method response headers: ").contains("X-Why=gone"),
        "{lines:#?}"
    );
    assert!(!of("Method response headers: ").contains("x-amz"));
    let steps = told["trace"].as_array().unwrap();
    let sent = steps
        .iter()
        .find(|step| step["step"] == "integration-request");
    assert_eq!(sent.unwrap()["body"].as_str().unwrap().len(), 4012);
}
