//! cargo bench --bench signing [-- NAME [COUNT]]
//!
//! What a signature of a POST of 1 KB costs: our layer, our signer alone, and AWS's crate
//! `aws-sigv4`, as ratios to the last within one run. With a name, that case alone runs COUNT times, for a
//! profiler that counts instructions.

#![allow(clippy::expect_used)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity as TheirIdentity;
use http::{Request, Response};
use tower::{Layer, Service};
use tower_apigw::Body;
use tower_apigw::credentials::Credentials;
use tower_apigw::layer::SigV4Layer;
use tower_apigw::signing::{Identity, Payload, Settings, SigningKey, Timestamp, sign};

static BODY: [u8; 1024] = [b'x'; 1024];
const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Answers at once.
#[derive(Clone)]
struct Backend;

impl Service<Request<Body>> for Backend {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Body::empty())))
    }
}

fn request() -> Request<Body> {
    Request::post("https://api.example.com/v1/orders/A-7?page=2&verbose=yes&a=b")
        .header("host", "api.example.com")
        .header("accept", "*/*")
        .header("user-agent", "bench/1")
        .header("content-type", "application/json")
        .header("x-request-source", "bench")
        .body(Body::from(bytes::Bytes::from_static(&BODY)))
        .expect("a request")
}

fn times(count: u32, mut once: impl FnMut()) -> Duration {
    // The first one derives the key.
    once();
    let start = Instant::now();
    for _ in 0..count {
        once();
    }
    start.elapsed() / count
}

fn layer(layer: &SigV4Layer, count: u32) -> Duration {
    let mut service = layer.layer(Backend);
    times(count, || {
        let answer = tower_service_call(&mut service, request());
        black_box(answer);
    })
}

/// Nothing here is ever pending.
fn tower_service_call<S>(service: &mut S, request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    let answer = std::pin::pin!(service.call(request)).poll(&mut cx);
    match answer {
        Poll::Ready(answer) => answer.expect("an answer"),
        Poll::Pending => unreachable!("the backend answers at once"),
    }
}

fn ours(count: u32) -> Duration {
    let identity = Identity {
        access_key_id: ID,
        secret_access_key: SECRET,
        session_token: None,
    };
    let now = Timestamp::from(SystemTime::now());
    let key = SigningKey::derive(&identity, now, "eu-west-1", "execute-api").expect("a key");
    let settings = Settings::of_service("execute-api");
    times(count, || {
        let (mut head, body) = request().into_parts();
        let time = Timestamp::from(SystemTime::now());
        let bytes = body.as_bytes().unwrap_or_default();
        let signature = sign(&mut head, &key, time, &Payload::of(&bytes), &settings);
        black_box((head, signature.is_ok()));
    })
}

fn theirs(count: u32) -> Duration {
    let credentials = aws_credential_types::Credentials::new(ID, SECRET, None, None, "bench");
    let identity: TheirIdentity = credentials.into();
    times(count, || {
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("execute-api")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let mut request = request().map(|_| ());
        let uri = request.uri().to_string();
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable =
            SignableRequest::new("POST", uri, headers, SignableBody::Bytes(&BODY)).expect("one");
        let signed = aws_sigv4::http_request::sign(signable, &params).expect("a signature");
        let (instructions, signature) = signed.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        black_box((request, signature));
    })
}

type Case = (&'static str, Box<dyn Fn(u32) -> Duration>);

fn main() {
    let signing = SigV4Layer::new(Credentials::new(ID, SECRET)).scope("execute-api", "eu-west-1");
    let plain = SigV4Layer::without_credentials();
    let cases: [Case; 4] = [
        ("aws-sigv4", Box::new(theirs)),
        ("signer", Box::new(ours)),
        ("layer", Box::new(move |count| layer(&signing, count))),
        ("unsigned", Box::new(move |count| layer(&plain, count))),
    ];
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let Some(name) = arguments.first() {
        let count = arguments.get(1).and_then(|count| count.parse().ok());
        let (_, case) = cases
            .iter()
            .find(|(known, _)| known == name)
            .expect("the name of a case");
        println!("{name}: {:?} a call", case(count.unwrap_or(1000)));
        return;
    }
    // The smallest of many short batches: what other processes do is left out.
    let mut least = [Duration::MAX; 4];
    for _ in 0..60 {
        for (slot, (_, case)) in least.iter_mut().zip(&cases) {
            *slot = (*slot).min(case(200));
        }
    }
    let theirs = least.first().copied().unwrap_or_default().as_secs_f64();
    println!("{:<10} {:>12} {:>13}", "case", "a call", "to aws-sigv4");
    for ((name, _), time) in cases.iter().zip(&least) {
        println!(
            "{name:<10} {time:>12?} {:>13.2}",
            time.as_secs_f64() / theirs
        );
    }
}
