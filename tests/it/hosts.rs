//! The layers around what people have: axum handlers, hyper's client, tonic services; and an API as
//! a part of an axum application.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::handler::HandlerWithoutStateExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Status;
use tonic_health::pb::health_client::HealthClient;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::error::{BoxError, Error, ErrorKind};
use tower_apigw::integration::{Integration, IntegrationResponse};
use tower_apigw::layer::{
    BodyMappingLayer, DispatchLayer, GatewayResponseLayer, IntegrationLayer, RequestMappingLayer,
    ResponseSelectionLayer, SigV4Layer,
};
use tower_apigw::mapping::Plan;

use crate::support::{listen, plan, proxy, soon, text};

/// A shop that knows its pets by JSON.
async fn handler(request: Request<axum::body::Body>) -> Response<String> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let status = if parts.uri.path().ends_with("/0") {
        404
    } else {
        200
    };
    let answer = format!(
        r#"{{"did": "{} {}", "with": {body}}}"#,
        parts.method, parts.uri
    );
    Response::builder()
        .status(status)
        .header("x-shop", "open")
        .body(answer)
        .unwrap()
}

/// `PUT`s what the client posts, and takes the answer apart.
fn shop(authority: impl std::fmt::Display) -> Arc<Plan> {
    let integration = Integration::http("PUT", format!("http://{authority}/shop/{{id}}"))
        .request_parameter("integration.request.path.id", "method.request.path.id")
        .request_template("application/json", r#"{"name": $input.json('$.pet')}"#)
        .response(
            IntegrationResponse::new(200)
                .response_parameter(
                    "method.response.header.x-shop",
                    "integration.response.header.x-shop",
                )
                .response_template(
                    "application/json",
                    "$input.path('$.did'): $input.path('$.with.name')",
                ),
        )
        .response(IntegrationResponse::new(410).selection_pattern("404"));
    Arc::new(plan(&integration, "/pets/{id}"))
}

fn rex(id: u8) -> Request<Body> {
    let request = Request::post(format!("/pets/{id}")).header("content-type", "application/json");
    request.body(Body::from(r#"{"pet": "Rex"}"#)).unwrap()
}

/// Posts to the shop through `service`; `at` is where its backend saw the requests.
async fn check_shop<S, R>(service: S, at: &str)
where
    S: Service<Request<Body>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
    R: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let response = soon("the shop", service.clone().oneshot(rex(7)))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-shop"], "open");
    assert!(response.headers().contains_key("x-amzn-requestid"));
    assert_eq!(
        text(Body::new(response.into_body())).await,
        format!("PUT {at}/shop/7: Rex")
    );
    let response = soon("the shop", service.oneshot(rex(0))).await.unwrap();
    assert_eq!(response.status(), 410);
    assert!(!response.headers().contains_key("x-shop"));
}

/// Serves an axum application on loopback.
async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

// axum

#[tokio::test]
async fn around_an_axum_handler() {
    let at = "http://inside";
    let layer = || IntegrationLayer::new(shop("inside"));
    check_shop(layer().layer(handler.into_service()), at).await;
    // What insists on axum's own body is adapted.
    let adapted = ServiceBuilder::new()
        .map_request(|request: Request<Body>| request.map(axum::body::Body::new))
        .service(tower::service_fn(|request| async {
            Ok::<_, Infallible>(handler(request).await)
        }));
    check_shop(layer().layer(adapted), at).await;
    // A router is a service, too.
    let inner = Router::new().route("/shop/{id}", axum::routing::put(handler));
    check_shop(layer().layer(inner), at).await;
}

#[tokio::test]
async fn as_a_route_of_an_axum_application() {
    let service = IntegrationLayer::new(shop("inside")).layer(handler.into_service());
    let router = Router::new()
        .route("/", axum::routing::get(|| async { "home" }))
        .route_service("/pets/{id}", service)
        .layer(tower_http::trace::TraceLayer::new_for_http());
    let by_hand = router
        .clone()
        .map_request(|request: Request<Body>| request.map(axum::body::Body::new));
    check_shop(by_hand, "http://inside").await;
    // And over a socket, with a client of hyper.
    let address = serve(router).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let to_server = client.map_request(move |mut request: Request<Body>| {
        *request.uri_mut() = format!("http://{address}{}", request.uri())
            .parse()
            .unwrap();
        request
    });
    check_shop(to_server, "http://inside").await;
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn an_api_is_nested_in_an_axum_application() {
    let backend = serve(Router::new().fallback(handler)).await;
    let document = format!(
        r#"
openapi: 3.0.1
info: {{title: pets, version: '1'}}
paths:
  /pets/{{id}}:
    get:
      parameters: [{{name: id, in: path, required: true, schema: {{type: string}}}}]
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        uri: http://{backend}/shop/{{id}}
        requestParameters: {{integration.request.path.id: method.request.path.id}}
"#
    );
    let api = tower_apigw::openapi::Api::from_slice(document.as_bytes()).unwrap();
    let router = Router::new()
        .route("/health", axum::routing::get(|| async { "well" }))
        .nest("/api", api.clone().into_router(HttpClient::new()))
        .route("/api/own", axum::routing::get(|| async { "own" }))
        .layer(tower_http::trace::TraceLayer::new_for_http())
        .layer(tower_http::set_header::SetResponseHeaderLayer::overriding(
            http::header::SERVER,
            http::HeaderValue::from_static("ours"),
        ));
    let get = |path: &'static str| {
        let router = router.clone();
        async move {
            let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
            let Ok(response) = soon(path, router.oneshot(request)).await;
            assert_eq!(response.headers()["server"], "ours");
            (
                response.status().as_u16(),
                text(Body::new(response.into_body())).await,
            )
        }
    };
    let (status, body) = get("/api/pets/7?page=2").await;
    assert_eq!(status, 200);
    assert!(body.contains("GET /shop/7?page=2"), "{body}");
    assert_eq!(get("/health").await, (200, "well".to_owned()));
    assert_eq!(get("/api/own").await, (200, "own".to_owned()));
    assert_eq!(
        get("/api/other").await,
        (
            403,
            r#"{"message":"Missing Authentication Token"}"#.to_owned()
        )
    );
    assert_eq!(get("/pets/7").await.0, 404);

    // Merged, it answers what the application does not know.
    let router = Router::new()
        .route("/health", axum::routing::get(|| async { "well" }))
        .merge(api.into_router(HttpClient::new()));
    for (path, status) in [
        ("/health", 200),
        ("/pets/7", 200),
        ("/pets/0", 404),
        ("/other", 403),
    ] {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let Ok(response) = soon(path, router.clone().oneshot(request)).await;
        assert_eq!(response.status(), status, "{path}");
    }
}

// hyper's client

#[tokio::test]
async fn around_clients_over_real_sockets() {
    let backend = serve(Router::new().fallback(handler)).await;
    // axum sees the path alone; it comes with no authority.
    check_shop(
        IntegrationLayer::new(shop(backend)).layer(HttpClient::new()),
        "",
    )
    .await;
    let bare: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    check_shop(IntegrationLayer::new(shop(backend)).layer(bare.clone()), "").await;

    let plan = shop(backend);
    let by_hand = ServiceBuilder::new()
        .layer(GatewayResponseLayer::new())
        .layer(BodyMappingLayer::new(Arc::clone(&plan)))
        .layer(ResponseSelectionLayer::new(Arc::clone(&plan)))
        .layer(RequestMappingLayer::new(plan))
        .layer(SigV4Layer::without_credentials())
        .layer(DispatchLayer::new())
        .service(bare);
    check_shop(by_hand.clone(), "").await;
    check_shop(BoxCloneSyncService::new(by_hand), "").await;
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_a_network_error() {
    // Bound and closed again, so that nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let bare: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let Ok(ours) = IntegrationLayer::new(shop(free))
        .layer(HttpClient::new())
        .oneshot(rex(7))
        .await;
    let Ok(theirs) = IntegrationLayer::new(shop(free))
        .layer(bare)
        .oneshot(rex(7))
        .await;
    for response in [ours, theirs] {
        assert_eq!(response.status(), 504);
        let error = response.extensions().get::<Arc<Error>>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Network);
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_an_error_of_configuration() {
    // Too long for a name, so that no server of names is asked.
    let name = format!("{}.invalid", "a".repeat(64));
    let service = IntegrationLayer::new(shop(name)).layer(HttpClient::new());
    let Ok(response) = soon("the resolver", service.oneshot(rex(7))).await;
    assert_eq!(response.status(), 500);
    let error = response.extensions().get::<Arc<Error>>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

// tonic

fn named(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

/// Makes calls that need the trailers, through what stands between `client` and a health service
/// that knows the name `pets`.
async fn check_health<T>(
    mut client: HealthClient<T>,
    reporter: tonic_health::server::HealthReporter,
) where
    T: tonic::client::GrpcService<tonic::body::Body>,
    T::Error: Into<BoxError>,
    T::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<BoxError> + Send,
{
    let reply = soon("a unary call", client.check(named("pets")))
        .await
        .unwrap();
    assert_eq!(reply.get_ref().status(), Status::Serving);
    // There is no message, so that the status stands in the head.
    let missing = soon("a failed call", client.check(named("cats")))
        .await
        .unwrap_err();
    assert_eq!(
        (missing.code(), missing.message()),
        (Code::NotFound, "service not registered")
    );

    let mut watched = soon("a streaming call", client.watch(named("pets")))
        .await
        .unwrap()
        .into_inner();
    let first = soon("the first message", watched.message()).await.unwrap();
    assert_eq!(first.unwrap().status(), Status::Serving);
    reporter
        .set_service_status("pets", ServingStatus::NotServing)
        .await;
    let second = soon("the second message", watched.message()).await.unwrap();
    assert_eq!(second.unwrap().status(), Status::NotServing);
    let mut reporter = reporter;
    reporter.clear_service_status("pets").await;
    assert!(
        soon("the end", watched.message()).await.unwrap().is_none(),
        "the status is OK"
    );
    let trailers = soon("the trailers", watched.trailers()).await.unwrap();
    assert!(trailers.is_some(), "the stream ended with trailers");
}

#[tokio::test]
async fn around_a_tonic_service() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("pets", ServingStatus::Serving)
        .await;
    let service = IntegrationLayer::new(plan(&proxy("inside"), "/{proxy+}")).layer(health);

    // The trailers as such.
    let message = [0, 0, 0, 0, 6, 0x0a, 4, b'p', b'e', b't', b's'];
    let request = Request::post("/grpc.health.v1.Health/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::from(message.to_vec()))
        .unwrap();
    let Ok(response) = soon("a call", service.clone().oneshot(request)).await;
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned().expect("there are trailers");
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(collected.to_bytes()[..], [0, 0, 0, 0, 2, 8, 1]);

    check_health(
        HealthClient::with_origin(service, "http://outside".parse().unwrap()),
        reporter,
    )
    .await;
}

#[tokio::test]
async fn between_a_tonic_client_and_a_tonic_server() {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("pets", ServingStatus::Serving)
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = listener.local_addr().unwrap();
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(health)
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
    );
    let http2: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let service = IntegrationLayer::new(plan(&proxy(backend), "/{proxy+}")).layer(http2);
    let gateway = listen(service).await;
    let url = format!("http://{}", gateway.address);
    let channel = tonic::transport::Endpoint::from_shared(url)
        .unwrap()
        .connect()
        .await
        .unwrap();
    check_health(HealthClient::new(channel), reporter).await;
}

// Bounds, checked by the compiler

fn service<S, B>(_: &S)
where
    S: Service<Request<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Future + Send + 'static,
    S::Response: Send,
{
}

#[test]
fn stacks_fit_where_applications_want_them() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let layer = IntegrationLayer::new(shop("inside"));
    service::<_, hyper::body::Incoming>(&layer.layer(HttpClient::new()));
    service::<_, axum::body::Body>(&layer.layer(HttpClient::new()));
    service::<_, tonic::body::Body>(&layer.layer(HttpClient::new()));
    let bare: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    service::<_, hyper::body::Incoming>(&layer.layer(bare));
    service::<_, Body>(&layer.layer(handler.into_service()));
    let boxed: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible> =
        BoxCloneSyncService::new(layer.layer(HttpClient::new()));
    service::<_, Body>(&boxed);
    #[cfg(feature = "openapi")]
    {
        let document =
            br#"{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}}"#;
        let api = tower_apigw::openapi::Api::from_slice(document).unwrap();
        let service_of_api = api.into_service(HttpClient::new());
        service::<_, axum::body::Body>(&service_of_api);
        let response = runtime.block_on(service_of_api.oneshot(rex(7)));
        assert_eq!(response.unwrap().status(), 403);
    }
    let Ok(response) = runtime.block_on(layer.layer(handler.into_service()).oneshot(rex(7)));
    assert_eq!(response.status(), 200);
}
