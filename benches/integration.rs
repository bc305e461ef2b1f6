//! cargo bench --bench integration [-- NAME [COUNT]]
//!
//! What the layers cost in memory, without sockets, as a ratio to the bare backend within one run.
//! With a name, that case alone runs COUNT times, for a profiler that counts instructions.

#![allow(clippy::expect_used)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, Response, header};
use tower::{Layer, Service, ServiceExt};
use tower_apigw::Body;
use tower_apigw::integration::{Integration, IntegrationResponse, Method, Template};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};

const JSON: &str = r#"{"order": {"id": "A-7", "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}], "note": "it's \"fine\""}}"#;

/// Answers at once, with the body that came.
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
        let mut response = Response::new(request.into_body());
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response.headers_mut().insert(
            header::DATE,
            HeaderValue::from_static("Sun, 22 Nov 2026 12:00:00 GMT"),
        );
        ready(Ok(response))
    }
}

type Case = Box<dyn Fn(u32) -> Duration>;

fn request() -> Request<Body> {
    Request::post("/orders/A-7?verbose=yes&page=2")
        .header("host", "api.example.com")
        .header("accept", "*/*")
        .header("user-agent", "bench/1")
        .header("content-type", "application/json")
        .header("x-request-source", "bench")
        .body(Body::from(JSON))
        .expect("a request")
}

fn plan(integration: &Integration) -> Plan {
    Plan::compile(
        integration,
        &Method::new("POST", "/orders/{id}"),
        Stage::new("bench"),
    )
    .expect("a plan")
}

fn run<S>(service: &S, count: u32) -> Duration
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
    S::Error: std::fmt::Debug,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let start = Instant::now();
        for _ in 0..count {
            black_box(service.clone().oneshot(request()).await.expect("an answer"));
        }
        start.elapsed() / count
    })
}

fn main() {
    let proxy = Integration::http_proxy("http://backend.example/v2/{id}")
        .request_parameter("integration.request.path.id", "method.request.path.id");
    let select = Integration::http("POST", "http://backend.example/")
        .response(IntegrationResponse::new(200).selection_pattern("2\\d{2}"))
        .response(IntegrationResponse::new(500));
    let source = "{\"id\": $input.json('$.order.id'), \"note\": \"$util.escapeJavaScript($input.path('$.order.note'))\", \
                  \"lines\": [#foreach($l in $input.path('$.order.lines'))\"$l.sku\"#if($foreach.hasNext),#end#end]}";
    let mapped = Integration::http("POST", "http://backend.example/")
        .request_template("application/json", Template::vtl(source))
        .response(
            IntegrationResponse::new(200)
                .response_template("application/json", Template::vtl("$input.json('$')")),
        );
    let mut cases: Vec<(&str, Case)> = vec![("bare", Box::new(|count| run(&Backend, count)))];
    for (name, integration) in [
        ("proxy", &proxy),
        ("select", &select),
        ("vtl both ways", &mapped),
    ] {
        let service = IntegrationLayer::new(plan(integration)).layer(Backend);
        cases.push((name, Box::new(move |count| run(&service, count))));
    }

    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let Some(name) = arguments.first() {
        let count = arguments
            .get(1)
            .and_then(|count| count.parse().ok())
            .unwrap_or(1000);
        let (_, case) = cases
            .iter()
            .find(|(known, _)| known == name)
            .expect("the name of a case");
        println!("{name}: {:?} a call", case(count));
        return;
    }
    // The smallest of many short batches: what other processes do is left out.
    let mut least = vec![Duration::MAX; cases.len()];
    for _ in 0..60 {
        for (slot, (_, case)) in least.iter_mut().zip(&cases) {
            *slot = (*slot).min(case(200));
        }
    }
    let bare = least.first().copied().unwrap_or_default().as_secs_f64();
    println!("{:<14} {:>12} {:>10}", "case", "a call", "to bare");
    for ((name, _), time) in cases.iter().zip(&least) {
        println!("{name:<14} {time:>12?} {:>10.2}", time.as_secs_f64() / bare);
    }
}
