//! `responseTransferMode: STREAM`.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::backend::{Functions, LambdaEvent};
use tower_apigw::credentials::Credentials;
use tower_apigw::error::ErrorKind;
use tower_apigw::integration::{Integration, Method, ResponseTransferMode};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};

use super::{Answered, arn, call};

const ARN: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2021-11-15/functions/f/response-streaming-invocations";
const NULS: &[u8] = &[0; 8];

fn streaming(uri: &str) -> Integration {
    let mut integration = Integration::lambda_proxy(uri);
    integration.response_transfer_mode = Some(ResponseTransferMode::Stream);
    integration
}

/// A body of parts, which ends or breaks off; or waits for ever after them.
#[derive(Clone)]
struct Parts {
    parts: VecDeque<Bytes>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    Broken,
    Never,
}

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match (self.parts.pop_front(), self.end) {
            (Some(part), _) => Poll::Ready(Some(Ok(Frame::data(part)))),
            (None, End::Whole) => Poll::Ready(None),
            (None, End::Broken) => {
                self.end = End::Whole;
                Poll::Ready(Some(Err(io::Error::other("cut"))))
            }
            (None, End::Never) => Poll::Pending,
        }
    }
}

fn body(parts: &[&[u8]], end: End) -> Parts {
    Parts {
        parts: parts
            .iter()
            .map(|part| Bytes::copy_from_slice(part))
            .collect(),
        end,
    }
}

async fn stream(integration: &Integration, parts: Parts) -> Answered {
    let function = service_fn(move |_: LambdaEvent<Bytes>| {
        std::future::ready(Ok::<_, io::Error>(Body::new(parts.clone())))
    });
    let functions = Functions::local().raw_function("f", function);
    let request = Request::get("/").body(Body::empty()).unwrap();
    call(
        integration,
        &Method::new("GET", "/"),
        Stage::default(),
        functions,
        request,
    )
    .await
}

#[tokio::test]
async fn metadata_then_bytes() {
    let parts = body(
        &[
            br#"{"statusCode":206,"headers":{"x-a":"1"},"cook"#,
            br#"ies":["a=1","b=2"]}"#,
            b"\0\0\0",
            b"\0\0\0\0\0",
            b"one ",
            b"two\0",
        ],
        End::Whole,
    );
    let answered = stream(&streaming(ARN), parts).await;
    assert_eq!(answered.error, "");
    assert_eq!(answered.response.status(), 206);
    assert_eq!(answered.response.headers()["x-a"], "1");
    let cookies = answered.response.headers().get_all("set-cookie").iter();
    assert_eq!(cookies.collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(answered.body, b"one two\0");
    assert!(!answered.broke_off);
}

#[tokio::test]
async fn what_does_not_conform_is_500() {
    for (parts, reason) in [
        (
            &[&br#"{"statusCode":200}"#[..]][..],
            "ended before its metadata",
        ),
        (&[&b"no json"[..], NULS], "malformed"),
        (
            &[&br#"{"statusCode":200,"body":"x"}"#[..], NULS],
            "unknown member \"body\"",
        ),
        (&[&[b' '; 20_000][..]], "16 KiB"),
    ] {
        let answered = stream(&streaming(ARN), body(parts, End::Whole)).await;
        assert_eq!(answered.response.status(), 500, "{reason}");
        assert!(answered.error.contains(reason), "{}", answered.error);
    }
}

#[tokio::test]
async fn an_error_after_the_first_byte_cuts_the_stream() {
    let answered = stream(&streaming(ARN), body(&[b"{}", NULS, b"start"], End::Broken)).await;
    assert_eq!(answered.response.status(), 200);
    assert_eq!(answered.body, b"start");
    assert!(answered.broke_off);
}

#[tokio::test]
async fn the_head_goes_out_before_the_body_ends() {
    let parts = body(&[b"{}", NULS], End::Never);
    let function = service_fn(move |_: LambdaEvent<Bytes>| {
        std::future::ready(Ok::<_, io::Error>(Body::new(parts.clone())))
    });
    let functions = Functions::local().raw_function("f", function);
    let plan = Plan::compile(&streaming(ARN), &Method::new("GET", "/"), Stage::default()).unwrap();
    let service = IntegrationLayer::new(plan).layer(functions);
    let request = Request::get("/").body(Body::empty()).unwrap();
    // The body never ends; this would not come back if it were collected.
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn address_and_mode_have_to_agree() {
    for integration in [Integration::lambda_proxy(ARN), streaming(&arn("f"))] {
        let answered = stream(&integration, body(&[b"{}", NULS], End::Whole)).await;
        assert_eq!(answered.response.status(), 500);
        assert!(
            answered
                .error
                .starts_with(&format!("{:?}", ErrorKind::Configuration))
        );
    }
}

/// A frame of `application/vnd.amazon.eventstream`.
fn frame(event: &str, payload: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [(":event-type", event), (":message-type", "event")] {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let total = u32::try_from(16 + headers.len() + payload.len()).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
    out.extend(crc(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload);
    out.extend(crc(&out).to_be_bytes());
    out
}

/// Bit by bit, unlike the code under test.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

async fn framed(stream: Vec<u8>) -> Answered {
    let backend = service_fn(move |request: Request<Body>| {
        assert!(
            request
                .uri()
                .path()
                .ends_with("/functions/f/response-streaming-invocations")
        );
        assert!(request.headers().contains_key("authorization"));
        // In parts that have nothing to do with the frames.
        let parts: Vec<&[u8]> = stream.chunks(13).collect();
        let mut response = Response::new(Body::new(body(&parts, End::Whole)));
        let media_type = http::HeaderValue::from_static("application/vnd.amazon.eventstream");
        response.headers_mut().insert("content-type", media_type);
        std::future::ready(Ok::<_, io::Error>(response))
    });
    let plan = Plan::compile(&streaming(ARN), &Method::new("GET", "/"), Stage::default()).unwrap();
    let layer = IntegrationLayer::new(plan).credentials(Credentials::new("AKIDEXAMPLE", "secret"));
    let service = layer.layer(backend);
    let request = Request::get("/").body(Body::empty()).unwrap();
    super::answered(service.oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn frames_of_lambda_are_taken_off() {
    let mut whole = frame("PayloadChunk", b"{\"statusCode\":201}\0\0\0\0\0");
    whole.extend(frame("PayloadChunk", b"\0\0\0he"));
    whole.extend(frame("PayloadChunk", b"llo"));
    let cut = whole.clone();
    let mut failed = whole.clone();
    whole.extend(frame("InvokeComplete", b"{}"));
    failed.extend(frame(
        "InvokeComplete",
        br#"{"ErrorCode":"Unhandled","ErrorDetails":"x"}"#,
    ));
    for (stream, broke_off) in [(whole, false), (cut, true), (failed, true)] {
        let answered = framed(stream).await;
        assert_eq!(answered.response.status(), 201);
        assert_eq!(answered.body, b"hello");
        assert_eq!(answered.broke_off, broke_off);
    }
    let early = framed(frame(
        "InvokeComplete",
        br#"{"ErrorCode":"Unhandled","ErrorDetails":"boom"}"#,
    ))
    .await;
    assert_eq!(early.response.status(), 502);
    assert!(early.error.contains("boom"), "{}", early.error);
}
