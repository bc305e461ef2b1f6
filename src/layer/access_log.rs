//! Writes the access log.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::access_log::{Format, Line, Record};
use crate::body::{Body, End, Observer};
use crate::error::BoxError;
use crate::layer::capture;
use crate::mapping::{ClientAddress, MethodRequest};

/// Gives a line of an [access log](crate::access_log) for each request.
///
/// It stands outside of all that may answer. The line is given, without its end, when the answer is
/// in memory, its stream has ended, or nobody waits for it any more. Whoever takes the line must not
/// block: hand it to a channel that drops what is too much, as `apigw serve --access-log` does.
///
/// What it knows of the backend it hears from [`DispatchLayer`](crate::layer::DispatchLayer), and of
/// failures from [`GatewayResponseLayer`](crate::layer::GatewayResponseLayer), inside of it.
///
/// ```
/// use std::sync::mpsc;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_apigw::Body;
/// use tower_apigw::layer::AccessLogLayer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (lines, log) = mpsc::sync_channel::<String>(1_000);
/// let format = "$context.requestId $context.httpMethod $context.status $context.responseLength";
/// let layer = AccessLogLayer::new(format.parse()?, move |line: String| {
///     let _ = lines.try_send(line);
/// });
/// let pets = service_fn(|_: Request<Body>| async {
///     Ok::<_, std::convert::Infallible>(Response::new(Body::from("Rex")))
/// });
/// let request = Request::get("/pets").header("x-amzn-requestid", "r-1").body(Body::empty())?;
/// layer.layer(pets).oneshot(request).await?;
/// assert_eq!(log.recv()?, "r-1 GET 200 3");
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct AccessLogLayer {
    log: Arc<Log>,
}

struct Log {
    format: Format,
    reads_headers: bool,
    take: Box<dyn Fn(String) + Send + Sync>,
}

impl AccessLogLayer {
    /// Gives lines in a format to `take`.
    pub fn new(format: Format, take: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self {
            log: Arc::new(Log {
                reads_headers: format.reads_headers(),
                format,
                take: Box::new(take),
            }),
        }
    }
}

impl AccessLogLayer {
    /// Gives the line of a request that no service sees, since a server answered it by itself; see
    /// [`Server::on_refusal`](crate::server::Server::on_refusal). `length` is that of the answer's
    /// body, in bytes. Without a head, what it would tell prints as `-`.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use std::sync::mpsc;
    /// use http::StatusCode;
    /// use tower_apigw::layer::AccessLogLayer;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (lines, log) = mpsc::sync_channel::<String>(1_000);
    /// let format = "$context.identity.sourceIp $context.httpMethod $context.status #$context.requestId";
    /// let layer = AccessLogLayer::new(format.parse()?, move |line: String| {
    ///     let _ = lines.try_send(line);
    /// });
    /// let client = IpAddr::from([192, 0, 2, 7]);
    /// layer.refused(None, Some(client), StatusCode::BAD_REQUEST, 25);
    /// assert!(log.recv()?.starts_with("192.0.2.7 - 400 #"));
    /// # Ok(()) }
    /// ```
    pub fn refused(
        &self,
        head: Option<&request::Parts>,
        client: Option<IpAddr>,
        status: StatusCode,
        length: u64,
    ) {
        let mut request = Request::new(());
        if let Some(head) = head {
            *request.method_mut() = head.method.clone();
            *request.uri_mut() = head.uri.clone();
            *request.version_mut() = head.version;
            *request.headers_mut() = head.headers.clone();
        }
        if let Some(client) = client {
            request.extensions_mut().insert(ClientAddress(client));
        }
        let facts = capture::method_request(&mut request);
        self.log.write(&Line {
            request: &facts,
            headless: head.is_none(),
            headers: &self.log.headers(request.headers()),
            record: &Record::default(),
            status: Some(status),
            length,
            cut: None,
            latency: Duration::ZERO,
        });
    }
}

impl fmt::Debug for AccessLogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogLayer")
            .field("format", &self.log.format)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog {
            inner,
            layer: self.clone(),
        }
    }
}

/// See [`AccessLogLayer`].
#[derive(Debug, Clone)]
pub struct AccessLog<S> {
    inner: S,
    layer: AccessLogLayer,
}

impl<S, B, R> Service<Request<B>> for AccessLog<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = AccessLogFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let entry = Entry::begin(&self.layer.log, &mut request);
        AccessLogFuture {
            inner: self.inner.call(request),
            entry: Some(Box::new(entry)),
        }
    }
}

pin_project! {
    /// An answer that is logged, to come.
    pub struct AccessLogFuture<F> {
        #[pin]
        inner: F,
        entry: Option<Box<Entry>>,
    }
}

impl<F, R, E> Future for AccessLogFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?.map(Body::new);
        Poll::Ready(Ok(match this.entry.take() {
            Some(entry) => entry.answered(response),
            None => response,
        }))
    }
}

impl<F> fmt::Debug for AccessLogFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLogFuture").finish_non_exhaustive()
    }
}

/// One request; its line is written when it is dropped.
struct Entry {
    log: Arc<Log>,
    request: Arc<MethodRequest>,
    headers: HeaderMap,
    record: Record,
    began: Instant,
    status: Option<StatusCode>,
    length: u64,
    /// Why the answer is not whole.
    cut: Option<&'static str>,
}

const GONE: &str = "the client went away";
const BROKEN: &str = "the answer broke off";

impl Entry {
    fn begin<B>(log: &Arc<Log>, request: &mut Request<B>) -> Self {
        let facts = capture::method_request(request);
        let headers = log.headers(request.headers());
        let record = Record::default();
        capture::observe(request).record = Some(record.clone());
        Self {
            log: Arc::clone(log),
            request: facts,
            headers,
            record,
            began: Instant::now(),
            status: None,
            length: 0,
            cut: Some(GONE),
        }
    }

    fn answered(mut self: Box<Self>, response: Response<Body>) -> Response<Body> {
        self.status = Some(response.status());
        if self.request.method == Method::HEAD {
            self.cut = None;
            return response;
        }
        response.map(|body| body.observed(self))
    }
}

impl Observer for Box<Entry> {
    fn data(&mut self, data: &Bytes) {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
    }

    fn end(mut self, end: End) {
        self.cut = match end {
            End::Whole => None,
            End::Broken => Some(BROKEN),
            End::Dropped => Some(GONE),
        };
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let line = Line {
            request: &self.request,
            headless: false,
            headers: &self.headers,
            record: &self.record,
            status: self.status,
            length: self.length,
            cut: self.cut,
            latency: self.began.elapsed(),
        };
        self.log.write(&line);
    }
}

impl Log {
    fn write(&self, line: &Line<'_>) {
        let mut out = String::with_capacity(256);
        self.format.write(line, &mut out);
        (self.take)(out);
    }

    /// The headers that lines read.
    fn headers(&self, all: &HeaderMap) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.reads_headers {
            for name in [header::HOST, header::USER_AGENT] {
                if let Some(value) = all.get(&name) {
                    headers.insert(name, value.clone());
                }
            }
        }
        headers
    }
}
