//! cargo bench --bench forward [-- NAME...]
//!
//! What it costs to pass a request on over sockets, beside a bare proxy of hyper, in one run: a GET
//! of 1 KB over HTTP/1.1 and a unary call of gRPC with 1 KB each way over HTTP/2. The proxies are
//! processes of their own with one thread; valgrind counts their instructions per request, and where
//! there is none, the system tells their processor time.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::{http1 as client1, http2 as client2};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use tower_apigw::backend::HttpClient;
use tower_apigw::integration::{Integration, Method, Protocol};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Limits, Plan, Stage};
use tower_apigw::server::Server;

const KB: usize = 1024;

#[derive(Clone, Copy, PartialEq)]
enum Version {
    Http1,
    Http2,
}

impl Version {
    fn of(name: &str) -> Self {
        if name.starts_with("grpc") {
            Self::Http2
        } else {
            Self::Http1
        }
    }
}

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, hyper::Error>;

fn message() -> Bytes {
    // The frame of gRPC around it: not compressed, four bytes of length.
    let length = u32::try_from(KB).unwrap().to_be_bytes();
    let mut bytes = vec![0];
    bytes.extend_from_slice(&length);
    bytes.resize(bytes.len() + KB, b'x');
    bytes.into()
}

/// Answers a call with the message that came, and a status behind it; a GET with 1 KB.
async fn backend(
    version: Version,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if version == Version::Http1 {
        let body = Full::new(Bytes::from_static(&[b'x'; KB]));
        return Ok(Response::new(
            body.map_err(|never| match never {}).boxed_unsync(),
        ));
    }
    let collected = request.into_body().collect().await;
    let data = collected.map(|body| body.to_bytes()).unwrap_or_default();
    let trailers = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        http::HeaderValue::from_static("0"),
    )]);
    let frames = [Ok(Frame::data(data)), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(tokio_stream::iter(frames));
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response.body(body.boxed_unsync()).unwrap())
}

macro_rules! serve {
    ($version:expr, $listener:expr, $service:expr) => {
        loop {
            let (stream, _) = $listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (io, service) = (TokioIo::new(stream), $service.clone());
            tokio::spawn(async move {
                let _ = match $version {
                    Version::Http1 => http1::Builder::new().serve_connection(io, service).await,
                    Version::Http2 => {
                        let builder = http2::Builder::new(TokioExecutor::new());
                        builder.serve_connection(io, service).await
                    }
                };
            });
        }
    };
}

/// One connection to the backend, and nothing that could be left out.
async fn bare(version: Version, listener: TcpListener, to: SocketAddr) {
    let stream = TcpStream::connect(to).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let io = TokioIo::new(stream);
    match version {
        Version::Http1 => {
            let (sender, connection) = client1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            let sender = std::sync::Arc::new(tokio::sync::Mutex::new(sender));
            let service = service_fn(move |mut request: Request<Incoming>| {
                let sender = std::sync::Arc::clone(&sender);
                async move {
                    let host = to.to_string().parse().unwrap();
                    request.headers_mut().insert(http::header::HOST, host);
                    let mut sender = sender.lock().await;
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            });
            serve!(version, listener, service)
        }
        Version::Http2 => {
            let (sender, connection) = client2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            let service = service_fn(move |mut request: Request<Incoming>| {
                let mut sender = sender.clone();
                let mut uri = std::mem::take(request.uri_mut()).into_parts();
                uri.authority = Some(to.to_string().parse().unwrap());
                *request.uri_mut() = Uri::from_parts(uri).unwrap();
                async move { sender.send_request(request).await }
            });
            serve!(version, listener, service)
        }
    }
}

async fn stack(version: Version, listener: TcpListener, to: SocketAddr) {
    let protocol = match version {
        Version::Http1 => Protocol::Http1,
        Version::Http2 => Protocol::Http2,
    };
    let integration = Integration::http_proxy(format!("http://{to}/{{proxy}}"))
        .request_parameter(
            "integration.request.path.proxy",
            "method.request.path.proxy",
        )
        .protocol(protocol);
    let stage = Stage::new("bench").limits(Limits::none());
    let method = Method::new("ANY", "/{proxy+}");
    let plan = Plan::compile(&integration, &method, stage).unwrap();
    let service = IntegrationLayer::new(plan).layer(HttpClient::new());
    Server::new()
        .serve(listener, service, std::future::pending())
        .await;
}

/// The role of a child: it tells its address and ends with its standard input.
fn child(role: &str, version: Version, to: Option<SocketAddr>) {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        match role {
            "backend" => {
                let service = service_fn(move |request| backend(version, request));
                serve!(version, listener, service)
            }
            "bare" => bare(version, listener, to.unwrap()).await,
            "stack" => stack(version, listener, to.unwrap()).await,
            other => panic!("no role {other}"),
        }
    });
}

/// A child and where it listens.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(before: &[String], role: &str, name: &str, to: Option<SocketAddr>) -> Self {
        let own = std::env::current_exe().unwrap().display().to_string();
        let mut line: Vec<String> = before.to_vec();
        line.extend([own, "--role".into(), role.into(), name.into()]);
        line.extend(to.map(|to| to.to_string()));
        let (program, arguments) = line.split_first().unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut told).unwrap();
        let address = told.trim().parse().expect("the address of a child");
        Self { child, address }
    }

    /// User and system time, in clock ticks.
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        fields
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().unwrap())
            .sum()
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Sends requests one after the other, on one connection.
fn load(version: Version, to: SocketAddr, count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let io = TokioIo::new(stream);
        match version {
            Version::Http1 => {
                let (mut sender, connection) = client1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                for _ in 0..count {
                    let request = Request::get("/a/path?with=query")
                        .header("host", "api.example.com")
                        .header("accept", "*/*")
                        .header("user-agent", "bench/1")
                        .body(Full::<Bytes>::default())
                        .unwrap();
                    sender.ready().await.unwrap();
                    let response = sender.send_request(request).await.unwrap();
                    assert_eq!(response.status(), 200);
                    let body = response.into_body().collect().await.unwrap();
                    assert_eq!(body.to_bytes().len(), KB);
                }
            }
            Version::Http2 => {
                let (mut sender, connection) =
                    client2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                for _ in 0..count {
                    let frames = [Ok::<_, Infallible>(Frame::data(message()))];
                    let request = Request::post("http://api.example.com/pets.v1.Pets/Get")
                        .header("content-type", "application/grpc")
                        .header("te", "trailers")
                        .header("user-agent", "grpc-bench/1")
                        .body(StreamBody::new(tokio_stream::iter(frames)))
                        .unwrap();
                    let response = sender.send_request(request).await.unwrap();
                    let body = response.into_body().collect().await.unwrap();
                    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
                    assert_eq!(body.to_bytes().len(), KB + 5);
                }
            }
        }
    });
}

/// Instructions of a proxy that serves `count` requests.
fn instructions(role: &str, name: &str, to: SocketAddr, count: u32) -> Option<u64> {
    let file: PathBuf = std::env::temp_dir().join(format!("forward-{}.out", std::process::id()));
    let before = [
        "valgrind".to_owned(),
        "-q".to_owned(),
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", file.display()),
    ];
    let proxy = Process::start(&before, role, name, Some(to));
    load(Version::of(name), proxy.address, count);
    proxy.end();
    let told = std::fs::read_to_string(&file).ok()?;
    let _ = std::fs::remove_file(&file);
    let line = told.lines().find_map(|line| {
        line.strip_prefix("totals:")
            .or(line.strip_prefix("summary:"))
    })?;
    line.trim().parse().ok()
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [flag, role, name, rest @ ..] = arguments.as_slice()
        && flag == "--role"
    {
        let to = rest.first().map(|to| to.parse().unwrap());
        // For a profiler that watches a proxy.
        if role == "load" {
            return load(Version::of(name), to.unwrap(), 1_000);
        }
        return child(role, Version::of(name), to);
    }
    let counted = Command::new("valgrind").arg("--version").output().is_ok();
    let unit = if counted { "instructions" } else { "µs" };
    println!(
        "{:<14} {:>14} {:>14} {:>8}",
        "case", "bare", "stack", "ratio"
    );
    for name in ["http1 get", "grpc unary"] {
        if !arguments.is_empty() && !arguments.iter().any(|wanted| name.contains(wanted)) {
            continue;
        }
        let version = Version::of(name);
        let backend = Process::start(&[], "backend", name, None);
        let cost = |role: &str| -> f64 {
            if counted {
                let few = instructions(role, name, backend.address, 100).unwrap();
                let many = instructions(role, name, backend.address, 600).unwrap();
                return (many - few) as f64 / 500.0;
            }
            let proxy = Process::start(&[], role, name, Some(backend.address));
            load(version, proxy.address, 2_000);
            let (before, count) = (proxy.ticks(), 20_000);
            load(version, proxy.address, count);
            let ticks = proxy.ticks() - before;
            proxy.end();
            // A tick is a hundredth of a second wherever this runs.
            ticks as f64 * 10_000.0 / f64::from(count)
        };
        let (bare, stack) = (cost("bare"), cost("stack"));
        println!(
            "{name:<14} {bare:>14.1} {stack:>14.1} {:>8.3}  {unit} a request",
            stack / bare
        );
        backend.end();
    }
}
