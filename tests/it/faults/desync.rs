//! Requests that two hops may read in different ways. For each: what the client is told, and what
//! the backend saw. What is forwarded is framed anew, so that there is one way to read it.

use std::sync::{Arc, Mutex};

use super::*;

/// What a backend saw: method, target and body of each request, in order.
pub(super) type Seen = Arc<Mutex<Vec<String>>>;

/// A backend that reads by the letter, and says so when something is not by it; also when headers
/// that are for one hop came over two, if it is asked to.
pub(super) fn strict(listener: TcpListener, of_hops: bool) -> Seen {
    let seen = Seen::default();
    let all = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&all);
            tokio::spawn(async move {
                let mut backend = Raw::new(stream);
                while let Ok(true) = backend.wire.has_more().await {
                    let (told, sound) = match request(&mut backend, of_hops).await {
                        Ok(told) => (told, true),
                        Err(told) => (told, false),
                    };
                    seen.lock().unwrap().push(told);
                    if !sound {
                        return;
                    }
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    if backend.write.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    seen
}

async fn request(backend: &mut Raw, of_hops: bool) -> Result<String, String> {
    let Ok(head) = backend.wire.head().await else {
        return Err("no head".to_owned());
    };
    let count = |name: &str| {
        let named = |line: &&(String, String)| line.0.eq_ignore_ascii_case(name);
        head.headers.iter().filter(named).count()
    };
    let framings = count("content-length") + count("transfer-encoding");
    let plain = head.first.ends_with(" HTTP/1.1") && head.first.split(' ').count() == 3;
    if framings > 1 || count("host") != 1 || !plain {
        return Err(format!("ambiguous: {head:?}"));
    }
    let coded = crate::support::joined(&head.headers, "transfer-encoding");
    if coded.is_some_and(|coding| coding != "chunked") {
        return Err(format!("coded: {head:?}"));
    }
    if of_hops && count("connection") + count("upgrade") + count("te") + count("expect") > 0 {
        return Err(format!("of one hop: {head:?}"));
    }
    match backend.wire.request_body(&head).await {
        Ok(body) => {
            let line = head.first.trim_end_matches(" HTTP/1.1");
            Ok(format!("{line} {}", String::from_utf8_lossy(&body)))
        }
        Err(error) => Err(format!("no body: {error}")),
    }
}

/// The statuses that a client is told until it has nothing more to hear.
pub(super) async fn statuses(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut client = Raw::new(stream);
    let _ = client.write.write_all(bytes).await;
    let mut statuses = Vec::new();
    while let Ok(Ok(head)) = timeout(BRIEF, client.wire.head()).await {
        let status = head.status().unwrap();
        if status != 100 {
            client.wire.answer_body(&head, "GET").await.unwrap();
            statuses.push(status);
        }
    }
    statuses
}

/// A request that stands where a body may be.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";

/// Name, bytes, what the client is told, what the backend sees.
pub(super) type Case = (
    &'static str,
    String,
    &'static [u16],
    &'static [&'static str],
);

pub(super) fn cases() -> Vec<Case> {
    let post = |headers: &str, rest: &str| {
        format!("POST /a HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n{rest}")
    };
    let get = |start: &str| format!("{start}\r\n\r\n");
    vec![
        (
            "plain",
            post("Content-Length: 2", "hi"),
            &[200],
            &["POST /a hi"],
        ),
        (
            "two in a row",
            post("Content-Length: 2", &format!("hi{HIDDEN}")),
            &[200, 200],
            &["POST /a hi", "GET /hidden "],
        ),
        (
            "length and chunks",
            post(
                "Content-Length: 6\r\nTransfer-Encoding: chunked",
                &format!("0\r\n\r\nX{HIDDEN}"),
            ),
            &[200],
            &["POST /a "],
        ),
        (
            "chunks and length",
            post(
                "Transfer-Encoding: chunked\r\nContent-Length: 5",
                &format!("0\r\n\r\n{HIDDEN}"),
            ),
            &[200],
            &["POST /a "],
        ),
        (
            "two lengths",
            post(
                "Content-Length: 2\r\nContent-Length: 33",
                &format!("hi{HIDDEN}"),
            ),
            &[400],
            &[],
        ),
        (
            "the same length twice",
            post("Content-Length: 2\r\nContent-Length: 2", "hi"),
            &[200],
            &["POST /a hi"],
        ),
        (
            "a list of lengths",
            post("Content-Length: 2, 2", "hi"),
            &[400],
            &[],
        ),
        (
            "a length with a sign",
            post("Content-Length: +2", "hi"),
            &[400],
            &[],
        ),
        (
            "a negative length",
            post("Content-Length: -2", "hi"),
            &[400],
            &[],
        ),
        (
            "a length in hex",
            post("Content-Length: 0x2", "hi"),
            &[400],
            &[],
        ),
        (
            "no length in its line",
            post("Content-Length:", "hi"),
            &[400],
            &[],
        ),
        (
            "a length too long",
            post("Content-Length: 18446744073709551618", "hi"),
            &[400],
            &[],
        ),
        (
            "a blank before the colon",
            post("Content-Length : 2", "hi"),
            &[400],
            &[],
        ),
        (
            "a tab before the colon",
            post("Transfer-Encoding\t: chunked", "0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "chunks and a tab",
            post("Transfer-Encoding: chunked\t", "2\r\nhi\r\n0\r\n\r\n"),
            &[200],
            &["POST /a hi"],
        ),
        (
            "chunks and a vertical tab",
            post("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "chunks by another name",
            post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "chunks in quotes",
            post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "identity",
            post("Transfer-Encoding: identity", ""),
            &[400],
            &[],
        ),
        (
            "chunks that are not last",
            post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "chunks within",
            post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
            &[501],
            &[],
        ),
        (
            "chunks twice",
            post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                "0\r\n\r\n",
            ),
            &[501],
            &[],
        ),
        (
            "chunks with an underscore",
            post("Transfer_Encoding: chunked\r\nContent-Length: 2", "hi"),
            &[200],
            &["POST /a hi"],
        ),
        (
            "a folded line",
            post("X: y\r\n Content-Length: 33", HIDDEN),
            &[400],
            &[],
        ),
        (
            "a folded coding",
            post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "line feeds alone",
            "POST /a HTTP/1.1\nHost: h\nContent-Length: 2\n\nhi".into(),
            &[200],
            &["POST /a hi"],
        ),
        (
            "a carriage return within a value",
            post("X: y\rContent-Length: 2", HIDDEN),
            &[400],
            &[],
        ),
        ("a zero within a value", post("X: y\0z", ""), &[400], &[]),
        ("a zero within a name", post("X\0: y", ""), &[400], &[]),
        (
            "an extension of a chunk",
            post(
                "Transfer-Encoding: chunked",
                "2;a=\"b\"\r\nhi\r\n0;c\r\n\r\n",
            ),
            &[200],
            &["POST /a hi"],
        ),
        (
            "a line feed in an extension",
            post("Transfer-Encoding: chunked", "2;a\nhi\r\n0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "a chunk that is longer than its size",
            post("Transfer-Encoding: chunked", "2\r\nhip\r\n0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "a size with a sign",
            post("Transfer-Encoding: chunked", "+2\r\nhi\r\n0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "a size in another base",
            post("Transfer-Encoding: chunked", "0x2\r\nhi\r\n0\r\n\r\n"),
            &[400],
            &[],
        ),
        (
            "a size too long",
            post(
                "Transfer-Encoding: chunked",
                "10000000000000002\r\nhi\r\n0\r\n\r\n",
            ),
            &[400],
            &[],
        ),
        (
            "trailers that frame",
            post(
                "Transfer-Encoding: chunked",
                &format!("0\r\nContent-Length: 33\r\n\r\n{HIDDEN}"),
            ),
            &[200, 200],
            &["POST /a ", "GET /hidden "],
        ),
        (
            "chunks of 1.0",
            format!(
                "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
            &[400],
            &[],
        ),
        (
            "a body of GET",
            format!("GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 33\r\n\r\n{HIDDEN}"),
            &[200],
            &["GET /a GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"],
        ),
        (
            "a length that Connection names",
            post("Connection: Content-Length\r\nContent-Length: 33", HIDDEN),
            &[200],
            &["POST /a GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"],
        ),
        (
            "an upgrade",
            post(
                "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2",
                "hi",
            ),
            &[200],
            &["POST /a hi"],
        ),
        (
            "an expectation",
            post("Expect: 100-continue\r\nContent-Length: 2", "hi"),
            &[200],
            &["POST /a hi"],
        ),
        (
            "the absolute form",
            get("GET http://other/a HTTP/1.1\r\nHost: h"),
            &[200],
            &["GET /a "],
        ),
        (
            "two hosts",
            get("GET /a HTTP/1.1\r\nHost: h\r\nHost: i"),
            &[400],
            &[],
        ),
        (
            "a list of hosts",
            get("GET /a HTTP/1.1\r\nHost: h, i"),
            &[400],
            &[],
        ),
        ("no host", get("GET /a HTTP/1.1\r\nX: y"), &[400], &[]),
        (
            "a path as the host",
            get("GET /a HTTP/1.1\r\nHost: h/b"),
            &[400],
            &[],
        ),
        (
            "a user in the host",
            get("GET /a HTTP/1.1\r\nHost: u@h"),
            &[400],
            &[],
        ),
        (
            "CONNECT",
            get("CONNECT h:1 HTTP/1.1\r\nHost: h:1"),
            &[501],
            &[],
        ),
        (
            "a target without a slash",
            get("GET a HTTP/1.1\r\nHost: h"),
            &[400],
            &[],
        ),
        (
            "a blank in the target",
            get("GET /a b HTTP/1.1\r\nHost: h"),
            &[400],
            &[],
        ),
        (
            "a tab in the target",
            get("GET /a\tb HTTP/1.1\r\nHost: h"),
            &[400],
            &[],
        ),
        (
            "a method with a blank",
            get("GET  /a HTTP/1.1\r\nHost: h"),
            &[400],
            &[],
        ),
        (
            "a line before",
            format!("\r\n{}", get("GET /a HTTP/1.1\r\nHost: h")),
            &[200],
            &["GET /a "],
        ),
        (
            "a blank before",
            format!(" {}", get("GET /a HTTP/1.1\r\nHost: h")),
            &[400],
            &[],
        ),
        ("HTTP/0.9", "GET /a\r\n\r\n".into(), &[400], &[]),
        ("HTTP/1.2", get("GET /a HTTP/1.2\r\nHost: h"), &[400], &[]),
        (
            "HTTP/2.0 in a line",
            get("GET /a HTTP/2.0\r\nHost: h"),
            &[400],
            &[],
        ),
    ]
}

#[tokio::test]
async fn no_request_is_read_in_two_ways() {
    let mut wrong = Vec::new();
    for (name, bytes, told, seen) in cases() {
        for way in [true, false] {
            // With and without the second look at heads that keeps the spelling of names.
            let server = server().keep_header_names(way);
            let mut gateway =
                Gateway::with(server, stage(), |backend| Way::Proxy.integration(backend)).await;
            let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let backend = strict(std::mem::replace(&mut gateway.backend, other), true);
            let statuses = statuses(gateway.address, bytes.as_bytes()).await;
            let requests = std::mem::take(&mut *backend.lock().unwrap());
            if statuses != told || requests != seen {
                wrong.push(format!(
                    "{name}: told {statuses:?}, expected {told:?}; seen {requests:?}, expected {seen:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The block of a request over HTTP/2: `:method`, `:scheme`, `:authority`, `:path` and more.
fn block(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let literal = |text: &str| {
        let mut bytes = vec![u8::try_from(text.len()).unwrap()];
        bytes.extend(text.as_bytes());
        bytes
    };
    let mut block = b"\x83\x86\x41\x01h\x44".to_vec();
    block.extend(literal(path));
    for (name, value) in more {
        block.push(0);
        block.extend(literal(name));
        block.extend(literal(value));
    }
    block
}

#[tokio::test]
async fn nothing_of_http1_comes_through_http2() {
    const LINES: &str = "y\r\nTransfer-Encoding: chunked";
    let mut wrong = Vec::new();
    for (name, path, headers, body, expected) in [
        ("plain", "/a", &[][..], "hi", Some("POST /a hi")),
        (
            "a length",
            "/a",
            &[("content-length", "2")],
            "hi",
            Some("POST /a hi"),
        ),
        (
            "a length too short",
            "/a",
            &[("content-length", "1")],
            "hi",
            None,
        ),
        (
            "a length too long",
            "/a",
            &[("content-length", "3")],
            "hi",
            None,
        ),
        (
            "chunks",
            "/a",
            &[("transfer-encoding", "chunked")],
            "0\r\n\r\n",
            None,
        ),
        (
            "a connection",
            "/a",
            &[("connection", "keep-alive")],
            "hi",
            None,
        ),
        ("lines in a value", "/a", &[("x", LINES)], "hi", None),
        ("lines in a name", "/a", &[("x: y\r\nz", "v")], "hi", None),
        ("a name in capitals", "/a", &[("X-Y", "v")], "hi", None),
        ("a colon in a name", "/a", &[("x:y", "v")], "hi", None),
        ("a host besides", "/a", &[("host", "i")], "hi", None),
        ("a blank in the path", "/a b", &[], "hi", None),
        ("lines in the path", "/a HTTP/1.1\r\nX: y", &[], "hi", None),
        ("no path", "", &[], "hi", None),
        ("a target without a slash", "a", &[], "hi", None),
        ("two paths", "/a", &[(":path", "/b")], "hi", None),
    ] {
        let mut gateway = Gateway::new(Way::Proxy).await;
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = strict(std::mem::replace(&mut gateway.backend, other), true);
        let mut stream = super::http2::connect(&gateway, &[]).await;
        let mut frames = super::http2::frame(1, 4, 1, &block(path, headers));
        frames.extend(super::http2::frame(0, 1, 1, body.as_bytes()));
        let _ = stream.write_all(&frames).await;
        let mut rest = Vec::new();
        let _ = timeout(BRIEF, stream.read_to_end(&mut rest)).await;
        let seen = backend.lock().unwrap().clone();
        // A body that turns out wrong may break off a request; it never looks whole.
        let whole: Vec<_> = seen
            .iter()
            .filter(|seen| !seen.starts_with("no body"))
            .map(String::as_str)
            .collect();
        if whole != Vec::from_iter(expected) {
            wrong.push(format!("{name}: seen {seen:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
