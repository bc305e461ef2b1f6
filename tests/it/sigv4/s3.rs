//! A whole S3 in this process, which verifies: keys with odd names, and bodies in chunks.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tower::{Layer, ServiceExt};
use tower_apigw::Body;
use tower_apigw::credentials::Credentials;
use tower_apigw::layer::{PayloadSigning, SigV4, SigV4Layer};
use tower_apigw::signing::chunked::Checksum;

/// A folder that is gone afterwards.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tower-apigw-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("bucket")).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn s3(folder: &Folder) -> S3Service {
    let mut builder = S3ServiceBuilder::new(FileSystem::new(&folder.0).unwrap());
    builder.set_auth(SimpleAuth::from_single("AKIDEXAMPLE", "the secret"));
    builder.build()
}

fn signing() -> SigV4Layer {
    SigV4Layer::new(Credentials::new("AKIDEXAMPLE", "the secret")).scope("s3", "us-east-1")
}

async fn call(
    service: &SigV4<S3Service>,
    method: Method,
    target: &str,
    body: Body,
) -> (StatusCode, Bytes) {
    let uri = format!("http://s3.localhost:9000{target}");
    let request = Request::builder().method(method).uri(uri).body(body);
    let response: Response<Body> = service.clone().oneshot(request.unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, body)
}

/// A body that does not know its length, in pieces.
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    fn of(bytes: &[u8], length: usize) -> Self {
        Self(bytes.chunks(length).map(Bytes::copy_from_slice).collect())
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

#[tokio::test]
async fn keys_with_odd_names() {
    let folder = Folder::new("keys");
    let service = signing().layer(s3(&folder));
    for (target, key) in [
        ("/bucket/plain", "plain"),
        ("/bucket/a%20blank", "a blank"),
        ("/bucket/a+plus", "a+plus"),
        ("/bucket/b%2Bplus", "b+plus"),
        ("/bucket/at@colon:", "at@colon:"),
        ("/bucket/ü/ሴ", "ü/ሴ"),
        ("/bucket/%C3%A4", "ä"),
        ("/bucket/100%25", "100%"),
        ("/bucket/(a)'b'!*,;=&$", "(a)'b'!*,;=&$"),
        ("/bucket/~tilde", "~tilde"),
        ("/bucket/two//slashes", "two/slashes"),
    ] {
        let body = Body::from(format!("the body of {key}"));
        let (status, answer) = call(&service, Method::PUT, target, body).await;
        assert_eq!(status, 200, "put {target}: {}", answer.escape_ascii());
        let (status, answer) = call(&service, Method::GET, target, Body::empty()).await;
        assert_eq!(status, 200, "get {target}: {}", answer.escape_ascii());
        assert_eq!(answer, format!("the body of {key}"), "{target}");
        // The service has understood the same name.
        assert!(folder.0.join("bucket").join(key).exists(), "{key}");
    }
    let target = "/bucket?list-type=2&prefix=a+b&delimiter=/";
    let (status, answer) = call(&service, Method::GET, target, Body::empty()).await;
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("<Key>a blank</Key>"), "{answer}");
    assert!(!answer.contains("plus"), "{answer}");
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let folder = Folder::new("refused");
    let wrong = Credentials::new("AKIDEXAMPLE", "another secret");
    let service = SigV4Layer::new(wrong)
        .scope("s3", "us-east-1")
        .layer(s3(&folder));
    let (status, answer) = call(&service, Method::PUT, "/bucket/a", Body::from("a")).await;
    assert_eq!(status, 403, "{}", answer.escape_ascii());
    assert!(String::from_utf8_lossy(&answer).contains("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn every_way_to_sign_a_body() {
    let folder = Folder::new("bodies");
    let body: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
    for (name, payload) in [
        ("signed", PayloadSigning::Signed),
        ("unsigned", PayloadSigning::Unsigned),
        ("chunks", PayloadSigning::Chunks),
        ("auto", PayloadSigning::Auto),
        ("trailer", PayloadSigning::ChunksAndTrailer(Checksum::Crc32)),
        (
            "trailer-c",
            PayloadSigning::ChunksAndTrailer(Checksum::Crc32C),
        ),
        (
            "trailer-s",
            PayloadSigning::ChunksAndTrailer(Checksum::Sha256),
        ),
        (
            "unsigned-trailer",
            PayloadSigning::UnsignedChunksAndTrailer(Checksum::Crc32),
        ),
    ] {
        let service = signing().payload(payload).layer(s3(&folder));
        let target = format!("/bucket/{name}");
        let sent = Body::from(body.clone());
        let (status, answer) = call(&service, Method::PUT, &target, sent).await;
        assert_eq!(status, 200, "{name}: {}", answer.escape_ascii());
        let stored = std::fs::read(folder.0.join("bucket").join(name)).unwrap();
        assert_eq!(stored.len(), body.len(), "{name}");
        assert!(stored == body, "{name}: another body was stored");
        let (status, answer) = call(&service, Method::GET, &target, Body::empty()).await;
        assert!(status == 200 && answer == body, "{name}: {status}");
    }
}

#[tokio::test]
async fn a_stream_is_collected_to_be_signed() {
    let folder = Folder::new("stream");
    let service = signing().layer(s3(&folder));
    let sent = Body::new(Pieces::of(&[7; 100_000], 999));
    let (status, answer) = call(&service, Method::PUT, "/bucket/stream", sent).await;
    assert_eq!(status, 200, "{}", answer.escape_ascii());
    let stored = std::fs::read(folder.0.join("bucket/stream")).unwrap();
    assert!(stored == [7; 100_000]);
}

#[tokio::test]
async fn presigned_requests() {
    let folder = Folder::new("presigned");
    let service = signing()
        .presign(std::time::Duration::from_secs(60))
        .layer(s3(&folder));
    let body = Body::from("presigned");
    let (status, answer) = call(&service, Method::PUT, "/bucket/a+b?x-id=PutObject", body).await;
    assert_eq!(status, 200, "{}", answer.escape_ascii());
    let (status, answer) = call(&service, Method::GET, "/bucket/a+b", Body::empty()).await;
    assert!(status == 200 && answer == "presigned", "{status}");

    // One that is older than it may be.
    let late = signing()
        .presign(std::time::Duration::from_secs(60))
        .clock(|| SystemTime::now() - std::time::Duration::from_secs(3600))
        .layer(s3(&folder));
    let (status, _) = call(&late, Method::GET, "/bucket/a+b", Body::empty()).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn what_another_signed_in_chunks_is_signed_anew() {
    let folder = Folder::new("resigned");
    let body: Vec<u8> = (0..150_000_u32).map(|i| (i % 241) as u8).collect();
    for inner in [
        PayloadSigning::Signed,
        PayloadSigning::Chunks,
        PayloadSigning::UnsignedChunksAndTrailer(Checksum::Crc32),
    ] {
        for outer in [
            PayloadSigning::Chunks,
            PayloadSigning::ChunksAndTrailer(Checksum::Crc32C),
            PayloadSigning::UnsignedChunksAndTrailer(Checksum::Crc32),
        ] {
            let real = signing().payload(inner).layer(s3(&folder));
            let fake = SigV4Layer::new(Credentials::new("FAKE", "fake").session_token("fake"))
                .scope("s3", "us-east-1")
                .payload(outer);
            let request = Request::put("http://s3.localhost:9000/bucket/anew")
                .header("content-encoding", "identity")
                .body(Body::from(body.clone()))
                .unwrap();
            let response = fake.layer(real).oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200, "{outer:?} to {inner:?}");
            let stored = std::fs::read(folder.0.join("bucket/anew")).unwrap();
            assert!(stored == body, "{outer:?} to {inner:?}");
        }
    }
}
