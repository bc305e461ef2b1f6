//! The layer: when it signs, what it waits for, how it fails, and that it keeps secrets.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::credentials::{
    Credentials, CredentialsError, CredentialsErrorKind, SharedProvider,
};
use tower_apigw::error::{Error, ErrorKind};
use tower_apigw::layer::{PayloadSigning, SigV4Layer};
use tower_apigw::signing::{self, Identity, SigningKey, Timestamp};
use tower_apigw::target::Target;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "the-secret-access-key";
const TOKEN: &str = "the-session-token";

fn credentials() -> Credentials {
    Credentials::new(ID, SECRET).session_token(TOKEN)
}

/// Answers with the head that came.
async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", value.as_bytes().escape_ascii()).unwrap();
    }
    Ok(Response::new(Body::from(text)))
}

fn request(uri: &str) -> Request<Body> {
    Request::post(uri).body(Body::from("{}")).unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn only_what_asks_for_it_is_signed() {
    let service = SigV4Layer::new(credentials()).layer(service_fn(echo));
    let plain = service
        .clone()
        .oneshot(request("https://a.example/"))
        .await
        .unwrap();
    assert_eq!(text(plain).await, "POST https://a.example/\n");

    let mut asking = request("https://sqs.eu-west-1.amazonaws.com/?b=2&a=1+1");
    asking
        .extensions_mut()
        .insert(Target::new().signed("sqs", "eu-west-1"));
    let signed = text(service.oneshot(asking).await.unwrap()).await;
    for part in [
        "POST https://sqs.eu-west-1.amazonaws.com/?b=2&a=1%201\n",
        "host: sqs.eu-west-1.amazonaws.com\n",
        "x-amz-security-token: the-session-token\n",
        "/eu-west-1/sqs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=",
    ] {
        assert!(signed.contains(part), "no {part:?} in {signed}");
    }
    // The layer says how it differs from the request.
    let fixed = SigV4Layer::new(credentials())
        .scope("ses", "us-east-1")
        .host(HeaderValue::from_static("email.us-east-1.amazonaws.com"))
        .layer(service_fn(echo));
    let signed = text(fixed.oneshot(request("http://127.0.0.1:9/")).await.unwrap()).await;
    assert!(
        signed.contains("host: email.us-east-1.amazonaws.com\n"),
        "{signed}"
    );
    assert!(signed.contains("/us-east-1/ses/aws4_request"), "{signed}");
}

#[tokio::test]
async fn what_a_client_sent_as_its_signature_is_replaced() {
    let service = SigV4Layer::new(Credentials::new(ID, SECRET))
        .scope("execute-api", "eu-west-1")
        .remove_signature(true)
        .layer(service_fn(echo));
    let request = Request::get(
        "https://a.example/?X-Amz-Signature=00&X-Amz-Credential=FAKE&a=1&X-Amz-Security-Token=FAKE",
    )
    .header("authorization", "AWS4-HMAC-SHA256 Credential=FAKE/…")
    .header("x-amz-date", "FAKE")
    .header("x-amz-security-token", "FAKE")
    .header("x-amz-content-sha256", "FAKE")
    .header("x-amz-meta-kept", "yes")
    .body(Body::empty())
    .unwrap();
    let signed = text(service.oneshot(request).await.unwrap()).await;
    assert!(!signed.contains("FAKE"), "{signed}");
    assert!(
        signed.starts_with("GET https://a.example/?a=1\n"),
        "{signed}"
    );
    assert!(
        signed.contains("SignedHeaders=host;x-amz-date;x-amz-meta-kept,"),
        "{signed}"
    );
}

#[tokio::test]
async fn failures_have_their_kinds() {
    let fail = |layer: SigV4Layer, request: Request<Body>| async move {
        let service = layer.scope("sqs", "eu-west-1").layer(service_fn(echo));
        let error: Error = service.oneshot(request).await.unwrap_err();
        (error.kind(), error.to_string())
    };
    let none = SharedProvider::new(|| async {
        Err(CredentialsError::new(
            CredentialsErrorKind::Missing,
            "the vault is empty",
        ))
    });
    let (kind, message) = fail(SigV4Layer::new(none), request("https://a.example/")).await;
    assert_eq!(
        (kind, message.as_str()),
        (ErrorKind::Credentials, "the vault is empty")
    );

    let (kind, _) = fail(SigV4Layer::new(credentials()), request("/no/host")).await;
    assert_eq!(kind, ErrorKind::Configuration);

    let over = Body::new(Body::from("0123456789").map_frame(|frame| frame));
    let request = Request::post("https://a.example/").body(over).unwrap();
    let limited = SigV4Layer::new(credentials()).collect_limit(9);
    let (kind, _) = fail(limited, request).await;
    assert_eq!(kind, ErrorKind::RequestTooLarge);

    // Nothing is sent unsigned.
    let asking = Request::get("https://a.example/")
        .extension(Target::new().signed("sqs", "eu-west-1"))
        .body(Body::empty())
        .unwrap();
    let bare = SigV4Layer::without_credentials().layer(service_fn(echo));
    let error: Error = bare.oneshot(asking).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

#[tokio::test]
async fn credentials_are_awaited_once_and_the_ready_service_is_called() {
    static ASKED: Mutex<u32> = Mutex::new(0);
    let provider = SharedProvider::new(|| async {
        tokio::task::yield_now().await;
        *ASKED.lock().unwrap() += 1;
        Ok(Credentials::new(ID, SECRET))
    });
    let layer = SigV4Layer::new(provider).scope("sqs", "eu-west-1");
    // Its clones are not ready: it panics when they are called.
    let one_at_a_time = tower::limit::ConcurrencyLimit::new(service_fn(echo), 1);
    let mut service = layer.layer(one_at_a_time);
    for _ in 0..3 {
        let ready = ServiceExt::<Request<Body>>::ready(&mut service);
        let answer = ready
            .await
            .unwrap()
            .call(request("https://a.example/"))
            .await
            .unwrap();
        assert!(text(answer).await.contains("Signature="));
    }
    assert_eq!(*ASKED.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_role_signs_where_roles_are_assumed() {
    let role = "arn:aws:iam::123456789012:role/api";
    let asking = || {
        let target = Target::new().signed("sqs", "eu-west-1").role(role);
        let mut request = request("https://a.example/");
        request.extensions_mut().insert(target);
        request
    };
    let own = SharedProvider::new(credentials());
    let service = SigV4Layer::new(own.clone()).layer(service_fn(echo));
    let signed = text(service.oneshot(asking()).await.unwrap()).await;
    assert!(signed.contains("Credential=AKIDEXAMPLE/"), "{signed}");

    let assuming = own.assume_roles(|role: String| async move {
        assert!(role.ends_with("role/api"));
        Ok(Credentials::new("ASSUMED", "other"))
    });
    let service = SigV4Layer::new(assuming).layer(service_fn(echo));
    for _ in 0..2 {
        let signed = text(service.clone().oneshot(asking()).await.unwrap()).await;
        assert!(signed.contains("Credential=ASSUMED/"), "{signed}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_tells_its_length() {
    let service = SigV4Layer::new(credentials())
        .scope("s3", "eu-west-1")
        .payload(PayloadSigning::Chunks)
        .layer(service_fn(|request: Request<Body>| async move {
            let length = request.headers()["content-length"]
                .to_str()
                .unwrap()
                .to_owned();
            let headers = request.headers().clone();
            let body = request.into_body();
            let hint = http_body::Body::size_hint(&body).exact();
            let read = body.collect().await.unwrap().to_bytes();
            assert_eq!(read.len().to_string(), length);
            assert_eq!(hint, Some(read.len() as u64));
            assert_eq!(headers["x-amz-decoded-content-length"], "70000");
            assert_eq!(headers["content-encoding"], "aws-chunked,gzip");
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let request = Request::put("https://b.example/key")
        .header("content-encoding", "gzip")
        .body(Body::from(vec![b'x'; 70_000]))
        .unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
}

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        attributes.record(&mut Fields(&mut self.0.lock().unwrap()));
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{}", event.metadata().level()).unwrap();
        event.record(&mut Fields(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Fields<'a>(&'a mut String);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

/// What a service has read that lost the query on the way.
fn canonical_request_of_a_service() -> String {
    let time = Timestamp::from(noon());
    let identity = Identity {
        access_key_id: ID,
        secret_access_key: SECRET,
        session_token: Some(TOKEN),
    };
    let key = SigningKey::derive(&identity, time, "eu-west-1", "sqs").unwrap();
    let request = Request::post("https://a.example/queue").body(()).unwrap();
    let (mut head, ()) = request.into_parts();
    let settings = signing::Settings::of_service("sqs");
    let payload = signing::Payload::of(b"{}");
    let signature = signing::sign(&mut head, &key, time, &payload, &settings).unwrap();
    String::from_utf8(signature.canonical_request().to_vec()).unwrap()
}

fn answer_of_s3() -> String {
    let canonical = canonical_request_of_a_service().replace('&', "&amp;");
    format!(
        "<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>{canonical}</CanonicalRequest></Error>"
    )
}

fn answer_of_api_gateway() -> String {
    let canonical = canonical_request_of_a_service();
    let message = format!(
        "The request signature we calculated does not match the signature you provided.\n\n\
         The Canonical String for this request should have been\n'{canonical}'\n\n\
         The String-to-Sign should have been\n'AWS4-HMAC-SHA256'\n"
    );
    serde_json::json!({ "message": message }).to_string()
}

#[tokio::test]
async fn what_a_service_would_have_signed_is_told_without_secrets() {
    for answer in [answer_of_s3(), answer_of_api_gateway()] {
        let expected = answer.clone();
        let refusing = service_fn(move |_: Request<Body>| {
            let body = Body::new(Body::from(answer.clone()).map_frame(|frame| frame));
            let response = Response::builder().status(StatusCode::FORBIDDEN).body(body);
            std::future::ready(Ok::<_, Infallible>(response.unwrap()))
        });
        let layer = SigV4Layer::new(credentials())
            .scope("sqs", "eu-west-1")
            .clock(noon);
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let sent = request("https://a.example/queue?password=geheim&a=1");
        let response = layer.layer(refusing).oneshot(sent).await.unwrap();
        drop(guard);
        assert_eq!(response.status(), 403);
        assert_eq!(text(response).await, expected);
        let log = log.0.lock().unwrap().clone();
        assert!(
            log.contains(r#"query: signed "a=1&password=(6 bytes)", the service has """#),
            "{log}"
        );
        assert_eq!(log.matches("WARN").count(), 1, "{log}");
        for secret in [SECRET, TOKEN, "geheim"] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

#[tokio::test]
async fn secrets_stand_in_no_log_no_error_and_no_debug() {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let mut shown = String::new();
    let provider = SharedProvider::new(credentials());
    let layer = SigV4Layer::new(provider.clone())
        .scope("sqs", "eu-west-1")
        .clock(noon);
    let service = layer.layer(service_fn(echo));
    let future = service.clone().oneshot(request(
        "https://a.example/?a=b c".replace(' ', "+").as_str(),
    ));
    write!(
        shown,
        "{provider:?} {layer:?} {service:?} {:?}",
        credentials()
    )
    .unwrap();
    let answer = future.await.unwrap();
    write!(shown, "{answer:?}").unwrap();
    // What is signed wrongly, and what cannot be signed.
    let broken = Credentials::new(ID, SECRET).session_token(format!("{TOKEN}\n"));
    let broken = SigV4Layer::new(broken).scope("sqs", "eu-west-1");
    let error: Error = broken
        .layer(service_fn(echo))
        .oneshot(request("https://a.example/"))
        .await
        .unwrap_err();
    write!(shown, "{error} {error:?}").unwrap();
    // A renewal that fails, an expired one.
    let expired = SharedProvider::new(credentials().expires_at(SystemTime::UNIX_EPOCH));
    let error = expired.own().await.unwrap_err();
    assert_eq!(error.kind(), CredentialsErrorKind::Expired);
    write!(shown, "{error} {error:?}").unwrap();

    let identity = Identity {
        access_key_id: ID,
        secret_access_key: SECRET,
        session_token: Some(TOKEN),
    };
    let time = Timestamp::from(noon());
    let key = SigningKey::derive(&identity, time, "eu-west-1", "sqs").unwrap();
    let (mut head, ()) = Request::get("https://a.example/")
        .body(())
        .unwrap()
        .into_parts();
    let settings = signing::Settings::of_service("sqs");
    let payload = signing::Payload::empty();
    let signature = signing::sign(&mut head, &key, time, &payload, &settings).unwrap();
    write!(shown, "{identity:?} {key:?} {signature:?} {head:?}").unwrap();
    let encoder = signing::chunked::Encoder::signed(Arc::new(key), time, &signature);
    write!(shown, "{encoder:?}").unwrap();
    drop(guard);
    shown.push_str(&log.0.lock().unwrap());
    assert!(shown.contains(ID));
    for secret in [SECRET, TOKEN] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
