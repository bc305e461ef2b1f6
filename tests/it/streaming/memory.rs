//! What the gateway holds in memory while much streams through it, seen from outside of its
//! process.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Child, Command, Stdio};

use super::*;

const SIZE: usize = 64 * 1024 * 1024;
/// How far the peak may be above the idle gateway, in KiB.
const MOST_KIB: u64 = 32 * 1024;
/// Where the process of the gateway tells its address.
const TELL: &str = "TOWER_APIGW_TEST_TELL";
const BACKEND: &str = "TOWER_APIGW_TEST_BACKEND";

/// Not a test: the process of the gateway, which ends with the connection of the one who started it.
#[tokio::test]
#[ignore = "is started by the test of the memory"]
async fn gateway_process() {
    let (Ok(tell), Ok(backend)) = (std::env::var(TELL), std::env::var(BACKEND)) else {
        println!("skipped: {TELL} and {BACKEND} are not set");
        return;
    };
    let plan = plan(&proxy(backend), "/{proxy+}");
    let gateway = listen(IntegrationLayer::new(plan).layer(HttpClient::new())).await;
    let mut connection = TcpStream::connect(tell).await.unwrap();
    connection
        .write_all(format!("{}\n", gateway.address).as_bytes())
        .await
        .unwrap();
    let end = connection.read(&mut [0]).await;
    assert!(matches!(end, Ok(0) | Err(_)), "nothing is said but the end");
}

struct Gateway {
    process: Child,
    address: String,
    /// Without it the process ends.
    _connection: Option<TcpStream>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Gateway {
    /// The layers in a process of their own.
    async fn of_layers(backend: &TcpListener) -> Self {
        let tell = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "streaming::memory::gateway_process",
                "--ignored",
                "--test-threads=1",
            ])
            .env(TELL, tell.local_addr().unwrap().to_string())
            .env(BACKEND, backend.local_addr().unwrap().to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (mut connection, _) = soon("the process", tell.accept()).await.unwrap();
        let mut address = Vec::new();
        while address.last() != Some(&b'\n') {
            assert!(
                soon("the address", connection.read_buf(&mut address))
                    .await
                    .unwrap()
                    > 0
            );
        }
        let address = String::from_utf8(address).unwrap().trim().to_owned();
        Self {
            process,
            address,
            _connection: Some(connection),
        }
    }

    /// `apigw serve`, keeping the names of headers, which takes another look at every byte.
    #[cfg(feature = "cli")]
    fn of_apigw(backend: &TcpListener) -> Self {
        use std::io::{BufRead, BufReader};

        let document = serde_json::json!({
            "openapi": "3.0.1",
            "info": {"title": "proxy", "version": "1"},
            "paths": {"/{proxy+}": {"x-amazon-apigateway-any-method": {
                "parameters": [
                    {"name": "proxy", "in": "path", "required": true, "schema": {"type": "string"}},
                ],
                "responses": {},
                "x-amazon-apigateway-integration": {
                    "type": "http_proxy",
                    "httpMethod": "ANY",
                    "uri": format!("http://{}/{{proxy}}", backend.local_addr().unwrap()),
                    "requestParameters": {
                        "integration.request.path.proxy": "method.request.path.proxy",
                        "integration.request.header.x-spelled": "method.request.header.X-Spelled",
                    },
                },
            }}},
        });
        let name = format!("apigw-memory-{}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, document.to_string()).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_apigw"))
            .arg("serve")
            .arg(&path)
            .args(["--listen", "127.0.0.1:0", "--limits", "none"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        // What else it prints is read, so that it never waits for a reader.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        fs::remove_file(path).unwrap();
        let address = line.trim().strip_prefix("listening on http://");
        let address = address
            .unwrap_or_else(|| panic!("it says {line:?}"))
            .to_owned();
        Self {
            process,
            address,
            _connection: None,
        }
    }

    async fn client(&self) -> Raw {
        Raw::new(TcpStream::connect(&self.address).await.unwrap())
    }

    /// A line of the process's status, in KiB.
    fn kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim_matches([':', ' ', '\t'])
            .trim_end_matches(" kB")
            .trim()
            .parse()
            .unwrap()
    }
}

/// Reads a head and a body of `count` bytes without keeping them; those behind the head may be in
/// the reader already.
async fn swallow(raw: &mut Raw, mut count: usize) {
    while count > 0 {
        let piece = count.min(256 * 1024);
        soon("more of the body", raw.wire.exactly(piece))
            .await
            .unwrap();
        count -= piece;
    }
}

async fn pour(raw: &mut Raw, mut count: usize) {
    let block = vec![b'x'; 64 * 1024];
    while count > 0 {
        let piece = count.min(block.len());
        soon("a write", raw.write.write_all(&block[..piece]))
            .await
            .unwrap();
        count -= piece;
    }
}

#[tokio::test]
async fn much_streams_through_little_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::of_layers(&listener).await;
    stream_much(gateway, listener).await;
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn much_streams_through_little_memory_of_apigw() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::of_apigw(&listener);
    stream_much(gateway, listener).await;
}

/// Much up, then much down, each to somebody who is slow at first.
async fn stream_much(gateway: Gateway, listener: TcpListener) {
    let mut client = gateway.client().await;

    // Everything is in place once a request went through.
    client
        .send("GET /warm HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    let mut backend = Raw::new(soon("a connection", listener.accept()).await.unwrap().0);
    backend.head().await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;
    client.head().await;
    let idle = gateway.kib("VmRSS");

    client
        .send(&format!(
            "POST /up HTTP/1.1\r\nHost: gateway\r\nContent-Length: {SIZE}\r\n\r\n"
        ))
        .await;
    let up = async {
        let head = backend.head().await;
        assert_eq!(head.content_length().unwrap(), Some(SIZE));
        tokio::time::sleep(Duration::from_millis(100)).await;
        swallow(&mut backend, SIZE).await;
        backend
            .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
    };
    tokio::join!(pour(&mut client, SIZE), up);
    let head = client.head().await;
    assert_eq!(
        soon("the answer", client.wire.answer_body(&head, "POST"))
            .await
            .unwrap(),
        b"ok"
    );

    client
        .send("GET /down HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .await;
    backend.head().await;
    backend
        .send(&format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"
        ))
        .await;
    let down = async {
        let head = client.head().await;
        assert_eq!(head.content_length().unwrap(), Some(SIZE));
        tokio::time::sleep(Duration::from_millis(100)).await;
        swallow(&mut client, SIZE).await;
    };
    tokio::join!(pour(&mut backend, SIZE), down);

    let peak = gateway.kib("VmHWM");
    println!("idle {idle} KiB, peak {peak} KiB");
    assert!(idle > 0 && peak >= idle, "{idle} {peak}");
    assert!(
        peak - idle < MOST_KIB,
        "the peak is {} KiB above {idle} KiB",
        peak - idle
    );
}
