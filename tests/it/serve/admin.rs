//! The listener for those who run a server.

use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::cli::{Document, Serving, run};

pub(super) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_tells_that_the_server_drains() {
    // A backend that accepts and answers late.
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = backend.local_addr().unwrap();
    let document = Document::new(
        "yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: slow, version: '1'}}\npaths:\n  /:\n    get:\n      responses: {{}}\n      \
             x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'http://{uri}/'}}\n"
        ),
    );
    let mut server = Serving::of(&document, &["--admin", "127.0.0.1:0"]);
    let mut line = String::new();
    server.stdout.read_line(&mut line).unwrap();
    let admin = line.trim_end().strip_prefix("admin on http://").unwrap();
    assert!(get(admin, "/livez").starts_with("HTTP/1.1 200 "));
    assert!(get(admin, "/readyz").ends_with("\r\n\r\nok\n"));
    // The API knows nothing of it.
    assert!(server.get("/readyz", "").starts_with("HTTP/1.1 403 "));

    let mut busy = TcpStream::connect(&server.address).unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .unwrap();
    let (mut called, _) = backend.accept().unwrap();
    let metrics = get(admin, "/metrics");
    for line in [
        "http_server_active_requests{http_request_method=\"GET\",http_route=\"/\"} 1",
        "aws_apigateway_count_total{method=\"_OTHER\",resource=\"unmatched\"} 1",
        "aws_apigateway_4xx_errors_total{method=\"_OTHER\",resource=\"unmatched\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
    server.signal("TERM");
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::yield_now();
    }
    assert!(get(admin, "/readyz").starts_with("HTTP/1.1 503 "));
    assert!(get(admin, "/livez").starts_with("HTTP/1.1 200 "));
    called
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        .unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nlate"), "{answer}");
    let (code, _, logs) = server.end();
    assert_eq!(code, 0);
    assert!(logs.contains("all requests are answered"), "{logs}");
}

#[test]
fn other_machines_do_not_reach_it_unasked() {
    let document = Document::new(
        "yaml",
        "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths: {}\n",
    );
    let arguments = [
        "serve",
        document.path(),
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "0.0.0.0:0",
    ];
    let (code, output, error) = run(&arguments);
    assert_eq!((code, output.as_str()), (2, ""));
    assert!(error.contains("--admin-public"), "{error}");
    let server = Serving::of(&document, &["--admin", "0.0.0.0:0", "--admin-public"]);
    server.signal("TERM");
    let (code, table, _) = server.end();
    assert_eq!(code, 0);
    assert!(table.starts_with("admin on http://0.0.0.0:"), "{table}");
}

#[test]
fn traces_are_continued_if_asked_for_and_spans_are_logged() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = backend.local_addr().unwrap();
    let document = Document::new(
        "yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: slow, version: '1'}}\npaths:\n  /:\n    get:\n      responses: {{}}\n      \
             x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'http://{uri}/'}}\n"
        ),
    );
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    for asked in [true, false] {
        let mut arguments = vec!["--log-format", "json", "--log", "debug"];
        if asked {
            arguments.push("--trace-context");
        }
        let server = Serving::of(&document, &arguments);
        let called = std::thread::scope(|scope| {
            let asking = scope.spawn(|| server.get("/", &format!("traceparent: {parent}\r\n")));
            let (mut called, _) = backend.accept().unwrap();
            let mut head = String::new();
            let mut lines = std::io::BufReader::new(called.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") {
                lines.read_line(&mut head).unwrap();
            }
            called
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
            assert!(asking.join().unwrap().starts_with("HTTP/1.1 200 "));
            head
        });
        let sent = called
            .lines()
            .find_map(|line| line.strip_prefix("traceparent: "));
        let sent = sent.unwrap();
        assert!(sent.starts_with(&format!("00-{trace}-")), "{sent}");
        assert_eq!(sent == parent, !asked, "{sent}");
        server.signal("TERM");
        let (code, _, logs) = server.end();
        assert_eq!(code, 0);
        let lines = logs.lines().map(|line| serde_json::from_str(line).unwrap());
        let spans: Vec<serde_json::Value> = lines
            .filter(|line: &serde_json::Value| line["message"] == "close")
            .map(|line| line["span"].clone())
            .collect();
        let [call, request] = &spans[..] else {
            panic!("{logs}");
        };
        assert_eq!(
            (&call["name"], &request["name"]),
            (&"integration".into(), &"request".into())
        );
        assert_eq!(
            (&call["http.request.method"], &request["http.route"]),
            (&"GET".into(), &"/".into())
        );
        for span in &spans {
            assert_eq!(span["http.response.status_code"], 200);
            assert_eq!(span["trace_id"] == trace, asked, "{span}");
        }
    }
}
