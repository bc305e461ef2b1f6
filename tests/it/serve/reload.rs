//! Documents that are read again, and the requests that must not notice.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::cli::{Document, Serving};

fn says(word: &str) -> String {
    format!(
        r#"
openapi: 3.0.1
info: {{title: word, version: '1'}}
paths:
  /:
    get:
      responses: {{'200': {{description: a word}}}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {{application/json: '{{"statusCode": 200}}'}}
        responses: {{default: {{statusCode: '200', responseTemplates: {{application/json: '{word}'}}}}}}
"#
    )
}

/// A connection that is kept; answers must have a length.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn new(server: &Serving) -> Self {
        let stream = TcpStream::connect(&server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    fn ask(&mut self) {
        self.0
            .get_mut()
            .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            .unwrap();
    }

    fn answer(&mut self) -> (String, String) {
        let mut status = String::new();
        self.0.read_line(&mut status).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn get(&mut self) -> String {
        self.ask();
        let (status, body) = self.answer();
        assert!(status.starts_with("HTTP/1.1 200 "), "{status}");
        body
    }

    fn wait_for(&mut self, word: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.get() != word {
            assert!(Instant::now() < until, "{word}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_hangup_reads_the_document_again_and_a_bad_one_changes_nothing() {
    let document = Document::new("yaml", says("one"));
    let server = Serving::of(&document, &[]);
    let mut kept = Kept::new(&server);
    assert_eq!(kept.get(), "one");
    std::fs::write(document.path(), says("two")).unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(kept.get(), "one", "nobody asked to watch");
    server.signal("HUP");
    kept.wait_for("two");
    for bad in ["", "openapi: [", &says("three").replace("mock", "mocking")] {
        std::fs::write(document.path(), bad).unwrap();
        server.signal("HUP");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(kept.get(), "two", "{bad}");
    }
    std::fs::write(document.path(), says("four")).unwrap();
    server.signal("HUP");
    kept.wait_for("four");
    drop(kept);
    server.signal("TERM");
    let (code, _, logs) = server.end();
    assert_eq!(code, 0, "{logs}");
    assert_eq!(logs.matches("reloaded").count(), 2, "{logs}");
    assert_eq!(
        logs.matches("the document before is served on").count(),
        3,
        "{logs}"
    );
    // The place of the mistake, as at the start.
    assert!(
        logs.contains(&format!("--> {}:9:", document.path())),
        "{logs}"
    );
}

#[test]
fn a_watched_file_is_read_when_it_changes() {
    let document = Document::new("yaml", says("one"));
    let server = Serving::of(&document, &["--watch"]);
    let mut kept = Kept::new(&server);
    assert_eq!(kept.get(), "one");
    std::fs::write(document.path(), says("three")).unwrap();
    kept.wait_for("three");
    // As editors do it: a new file under the old name.
    let new = Document::new("yaml", says("a new file"));
    std::fs::rename(new.path(), document.path()).unwrap();
    kept.wait_for("a new file");
}

#[test]
fn a_request_in_flight_ends_on_the_document_it_began_on() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = backend.local_addr().unwrap();
    let document = Document::new(
        "yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: slow, version: '1'}}\npaths:\n  /:\n    get:\n      responses: {{}}\n      \
             x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'http://{uri}/'}}\n"
        ),
    );
    let server = Serving::of(&document, &[]);
    let mut busy = Kept::new(&server);
    busy.ask();
    let (mut called, _) = backend.accept().unwrap();
    let new = says("new").replace("  /:\n", "  /new:\n");
    std::fs::write(document.path(), new).unwrap();
    server.signal("HUP");
    let until = Instant::now() + Duration::from_secs(10);
    while !server.get("/new", "").ends_with("\r\n\r\nnew") {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(20));
    }
    called
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
        .unwrap();
    let (status, body) = busy.answer();
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.1 200 OK\r\n", "old")
    );
    busy.ask();
    let (status, _) = busy.answer();
    assert!(status.starts_with("HTTP/1.1 403 "), "{status}");
}

#[test]
fn hangups_without_pause_fail_no_request() {
    let document = Document::new("yaml", says("word"));
    let server = Serving::of(&document, &["--threads", "2"]);
    let done = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut kept = Kept::new(&server);
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(kept.get(), "word");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..50 {
            server.signal("HUP");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 50);
}
