//! `apigw serve --access-log`.

use std::fs;
use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::{Document, Serving, run};
use crate::serve::admin::get;

const MOCK: &str = r#"
openapi: 3.0.1
info: {title: word, version: '1'}
paths:
  /pets:
    get:
      responses: {'200': {description: a word}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: '200', responseTemplates: {application/json: 'word'}}}
"#;

/// The lines of a file, once there are as many.
fn lines(path: &Path, count: usize) -> Vec<String> {
    let start = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{} has {text:?}",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_request_is_a_line_and_the_file_may_be_moved() {
    let document = Document::new("yaml", MOCK);
    let log = Path::new(document.path()).with_extension("log");
    let moved = log.with_extension("log.1");
    let path = log.to_str().unwrap();
    let format = "$context.requestId \"$context.httpMethod $context.resourcePath\" $context.status $context.responseLength $context.error.responseType";
    let server = Serving::of(
        &document,
        &["--access-log", path, "--access-log-format", format],
    );
    server.get("/pets", "x-amzn-requestid: one\r\n");
    server.get("/dogs", "x-amzn-requestid: two\r\n");
    assert_eq!(
        lines(&log, 2),
        [
            "one \"GET /pets\" 200 4 -",
            "two \"GET -\" 403 42 MISSING_AUTHENTICATION_TOKEN"
        ]
    );
    fs::rename(&log, &moved).unwrap();
    server.signal("HUP");
    let start = Instant::now();
    while !log.exists() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    server.get("/pets", "x-amzn-requestid: three\r\n");
    server.signal("TERM");
    let (code, _, logs) = server.end();
    assert_eq!(code, 0, "{logs}");
    // Written by the time that the program has ended.
    assert_eq!(
        fs::read_to_string(&log).unwrap(),
        "three \"GET /pets\" 200 4 -\n"
    );
    assert_eq!(fs::read_to_string(&moved).unwrap().lines().count(), 2);
    fs::remove_file(&log).unwrap();
    fs::remove_file(&moved).unwrap();
}

#[test]
fn the_forms_are_those_of_api_gateway() {
    for (format, begins, ends) in [
        ("clf", "127.0.0.1 - - [", " id "),
        (
            "json",
            "{ \"requestId\":\"id\", ",
            "\"responseLength\":\"4\" }",
        ),
        (
            "xml",
            "<request id=\"id\"> ",
            "<responseLength>4</responseLength> </request>",
        ),
        ("csv", "127.0.0.1,-,-,", ",id,"),
    ] {
        let document = Document::new("yaml", MOCK);
        let arguments = ["--access-log", "-", "--access-log-format", format];
        let server = Serving::of(&document, &arguments);
        server.get("/pets", "x-amzn-requestid: id\r\n");
        server.signal("TERM");
        let (code, output, logs) = server.end();
        assert_eq!(code, 0, "{logs}");
        let line = output.lines().find(|line| line.starts_with(begins));
        assert!(
            line.is_some_and(|line| line.contains(ends)),
            "{format}: {output}"
        );
    }
}

#[test]
fn what_is_turned_away_is_logged() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = backend.local_addr().unwrap();
    let slow = MOCK.replace(
        "type: mock",
        &format!("type: http_proxy\n        httpMethod: GET\n        uri: http://{uri}/"),
    );
    let document = Document::new("yaml", slow);
    let arguments = [
        "--access-log",
        "-",
        "--access-log-format",
        "$context.requestId $context.status $context.error.responseType",
        "--max-concurrency",
        "1",
    ];
    let server = Serving::of(&document, &arguments);
    let mut busy = TcpStream::connect(&server.address).unwrap();
    busy.write_all(b"GET /pets HTTP/1.1\r\nHost: h\r\nx-amzn-requestid: one\r\n\r\n")
        .unwrap();
    let called = backend.accept().unwrap();
    let answer = server.get("/pets", "x-amzn-requestid: two\r\n");
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    drop((busy, called));
    server.signal("TERM");
    let (_, output, _) = server.end();
    assert!(
        output.lines().any(|line| line == "two 429 THROTTLED"),
        "{output}"
    );
    assert!(
        output.lines().any(|line| line.starts_with("one ")),
        "{output}"
    );
}

#[test]
fn what_cannot_be_logged_is_refused() {
    let document = Document::new("yaml", MOCK);
    let serve = |log: &str, format: &str| {
        run(&[
            "serve",
            document.path(),
            "--listen",
            "127.0.0.1:0",
            "--access-log",
            log,
            "--access-log-format",
            format,
        ])
    };
    let (code, _, error) = serve("-", "$context.requestId $context.sttaus");
    assert_eq!(code, 2);
    assert!(
        error.contains(
            "column 20: access logs have no `$context.sttaus`; did you mean `$context.status`?"
        ),
        "{error}"
    );
    let (code, _, error) = serve("/no/such/folder/log", "clf");
    assert_eq!(code, 3);
    assert!(
        error.contains("cannot open the access log /no/such/folder/log: "),
        "{error}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_costs_lines_and_no_request() {
    use std::io::BufRead;

    let document = Document::new("yaml", MOCK);
    let arguments = ["--access-log", "/dev/full", "--admin", "127.0.0.1:0"];
    let mut server = Serving::of(&document, &arguments);
    let mut line = String::new();
    server.stdout.read_line(&mut line).unwrap();
    let admin = line.trim_end().strip_prefix("admin on http://").unwrap();
    for _ in 0..3 {
        let answer = server.get("/pets", "");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let start = Instant::now();
    loop {
        let metrics = super::admin::get(admin, "/metrics");
        if metrics.contains("\napigw_access_log_dropped_lines_total 3\n") {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{metrics}");
        std::thread::sleep(Duration::from_millis(10));
    }
    server.signal("TERM");
    let (code, _, logs) = server.end();
    assert_eq!(code, 0, "{logs}");
    assert_eq!(
        logs.matches("cannot write to the access log").count(),
        1,
        "{logs}"
    );
}

#[test]
fn what_the_server_refuses_by_itself_is_logged_and_counted() {
    let document = Document::new("yaml", MOCK);
    let format = "#$context.requestId $context.identity.sourceIp $context.httpMethod $context.path \
                  $context.protocol $context.status $context.responseLength $context.resourcePath";
    let arguments = ["--access-log", "-", "--access-log-format", format];
    let arguments = [&arguments[..], &["--admin", "127.0.0.1:0"]].concat();
    let mut server = Serving::of(&document, &arguments);
    let mut line = String::new();
    server.stdout.read_line(&mut line).unwrap();
    let admin = line.trim_end().strip_prefix("admin on http://").unwrap();
    let long = "x".repeat(20_000);
    for (request, status) in [
        ("no request at all\r\n\r\n".to_owned(), 400),
        ("GET /pets HTTP/1.1\r\n\r\n".to_owned(), 400),
        (
            format!("GET /pets HTTP/1.1\r\nHost: h\r\nX: {long}\r\n\r\n"),
            431,
        ),
        (
            "GET /pets HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned(),
            501,
        ),
    ] {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    let metrics = get(admin, "/metrics");
    for line in [
        "aws_apigateway_count_total{method=\"_OTHER\",resource=\"refused\"} 4",
        "aws_apigateway_4xx_errors_total{method=\"_OTHER\",resource=\"refused\"} 3",
        "aws_apigateway_5xx_errors_total{method=\"_OTHER\",resource=\"refused\"} 1",
        "http_server_active_requests{http_request_method=\"_OTHER\",http_route=\"refused\"} 0",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
    server.signal("TERM");
    let (_, output, _) = server.end();
    let logged: Vec<&str> = output
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once(' '))
        .map(|(id, rest)| {
            assert_eq!(id.len(), 36, "{id}");
            rest
        })
        .collect();
    assert_eq!(
        logged,
        [
            "127.0.0.1 - - - 400 25 -",
            "127.0.0.1 GET /default/pets HTTP/1.1 400 25 -",
            "127.0.0.1 GET /default/pets HTTP/1.1 431 39 -",
            "127.0.0.1 GET /default/pets HTTP/1.1 501 29 -",
        ]
    );
}
