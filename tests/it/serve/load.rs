//! More requests than are taken on.

use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::cli::{Document, Serving};
use crate::serve::admin::get;

fn document(backend: &TcpListener) -> Document {
    let uri = backend.local_addr().unwrap();
    Document::new(
        "yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: slow, version: '1'}}\n\
             x-amazon-apigateway-gateway-responses:\n  THROTTLED:\n    responseTemplates: {{application/json: 'come back later'}}\n\
             paths:\n  /:\n    get:\n      responses: {{}}\n      \
             x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'http://{uri}/'}}\n"
        ),
    )
}

fn ask(server: &Serving) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .unwrap();
    stream
}

/// Reads the head that a backend is sent, and answers it.
fn respond(called: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        called.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    called
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_is_more_than_the_places_is_turned_away_at_once() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let document = document(&backend);
    let arguments = ["--max-concurrency", "2", "--admin", "127.0.0.1:0"];
    let mut server = Serving::of(&document, &arguments);
    let mut line = String::new();
    server.stdout.read_line(&mut line).unwrap();
    let admin = line.trim_end().strip_prefix("admin on http://").unwrap();
    let admitted = [ask(&server), ask(&server)];
    let mut called: Vec<TcpStream> = (0..2).map(|_| backend.accept().unwrap().0).collect();
    for _ in 0..20 {
        let answer = server.get("/", "");
        assert!(
            answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("x-amzn-errortype: TooManyRequestsException\r\n"),
            "{answer}"
        );
        assert!(answer.ends_with("\r\n\r\ncome back later"), "{answer}");
    }
    let metrics = get(admin, "/metrics");
    let turned_away = "aws_apigateway_4xx_errors_total{method=\"_OTHER\",resource=\"refused\"} 20";
    assert!(metrics.lines().any(|line| line == turned_away), "{metrics}");
    for stream in &mut called {
        respond(stream);
    }
    for stream in admitted {
        assert!(answer(stream).starts_with("HTTP/1.1 200 "));
    }
    // The places are free again.
    let next = ask(&server);
    let (mut called, _) = backend.accept().unwrap();
    respond(&mut called);
    assert!(answer(next).starts_with("HTTP/1.1 200 "));
}

#[test]
fn more_connections_than_are_served_wait() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let document = document(&backend);
    let server = Serving::of(&document, &["--max-connections", "1"]);
    let first = ask(&server);
    let (mut called, _) = backend.accept().unwrap();
    let second = ask(&server);
    backend.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(backend.accept().is_err(), "the second waits");
    backend.set_nonblocking(false).unwrap();
    respond(&mut called);
    assert!(answer(first).starts_with("HTTP/1.1 200 "));
    let (mut called, _) = backend.accept().unwrap();
    respond(&mut called);
    assert!(answer(second).starts_with("HTTP/1.1 200 "));
}

/// How many connections Linux lets wait; none elsewhere.
fn most_that_wait() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok()?;
    text.trim().parse().ok()
}

#[test]
fn a_crowd_that_comes_at_once_finds_room_to_wait() {
    const CROWD: usize = 1500;
    if most_that_wait().is_none_or(|most| most < CROWD) {
        println!("skipped: the system lets fewer connections wait");
        return;
    }
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let document = document(&backend);
    let server = Serving::of(&document, &["--max-connections", "1"]);
    let _served = ask(&server);
    let address = server.address.parse().unwrap();
    let mut waiting = Vec::new();
    while waiting.len() < CROWD {
        // One that finds no room comes a second later.
        match TcpStream::connect_timeout(&address, Duration::from_millis(900)) {
            Ok(stream) => waiting.push(stream),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                panic!("there was room for {}", waiting.len())
            }
            Err(error) => {
                println!("skipped: {error}");
                return;
            }
        }
    }
}
