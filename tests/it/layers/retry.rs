//! The retry layer: what it sends again, with which body and signature, and when it stops.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use http_body_util::BodyExt;
use tower::ServiceBuilder;
use tower::retry::budget::TpsBudget;
use tower_apigw::error::ErrorKind;
use tower_apigw::layer::{DispatchLayer, RetryLayer};
use tower_apigw::target::Target;

use super::*;
use crate::support::{data, frames};

const QUICK: Duration = Duration::from_millis(2);

fn layer(retries: u32) -> RetryLayer {
    RetryLayer::new(retries)
        .pauses(QUICK, QUICK)
        .statuses([StatusCode::SERVICE_UNAVAILABLE])
}

/// What a backend got.
type Log = Arc<Mutex<Vec<String>>>;

/// A backend that fails so many times, by status or by breaking off, and tells what it got.
fn failing(
    failures: usize,
    breaks: bool,
) -> (
    Log,
    impl tower::Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static,
) {
    let log = Log::default();
    let count = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&log);
    let service = service_fn(move |request: Request<Body>| {
        let (log, count) = (Arc::clone(&told), Arc::clone(&count));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let signed = parts.headers.get_all("authorization").iter().count();
            log.lock().unwrap().push(format!(
                "{} {} {signed}",
                parts.method,
                String::from_utf8_lossy(&body)
            ));
            if count.fetch_add(1, Ordering::SeqCst) >= failures {
                return Ok(Response::new(Body::from("done")));
            }
            if breaks {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
            }
            let mut response = Response::new(Body::from("busy"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(response)
        }
    });
    (log, service)
}

#[tokio::test]
async fn what_failed_is_sent_again() {
    for breaks in [false, true] {
        for (method, retries, failures, calls, succeeds) in [
            ("GET", 2, 0, 1, true),
            ("GET", 2, 1, 2, true),
            ("PUT", 2, 2, 3, true),
            ("DELETE", 2, 3, 3, false),
            ("POST", 2, 1, 1, false),
            ("GET", 0, 1, 1, false),
        ] {
            let (log, backend) = failing(failures, breaks);
            let service = ServiceBuilder::new()
                .layer(layer(retries))
                .layer(DispatchLayer::new())
                .service(backend);
            let request = Request::builder().method(method).uri("http://x/");
            let answer = service
                .oneshot(request.body(Body::from("body")).unwrap())
                .await;
            let case = format!("{method} {retries} {failures} {breaks}");
            match answer {
                Ok(response) => assert_eq!(response.status().is_success(), succeeds, "{case}"),
                Err(error) => {
                    assert!(breaks && !succeeds, "{case}");
                    assert_eq!(error.kind(), ErrorKind::Network, "{case}");
                }
            }
            let log = log.lock().unwrap();
            assert_eq!(*log, vec![format!("{method} body 0"); calls], "{case}");
        }
    }
}

#[tokio::test]
async fn a_marked_request_is_sent_again_whatever_its_method() {
    let (log, backend) = failing(1, true);
    let layer = layer(1).and_if(|parts| parts.headers.contains_key("idempotency-key"));
    let service = ServiceBuilder::new().layer(layer).service(backend);
    let request = || Request::post("http://x/").body(Body::empty()).unwrap();
    assert!(service.clone().oneshot(request()).await.is_err());
    let (log_of_marked, backend) = failing(1, true);
    let layer = self::layer(1).and_if(|parts| parts.headers.contains_key("idempotency-key"));
    let service = ServiceBuilder::new().layer(layer).service(backend);
    let mut marked = request();
    marked
        .headers_mut()
        .insert("idempotency-key", http::HeaderValue::from_static("1"));
    assert_eq!(service.oneshot(marked).await.unwrap().status(), 200);
    assert_eq!(log.lock().unwrap().len(), 1);
    assert_eq!(log_of_marked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_stream_is_sent_again_up_to_the_cap() {
    for (cap, calls) in [(6, 2), (5, 1)] {
        let (log, backend) = failing(1, false);
        let service = ServiceBuilder::new()
            .layer(layer(1).max_body(cap))
            .service(backend);
        let (sender, body) = frames(2);
        sender.try_send(data("one")).unwrap();
        sender.try_send(data("two")).unwrap();
        drop(sender);
        let request = Request::put("http://x/").body(Body::new(body)).unwrap();
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status() == 200, calls == 2, "{cap}");
        assert_eq!(*log.lock().unwrap(), vec!["PUT onetwo 0"; calls], "{cap}");
    }
}

#[tokio::test]
async fn a_stream_of_which_nothing_was_read_is_resumed() {
    let calls = Arc::new(AtomicUsize::new(0));
    let backend = service_fn(move |request: Request<Body>| {
        let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                // As when nobody listens.
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
            }
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok(Response::new(Body::from(body)))
        }
    });
    let service = ServiceBuilder::new()
        .layer(layer(1).max_body(0))
        .service(backend);
    let (sender, body) = frames(1);
    sender.try_send(data("much more than the cap")).unwrap();
    drop(sender);
    let request = Request::put("http://x/").body(Body::new(body)).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&text[..], b"much more than the cap");
}

#[tokio::test]
async fn no_attempt_begins_when_the_call_is_over() {
    for (waits, calls) in [(Duration::ZERO, 1), (Duration::from_secs(60), 3)] {
        let (log, backend) = failing(9, false);
        let service = ServiceBuilder::new().layer(layer(2)).service(backend);
        let target = Target::new().deadline(Instant::now() + waits);
        let request = Request::get("http://x/").extension(target);
        let response = service.oneshot(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.unwrap().status(), 503);
        assert_eq!(log.lock().unwrap().len(), calls, "{waits:?}");
    }
}

#[tokio::test]
async fn all_attempts_have_one_deadline() {
    let timeouts = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&timeouts);
    let backend = service_fn(move |request: Request<Body>| {
        let timeout = request.extensions().get::<Target>().unwrap().timeout;
        log.lock().unwrap().push(timeout.unwrap());
        async {
            tokio::time::sleep(Duration::from_millis(80)).await;
            Err::<Response<Body>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        }
    });
    let service = ServiceBuilder::new()
        .layer(layer(100))
        .layer(DispatchLayer::new())
        .service(backend);
    let whole = Duration::from_millis(300);
    let request = Request::get("http://x/")
        .extension(Target::new().timeout(whole))
        .body(Body::empty())
        .unwrap();
    let began = Instant::now();
    let error = service.oneshot(request).await.unwrap_err();
    let lasted = began.elapsed();
    assert!(lasted < whole + Duration::from_millis(200), "{lasted:?}");
    assert!(
        matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Network),
        "{error:?}"
    );
    let timeouts = timeouts.lock().unwrap();
    assert!((2..=4).contains(&timeouts.len()), "{timeouts:?}");
    assert!(timeouts.is_sorted_by(|a, b| a > b), "{timeouts:?}");
}

#[tokio::test]
async fn the_budget_is_for_all_requests() {
    // One in ten, and none in reserve.
    let layer = layer(1).budget(TpsBudget::new(Duration::from_secs(10), 0, 0.1));
    let (log, backend) = failing(usize::MAX, false);
    let service = ServiceBuilder::new().layer(layer).service(backend);
    for _ in 0..100 {
        let request = Request::get("http://x/").body(Body::empty()).unwrap();
        assert_eq!(
            service.clone().oneshot(request).await.unwrap().status(),
            503
        );
    }
    let calls = log.lock().unwrap().len();
    assert!(
        (105..=110).contains(&calls),
        "{calls} calls of 100 requests"
    );
}

#[tokio::test]
async fn a_client_that_broke_off_is_no_reason() {
    let (log, backend) = failing(0, false);
    let service = ServiceBuilder::new()
        .layer(layer(3))
        .layer(DispatchLayer::new())
        .service(backend);
    let (sender, body) = frames(2);
    sender.try_send(data("one")).unwrap();
    sender
        .try_send(Err(std::io::ErrorKind::ConnectionReset.into()))
        .unwrap();
    let request = Request::put("http://x/").body(Body::new(body)).unwrap();
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ClientBody);
    assert!(log.lock().unwrap().is_empty(), "it was not whole");
}

#[cfg(feature = "sigv4")]
#[tokio::test]
async fn each_attempt_is_signed_afresh() {
    use tower_apigw::credentials::Credentials;
    use tower_apigw::layer::SigV4Layer;

    let (log, backend) = failing(2, true);
    let service = ServiceBuilder::new()
        .layer(layer(2))
        .layer(SigV4Layer::new(Credentials::new("AKIDEXAMPLE", "secret")).scope("s3", "eu-west-1"))
        .layer(DispatchLayer::new())
        .service(backend);
    let request = Request::put("http://bucket.example/key")
        .body(Body::from("object"))
        .unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    // One signature each: the one before was never part of the next.
    assert_eq!(*log.lock().unwrap(), vec!["PUT object 1"; 3]);
}

#[cfg(all(feature = "openapi", feature = "client", feature = "server"))]
#[tokio::test]
async fn an_api_sends_again() {
    use tower_apigw::openapi::Api;

    let document = br#"{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {"/a": {"get": {"responses": {},
        "x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET", "uri": "http://x/"}}}}}"#;
    let (log, backend) = failing(1, false);
    let api = Api::from_slice(document).unwrap();
    let get = || Request::get("/a").body(Body::empty()).unwrap();
    let Ok(once) = api
        .clone()
        .into_service(backend.clone())
        .oneshot(get())
        .await;
    assert_eq!(
        (once.status().as_u16(), log.lock().unwrap().len()),
        (503, 1)
    );
    let (log, backend) = failing(1, false);
    let Ok(twice) = api
        .retry(layer(1))
        .into_service(backend)
        .oneshot(get())
        .await;
    assert_eq!(
        (twice.status().as_u16(), log.lock().unwrap().len()),
        (200, 2)
    );
}
