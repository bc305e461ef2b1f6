//! `apigw sign`, run as a user runs it, in front of an S3 that verifies.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::Child;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::credentials::Credentials;
use tower_apigw::layer::{PayloadSigning, SigV4Layer};
use tower_apigw::server::Server;
use tower_apigw::signing::chunked::Checksum;

use super::s3::Folder;
use crate::cli::{apigw, run};

async fn listen<S>(service: S) -> SocketAddr
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new().serve(listener, service, std::future::pending()));
    address
}

/// A proxy that is killed at the latest when the test ends.
struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    fn new(upstream: SocketAddr, more: &[&str]) -> Self {
        let upstream = format!("http://{upstream}");
        let mut child = apigw()
            .args(["sign", "--upstream", &upstream, "--listen", "127.0.0.1:0"])
            .args(more)
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "the secret")
            .env_remove("AWS_SESSION_TOKEN")
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").map(str::to_owned);
        Self {
            child,
            address: address.unwrap_or_else(|| panic!("{line:?}")),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn send(request: Request<Body>) -> (StatusCode, String) {
    let response = HttpClient::new().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_pass_to_an_s3_that_verifies() {
    let folder = Folder::new("proxy");
    let mut builder = S3ServiceBuilder::new(FileSystem::new(&folder.0).unwrap());
    builder.set_auth(SimpleAuth::from_single("AKIDEXAMPLE", "the secret"));
    let s3 = builder.build();
    let s3 = service_fn(move |request: Request<Body>| {
        let s3 = s3.clone();
        async move {
            let response = s3.oneshot(request).await.unwrap();
            Ok::<_, Infallible>(response.map(Body::new))
        }
    });
    let proxy = Proxy::new(
        listen(s3).await,
        &["--service", "s3", "--region", "us-east-1"],
    );
    let body: Vec<u8> = (0..300_000_u32).map(|i| (i % 239) as u8).collect();
    let uri = |key: &str| format!("{}/bucket/{key}", proxy.address);
    let stored = |key: &str| std::fs::read(folder.0.join("bucket").join(key)).unwrap();

    // Short, long, and as a client of AWS would send it, signed with what it was given instead of
    // credentials.
    let put = |key: &str, body: Vec<u8>| Request::put(uri(key)).body(Body::from(body)).unwrap();
    let (status, answer) = send(put("short+one", b"short".to_vec())).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(stored("short+one"), b"short");
    let (status, answer) = send(put("long", body.clone())).await;
    assert_eq!(status, 200, "{answer}");
    assert!(stored("long") == body);
    let fake = SigV4Layer::new(Credentials::new("FAKE", "fake").session_token("fake"))
        .scope("s3", "eu-north-1")
        .payload(PayloadSigning::ChunksAndTrailer(Checksum::Crc32));
    let client = fake.layer(HttpClient::new());
    let response = client.oneshot(put("sdk", body.clone())).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(stored("sdk") == body);
    let get = Request::get(uri("short%2Bone?X-Amz-Signature=fake"));
    let (status, answer) = send(get.body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), answer.as_str()), (200, "short"));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_clients() {
    let echo = service_fn(|request: Request<Body>| async move {
        let names: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect();
        Ok::<_, Infallible>(Response::new(Body::from(names.concat())))
    });
    let proxy = Proxy::new(
        listen(echo).await,
        &[
            "--name",
            "es",
            "--region",
            "eu-west-1",
            "--strip",
            "X-Secret",
            "--duplicate-header",
            "Authorization",
            "--custom-header",
            "X-Env=test",
            "--sign-host",
            "search.eu-west-1.es.amazonaws.com",
        ],
    );
    let request = Request::get(format!("{}/_search?q=a+b", proxy.address))
        .header("x-secret", "gone")
        .header("authorization", "Bearer mine")
        .header("connection", "x-amz-target, x-mine")
        .header("x-mine", "gone")
        .header("x-amz-target", "kept")
        .header("expect", "100-continue")
        .body(Body::empty())
        .unwrap();
    let (status, seen) = send(request).await;
    assert_eq!(status, 200);
    assert!(!seen.contains("gone") && !seen.contains("expect"), "{seen}");
    for line in [
        "x-original-authorization: Bearer mine\n",
        "x-env: test\n",
        "host: search.eu-west-1.es.amazonaws.com\n",
        "x-amz-target: kept\n",
        "SignedHeaders=host;x-amz-date;x-amz-target,",
    ] {
        assert!(seen.contains(line), "no {line:?} in {seen}");
    }
    let health = Request::get(format!("{}/health", proxy.address));
    let (status, answer) = send(health.body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), answer.as_str()), (200, "ok\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_logged_without_tokens() {
    const ANSWER: &str = "<Message>SignatureDoesNotMatch</Message>x-amz-security-token:the+token\n";
    let refusing = service_fn(|_: Request<Body>| async move {
        let mut response = Response::new(Body::from(ANSWER));
        *response.status_mut() = StatusCode::FORBIDDEN;
        Ok::<_, Infallible>(response)
    });
    let options = ["--service", "s3", "--region", "eu-west-1"];
    let options = [&options[..], &["--log-failed-requests"]].concat();
    let mut proxy = Proxy::new(listen(refusing).await, &options);
    let request = Request::get(format!("{}/bucket/key?list=1", proxy.address));
    let (status, answer) = send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), answer.as_str()), (403, ANSWER));
    proxy.child.kill().unwrap();
    let mut log = String::new();
    let mut stderr = proxy.child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    for part in ["GET", "/bucket/key", "403", "SignatureDoesNotMatch"] {
        assert!(log.contains(part), "no {part} in {log}");
    }
    assert!(!log.contains("the+token"), "{log}");
}

#[test]
fn without_an_upstream_or_credentials() {
    let scope = ["--service", "s3", "--region", "eu-west-1"];
    let sign = |upstream: &'static str| {
        let mut arguments = vec!["sign", "--upstream", upstream];
        arguments.extend(scope);
        arguments
    };
    for upstream in [
        "https://a.example/path",
        "https://a.example:99999",
        "https://a.example:abc",
        "https://user:secret@a.example",
    ] {
        let (code, _, told) = run(&sign(upstream));
        assert_eq!(code, 2, "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
    let mut bare = apigw();
    let bare = bare
        .args(sign("https://a.example"))
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONFIG_FILE", "/none")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/none")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let (code, _, told) = crate::cli::outcome(bare.output().unwrap());
    assert_eq!(code, 1);
    assert!(told.contains("set AWS_ACCESS_KEY_ID and"), "{told}");
}

/// A key with a line end within would make every signature wrong; one behind it is left out (the tests of
/// credentials show that).
#[test]
fn keys_that_are_none_are_told_at_once() {
    let sign = [
        "sign",
        "--upstream=https://a.example",
        "--service=s3",
        "--region=a",
    ];
    let mut twice = apigw();
    let twice = twice
        .args(sign)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "hunter2\nhunter2\n")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let (code, out, told) = crate::cli::outcome(twice.output().unwrap());
    assert_eq!((code, out.as_str()), (1, ""), "{told}");
    assert!(
        told.contains("AWS_SECRET_ACCESS_KEY holds a line end"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
    // A process that writes its secret with a line end.
    let credentials = r#"{"Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": "hunter2\\nx"}"#;
    let profile = crate::cli::Document::new(
        "ini",
        format!("[default]\ncredential_process = printf '{credentials}'\n"),
    );
    let mut process = apigw();
    let process = process
        .args(sign)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_PROFILE")
        .env("AWS_CONFIG_FILE", profile.path())
        .env("AWS_SHARED_CREDENTIALS_FILE", "/none")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let (code, _, told) = crate::cli::outcome(process.output().unwrap());
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("the secret access key holds a line end"),
        "{told}"
    );
    assert!(!told.contains("hunter2"), "{told}");
}
