//! Layers call the instance that is ready; a layer of someone else fits at any seam.

use super::*;

/// Panics when it is called without having become ready; takes two polls to become so. Readiness
/// belongs to one instance: a clone is not ready.
struct Strict<S> {
    inner: S,
    polls: u8,
}

fn strict<S>(inner: S) -> Strict<S> {
    Strict { inner, polls: 0 }
}

impl<S: Clone> Clone for Strict<S> {
    fn clone(&self) -> Self {
        strict(self.inner.clone())
    }
}

impl<S, R> Service<R> for Strict<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.polls += 1;
        if self.polls == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        assert!(self.polls > 1, "called before it was ready");
        self.polls = 0;
        self.inner.call(request)
    }
}

/// Calls `service` twice, with a body in memory and with one that comes.
async fn call_twice<S>(mut service: S)
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    for body in [
        Body::from(r#"{"pet": "Rex"}"#),
        streamed(["{\"pet\"", ": \"Rex\"}"]),
    ] {
        let response = service
            .ready()
            .await
            .unwrap()
            .call(post("/7", body))
            .await
            .unwrap();
        assert!(response.status().is_success(), "{response:?}");
    }
}

#[tokio::test]
async fn layers_call_the_instance_that_is_ready() {
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let inner = || strict(service_fn(tell));
    call_twice(BodyMappingLayer::new(Arc::clone(&plan)).layer(inner())).await;
    call_twice(ResponseSelectionLayer::new(Arc::clone(&plan)).layer(inner())).await;
    call_twice(RequestMappingLayer::new(Arc::clone(&plan)).layer(inner())).await;
    call_twice(SigV4Layer::without_credentials().layer(inner())).await;
    // These wait for it within the call.
    call_twice(DispatchLayer::new().layer(inner())).await;
    call_twice(GatewayResponseLayer::new().layer(inner())).await;
    call_twice(IntegrationLayer::new(Arc::clone(&plan)).layer(inner())).await;
    // And every seam between two of them keeps to it.
    let stack = DispatchLayer::new().layer(inner());
    let stack = SigV4Layer::without_credentials().layer(strict(stack));
    let stack = RequestMappingLayer::new(Arc::clone(&plan)).layer(strict(stack));
    let stack = ResponseSelectionLayer::new(Arc::clone(&plan)).layer(strict(stack));
    let stack = BodyMappingLayer::new(plan).layer(strict(stack));
    call_twice(GatewayResponseLayer::new().layer(strict(stack))).await;
}

#[tokio::test]
async fn a_readiness_that_is_not_asked_for_is_noticed() {
    let mut service = SigV4Layer::without_credentials().layer(strict(service_fn(tell)));
    let call = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(service.call(get("/")))
    }));
    assert!(call.is_err(), "the service of these tests would not notice");
}

#[tokio::test]
async fn a_limit_of_concurrency_below_us_holds() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let slow = service_fn(|request: Request<Body>| async {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        NOW.fetch_sub(1, Ordering::SeqCst);
        tell(request).await
    });
    let backend = ConcurrencyLimitLayer::new(2).layer(slow);
    let service = IntegrationLayer::new(plan(&mapped(), "/{id}")).layer(backend);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        calls.spawn(service.clone().oneshot(post("/7", streamed(["{}"]))));
    }
    while let Some(call) = soon("the calls", calls.join_next()).await {
        let Ok(response) = call.unwrap();
        assert_eq!(response.status(), 201);
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_timeout_between_ours_becomes_a_gateway_timeout() {
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let slow = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let service = ServiceBuilder::new()
        .layer(GatewayResponseLayer::new())
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(TimeoutLayer::new(Duration::from_millis(50)))
        .layer(RequestMappingLayer::new(plan))
        .layer(SigV4Layer::without_credentials())
        .layer(DispatchLayer::new())
        .service(slow);
    let Ok(response) = soon("the timeout", service.oneshot(post("/7", "{}"))).await;
    assert_eq!(response.status(), 504);
    let error = response.extensions().get::<Arc<Error>>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        json_of(response).await["message"],
        "Endpoint request timed out"
    );
}

#[tokio::test]
async fn layers_of_tower_http_stand_between_ours() {
    let plan = Arc::new(plan(&mapped(), "/{id}"));
    let name = HeaderName::from_static("x-between");
    let service = ServiceBuilder::new()
        .layer(GatewayResponseLayer::new())
        .layer(TraceLayer::new_for_http())
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(TraceLayer::new_for_http())
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(RequestMappingLayer::new(plan))
        .layer(SetRequestHeaderLayer::overriding(
            name,
            HeaderValue::from_static("yes"),
        ))
        .layer(SigV4Layer::without_credentials())
        .layer(DispatchLayer::new())
        .service_fn(|request: Request<Body>| async move {
            let between = request.headers()["x-between"].clone();
            let name = text(request.into_body()).await;
            let answer = Response::builder().header("x-made", between);
            Ok::<_, Infallible>(
                answer
                    .body(Body::from(format!("{{\"body\": {name}}}")))
                    .unwrap(),
            )
        });
    let Ok(response) = service.oneshot(post("/7", r#"{"pet": "Rex"}"#)).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-from"], "yes");
    assert_eq!(text(response.into_body()).await, "<{name=Rex}>");
}
