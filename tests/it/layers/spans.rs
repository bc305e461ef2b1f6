//! What subscribers are told of a request and of the call of its backend, and the traces that both
//! belong to.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tower::load_shed::error::Overloaded;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::integration::{Integration, IntegrationResponse};
use tower_apigw::layer::{GatewayResponseLayer, IntegrationLayer, TraceContextLayer};
use tower_apigw::mapping::ClientAddress;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{data, frames, plan, text};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Collects the spans of this thread.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    spans: Vec<Span>,
    entered: Vec<u64>,
}

#[derive(Debug, Default, Clone)]
struct Span {
    name: &'static str,
    parent: Option<&'static str>,
    /// It is over when nobody holds it.
    holders: usize,
    fields: HashMap<&'static str, String>,
}

impl Visit for Span {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tower_apigw")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut collected = self.0.lock().unwrap();
        let parent = collected.entered.last().copied();
        let parent = parent.map(|id| collected.spans[usize::try_from(id).unwrap() - 1].name);
        let mut span = Span {
            name: attributes.metadata().name(),
            parent,
            holders: 1,
            fields: HashMap::new(),
        };
        attributes.record(&mut span);
        collected.spans.push(span);
        Id::from_u64(collected.spans.len().try_into().unwrap())
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let index = usize::try_from(id.into_u64()).unwrap() - 1;
        values.record(&mut self.0.lock().unwrap().spans[index]);
    }

    fn try_close(&self, id: Id) -> bool {
        let index = usize::try_from(id.into_u64()).unwrap() - 1;
        let span = &mut self.0.lock().unwrap().spans[index];
        span.holders -= 1;
        span.holders == 0
    }

    fn clone_span(&self, id: &Id) -> Id {
        let index = usize::try_from(id.into_u64()).unwrap() - 1;
        self.0.lock().unwrap().spans[index].holders += 1;
        id.clone()
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, id: &Id) {
        self.0.lock().unwrap().entered.push(id.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().entered.pop();
    }
}

impl Spans {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        // With a single subscriber, tracing asks the thread that comes first to a place in the code,
        // which may be another test's, whether anybody wants to know of it.
        static OTHER: LazyLock<tracing::Dispatch> =
            LazyLock::new(|| tracing::Dispatch::new(Spans::default()));
        LazyLock::force(&OTHER);
        tracing::subscriber::set_default(self.clone())
    }

    /// The span of this name, and that there is one.
    fn one(&self, name: &str) -> Span {
        let collected = self.0.lock().unwrap();
        let mut named = collected.spans.iter().filter(|span| span.name == name);
        let Some(span) = named.next().cloned() else {
            panic!("{name}: {:?}", collected.spans)
        };
        assert!(named.next().is_none(), "{name}");
        span
    }
}

impl Span {
    fn check(&self, expected: &[(&str, &str)]) {
        for (name, value) in expected {
            let told = self.fields.get(name).map(String::as_str);
            assert_eq!(told, Some(*value), "{name}: {self:?}");
        }
    }
}

fn request() -> Request<Body> {
    let request = Request::get("/pets/7?token=secret-1")
        .header("host", "api.example.com:8443")
        .header("user-agent", "curl/8")
        .header("x-amzn-requestid", "id")
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("tracestate", "vendor=1")
        .extension(ClientAddress([192, 0, 2, 7].into()));
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_request_is_one_span_however_many_layers_answer_for_it() {
    let integration =
        Integration::http("GET", "http://backend/").response(IntegrationResponse::new(200));
    let plan = Arc::new(plan(&integration, "/pets/{id}"));
    for (shed, status, name, error) in [
        (false, "504", "GET /pets/{id}", Some("Network")),
        (true, "429", "GET", Some("Throttled")),
    ] {
        let spans = Spans::default();
        let guard = spans.listen();
        let backend = service_fn(|_: Request<Body>| async {
            Err::<Response<Body>, _>(io::Error::other("refused"))
        });
        let inner = IntegrationLayer::new(Arc::clone(&plan)).layer(backend);
        let turns_away = service_fn(move |request: Request<Body>| {
            let inner = inner.clone();
            async move {
                match shed {
                    true => Err(BoxError::from(Overloaded::new())),
                    false => inner.oneshot(request).await.map_err(BoxError::from),
                }
            }
        });
        let service = GatewayResponseLayer::new().layer(turns_away);
        let response = service.oneshot(request()).await.unwrap();
        drop(guard);
        assert_eq!(response.status().as_str(), status);
        let span = spans.one("request");
        span.check(&[("otel.name", name), ("http.response.status_code", status)]);
        assert_eq!(span.fields.get("error.type").map(String::as_str), error);
        let route = (!shed).then_some("/pets/{id}");
        assert_eq!(span.fields.get("http.route").map(String::as_str), route);
    }
}

#[tokio::test]
async fn a_request_and_its_call_are_spans() {
    let spans = Spans::default();
    let guard = spans.listen();
    let integration = Integration::http("POST", "http://backend:81/a/{id}?k=secret-3")
        .request_parameter("integration.request.path.id", "method.request.path.id")
        .response(IntegrationResponse::new(200));
    let backend = service_fn(|_: Request<Body>| async {
        tracing::info!(target: "tower_apigw", "called");
        Response::builder()
            .status(503)
            .body(Body::empty())
            .map_err(io::Error::other)
    });
    let service = TraceContextLayer::new()
        .layer(IntegrationLayer::new(plan(&integration, "/pets/{id}")).layer(backend));
    let response = service.oneshot(request()).await.unwrap();
    drop(guard);
    assert_eq!(response.status(), 200);
    let (server, client) = (spans.one("request"), spans.one("integration"));
    server.check(&[
        ("otel.kind", "server"),
        ("otel.name", "GET /pets/{id}"),
        ("http.request.method", "GET"),
        ("http.route", "/pets/{id}"),
        ("url.path", "/pets/7"),
        ("url.scheme", "http"),
        ("server.address", "api.example.com"),
        ("server.port", "8443"),
        ("client.address", "192.0.2.7"),
        ("user_agent.original", "curl/8"),
        ("http.response.status_code", "200"),
        ("trace_id", TRACE),
        ("parent_span_id", PARENT),
    ]);
    assert_eq!(server.fields.get("error.type"), None);
    client.check(&[
        ("otel.kind", "client"),
        ("http.request.method", "POST"),
        ("url.full", "http://backend:81/a/7"),
        ("server.address", "backend"),
        ("server.port", "81"),
        ("http.response.status_code", "503"),
        ("error.type", "503"),
        ("otel.status_code", "ERROR"),
        ("trace_id", TRACE),
        ("parent_span_id", &server.fields["span_id"]),
    ]);
    assert_eq!(client.parent, Some("request"));
    let told = format!("{server:?} {client:?}");
    assert!(!told.contains("secret"), "{told}");
}

#[tokio::test]
async fn a_request_lasts_until_its_answer_is_over() {
    for (breaks, error) in [(false, None), (true, Some("broken"))] {
        let spans = Spans::default();
        let guard = spans.listen();
        let (sender, body) = frames(1);
        let body = Arc::new(Mutex::new(Some(Body::new(body))));
        let backend = service_fn(move |_: Request<Body>| {
            let answer = Response::builder()
                .header("content-type", "text/event-stream")
                .body(body.lock().unwrap().take().unwrap());
            async { answer.map_err(io::Error::other) }
        });
        let plan = plan(&Integration::http_proxy("http://backend/"), "/{p+}");
        let service = IntegrationLayer::new(plan).layer(backend);
        let mut response = service.oneshot(request()).await.unwrap();
        drop(guard);
        sender.try_send(data("data: 1\n\n")).unwrap();
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "data: 1\n\n");
        assert_eq!(spans.one("request").holders, 1);
        if breaks {
            let reset = io::ErrorKind::ConnectionReset.into();
            sender.try_send(Err(reset)).unwrap();
            response.body_mut().frame().await.unwrap().unwrap_err();
        } else {
            drop(sender);
            assert!(response.body_mut().frame().await.is_none());
        }
        let span = spans.one("request");
        assert_eq!(span.holders, 0);
        assert_eq!(span.fields.get("error.type").map(String::as_str), error);
        span.check(&[("http.response.status_code", "200")]);
    }
}

#[tokio::test]
async fn failures_have_types() {
    let spans = Spans::default();
    let guard = spans.listen();
    let broken = service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(io::Error::other("reset"))
    });
    let service = IntegrationLayer::new(plan(&Integration::http_proxy("http://backend/"), "/{p+}"))
        .layer(broken);
    let response = service.oneshot(request()).await.unwrap();
    drop(guard);
    assert_eq!(response.status(), 504);
    spans
        .one("integration")
        .check(&[("error.type", "Network"), ("otel.status_code", "ERROR")]);
    let server = spans.one("request");
    server.check(&[
        ("error.type", "Network"),
        ("otel.status_code", "ERROR"),
        ("http.response.status_code", "504"),
    ]);
    // Nobody asked to continue traces.
    assert_eq!(server.fields.get("trace_id"), None);
}

/// The headers that a backend gets, and what was sent to it as a body.
async fn called(continues: bool, integration: &Integration) -> (HeaderMap, String) {
    let got = Arc::new(Mutex::new(HeaderMap::new()));
    let seen = Arc::clone(&got);
    let backend = service_fn(move |request: Request<Body>| {
        let (head, body) = request.into_parts();
        *seen.lock().unwrap() = head.headers;
        async { Ok::<_, io::Error>(Response::new(body)) }
    });
    let layer = IntegrationLayer::new(plan(integration, "/pets/{id}"));
    let service = tower::util::option_layer(continues.then(TraceContextLayer::new))
        .layer(layer.layer(backend));
    let answer = service.oneshot(request()).await.unwrap();
    let answer = text(answer.into_body()).await;
    let headers = got.lock().unwrap().clone();
    (headers, answer)
}

#[tokio::test]
async fn backends_are_told_the_span_they_are_called_in() {
    let proxy = Integration::http_proxy("http://backend/");
    let mapped = Integration::http("POST", "http://backend/")
        .request_template("application/json", "$input.params('traceparent')")
        .response(IntegrationResponse::new(200));
    for integration in [&proxy, &mapped] {
        let (headers, body) = called(true, integration).await;
        let sent = headers["traceparent"].to_str().unwrap();
        let span = sent.strip_prefix(&format!("00-{TRACE}-")).unwrap();
        assert!(
            span.len() == 19 && span.ends_with("-01") && !span.starts_with(PARENT),
            "{sent}"
        );
        assert_eq!(headers.get_all("traceparent").iter().count(), 1);
        assert_eq!(headers["tracestate"], "vendor=1");
        // What mappings read is the request itself.
        let read = body.strip_prefix(&format!("00-{TRACE}-"));
        assert!(
            body.is_empty() || read.is_some_and(|read| !read.starts_with(PARENT)),
            "{body}"
        );
        assert_ne!(body, sent);
    }
    // As API Gateway does it.
    let (headers, _) = called(false, &proxy).await;
    assert_eq!(
        headers["traceparent"],
        format!("00-{TRACE}-{PARENT}-01").as_str()
    );
    assert_eq!(headers["tracestate"], "vendor=1");
    let (headers, body) = called(false, &mapped).await;
    assert!(!headers.contains_key("traceparent") && !headers.contains_key("tracestate"));
    assert_eq!(body, format!("00-{TRACE}-{PARENT}-01"));
}
