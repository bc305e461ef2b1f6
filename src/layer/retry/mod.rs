//! Sends a request again that failed for a moment.

mod replay;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::error::{BoxError, Error, ErrorKind};
use crate::layer::capture;
use crate::layer::future::ResponseFuture;
use crate::layer::one_call::OneCall;
use crate::layer::retry::replay::Replay;
use crate::target::Target;

/// Sends requests again when the backend cannot be reached, breaks off, or answers with a status
/// that the application names.
///
/// It stands outside of [`SigV4Layer`](crate::layer::SigV4Layer), so that each attempt is signed
/// afresh, and inside of [`RequestMappingLayer`](crate::layer::RequestMappingLayer). A request is
/// sent again
///
/// - if its method is idempotent (`GET`, `HEAD`, `OPTIONS`, `TRACE`, `PUT`, `DELETE`), or the
///   application says so with [`and_if`](Self::and_if);
/// - if its body is in memory, or no more than [`max_body`](Self::max_body) was read of its stream:
///   what was read is sent again, and the rest comes from the client;
/// - within the deadline of its [`Target`], which is one for all attempts and the pauses between
///   them;
/// - as long as the budget lasts, which all services of one layer and its clones share.
///
/// The pauses double and are cut at random, between nothing and the whole, so that clients do not
/// come back all at once.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
/// use tower_apigw::Body;
/// use tower_apigw::layer::{DispatchLayer, RetryLayer};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let calls = Arc::new(AtomicUsize::new(0));
/// let backend = service_fn(move |request: Request<Body>| {
///     let status = match calls.fetch_add(1, Ordering::Relaxed) {
///         0 => StatusCode::SERVICE_UNAVAILABLE,
///         _ => StatusCode::OK,
///     };
///     async move { Ok::<_, std::io::Error>(Response::builder().status(status).body(request.into_body()).unwrap()) }
/// });
/// let service = ServiceBuilder::new()
///     .layer(RetryLayer::new(2).statuses([StatusCode::SERVICE_UNAVAILABLE]))
///     .layer(DispatchLayer::new())
///     .service(backend);
/// let response = service.oneshot(Request::put("/").body(Body::from("kept"))?).await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.body().as_bytes().as_deref(), Some(&b"kept"[..]));
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RetryLayer {
    rules: Arc<Rules>,
}

type Condition = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

#[derive(Clone)]
struct Rules {
    retries: u32,
    statuses: Vec<StatusCode>,
    max_body: usize,
    first_pause: Duration,
    longest_pause: Duration,
    budget: Arc<dyn Budget + Send + Sync>,
    condition: Option<Condition>,
}

const MAX_BODY: usize = 64 * 1024;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl RetryLayer {
    /// Sends a request at most so many times again. No status is a failure; up to 64 KiB of a
    /// stream are kept; the first pause is up to 50 milliseconds and the longest up to one second; a
    /// fifth of the requests of the last ten seconds may be sent again, and ten a second in any
    /// case.
    pub fn new(retries: u32) -> Self {
        Self {
            rules: Arc::new(Rules {
                retries,
                statuses: Vec::new(),
                max_body: MAX_BODY,
                first_pause: FIRST_PAUSE,
                longest_pause: LONGEST_PAUSE,
                budget: Arc::new(TpsBudget::default()),
                condition: None,
            }),
        }
    }

    fn with(mut self, set: impl FnOnce(&mut Rules)) -> Self {
        set(Arc::make_mut(&mut self.rules));
        self
    }

    /// Which answers of the backend count as failures. The last of them goes to the client.
    pub fn statuses(self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.with(|rules| rules.statuses = statuses.into_iter().collect())
    }

    /// How many bytes of a stream are kept to be sent again.
    pub fn max_body(self, bytes: usize) -> Self {
        self.with(|rules| rules.max_body = bytes)
    }

    /// The longest that the first pause and any pause may be.
    pub fn pauses(self, first: Duration, longest: Duration) -> Self {
        self.with(|rules| (rules.first_pause, rules.longest_pause) = (first, longest))
    }

    /// What limits the share of requests that are sent again.
    pub fn budget(self, budget: impl Budget + Send + Sync + 'static) -> Self {
        self.with(|rules| rules.budget = Arc::new(budget))
    }

    /// Also sends again what `condition` holds for, whatever its method: it has an idempotency key,
    /// or the operation is known to be safe. It sees the integration request.
    pub fn and_if(self, condition: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with(|rules| rules.condition = Some(Arc::new(condition)))
    }
}

impl fmt::Debug for RetryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("retries", &self.rules.retries)
            .field("statuses", &self.rules.statuses)
            .field("max_body", &self.rules.max_body)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry {
            inner,
            rules: Arc::clone(&self.rules),
        }
    }
}

/// See [`RetryLayer`].
#[derive(Clone)]
pub struct Retry<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S: fmt::Debug> fmt::Debug for Retry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl Rules {
    fn may_send_again(&self, parts: &Parts) -> bool {
        // RFC 9110, 9.2.2
        let idempotent = [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ];
        self.retries > 0
            && (idempotent.contains(&parts.method)
                || self
                    .condition
                    .as_ref()
                    .is_some_and(|condition| condition(parts)))
    }

    fn has_failed(&self, answer: &Result<Response<Body>, Error>) -> bool {
        match answer {
            Ok(response) => self.statuses.contains(&response.status()),
            Err(error) => error.kind() == ErrorKind::Network,
        }
    }

    /// How long to wait before the attempt of this number, from 1.
    fn pause(&self, attempt: u32) -> Duration {
        let factor = 1_u32
            .checked_shl(attempt.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let most = self
            .first_pause
            .saturating_mul(factor)
            .min(self.longest_pause);
        most.mul_f64(fastrand::f64())
    }
}

/// How long an attempt may take that begins now, if it may begin.
fn time_left(deadline: Option<Instant>, pause: Duration) -> Option<Option<Duration>> {
    let Some(deadline) = deadline else {
        return Some(None);
    };
    let begin = Instant::now().checked_add(pause)?;
    let left = deadline.checked_duration_since(begin)?;
    (left > Duration::ZERO).then_some(Some(left))
}

impl<S, B, R> Service<Request<B>> for Retry<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| Error::from_service(error.into()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = capture::own(request).into_parts();
        if !self.rules.may_send_again(&parts) {
            return ResponseFuture::pass(self.inner.call(Request::from_parts(parts, body)));
        }
        let again = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, again);
        ResponseFuture::boxed(attempts(ready, Arc::clone(&self.rules), parts, body))
    }
}

/// Sends a request until it succeeds or there is no reason to try again. `ready` was asked whether
/// it is.
async fn attempts<S, R>(
    mut ready: S,
    rules: Arc<Rules>,
    mut parts: Parts,
    body: Body,
) -> Result<Response<Body>, Error>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: HttpBody<Data = bytes::Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let target = parts.extensions.get::<Target>();
    let timeout = target.and_then(|target| target.timeout);
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let of_call = target.and_then(|target| target.deadline.map(Instant::from_std));
    let replay = Replay::new(body, rules.max_body);
    rules.budget.deposit();
    let again = ready.clone();
    let first = ready.call(Request::from_parts(parts.clone(), replay.attempt()));
    let mut answer = match first.await {
        Ok(response) => Ok(response.map(Body::new)),
        Err(error) => Err(Error::from_service(error.into())),
    };
    for attempt in 1..=rules.retries {
        if !rules.has_failed(&answer) || !replay.is_whole() {
            break;
        }
        let pause = rules.pause(attempt);
        let Some(left) = time_left(deadline, pause) else {
            break;
        };
        if time_left(of_call, pause).is_none() {
            break;
        }
        if !rules.budget.withdraw() {
            tracing::debug!("too many requests fail to send this one again");
            break;
        }
        match &answer {
            Ok(response) => {
                tracing::debug!(
                    attempt,
                    status = response.status().as_u16(),
                    "sends a request again"
                );
            }
            Err(error) => tracing::debug!(attempt, %error, "sends a request again"),
        }
        // Its connection is free before the next is asked for.
        drop(answer);
        tokio::time::sleep(pause).await;
        if let Some(target) = parts.extensions.get_mut::<Target>() {
            target.timeout = left;
        }
        let request = Request::from_parts(parts.clone(), replay.attempt());
        answer = OneCall::new(again.clone(), request)
            .await
            .map(|response| response.map(Body::new));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let layer =
            RetryLayer::new(3).pauses(Duration::from_millis(100), Duration::from_millis(300));
        for (attempt, most) in [(1, 100), (2, 200), (3, 300), (40, 300)] {
            let longest = (0..200).map(|_| layer.rules.pause(attempt)).max().unwrap();
            let most = Duration::from_millis(most);
            assert!(
                longest <= most && longest > most / 2,
                "{attempt}: {longest:?}"
            );
        }
    }

    #[test]
    fn what_may_be_sent_again() {
        let parts = |method: &str| {
            let request = Request::builder().method(method).header("x-key", "1");
            request.body(()).unwrap().into_parts().0
        };
        let layer = RetryLayer::new(1);
        for (method, may) in [
            ("GET", true),
            ("PUT", true),
            ("POST", false),
            ("PATCH", false),
        ] {
            assert_eq!(layer.rules.may_send_again(&parts(method)), may, "{method}");
        }
        let layer = layer.and_if(|parts| parts.headers.contains_key("x-key"));
        assert!(layer.rules.may_send_again(&parts("POST")));
        assert!(!RetryLayer::new(0).rules.may_send_again(&parts("GET")));
    }

    #[tokio::test]
    async fn there_is_no_attempt_behind_the_deadline() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(time_left(None, second), Some(None));
        assert_eq!(time_left(Some(now), second), None);
        let left = time_left(Some(now + 3 * second), second).unwrap().unwrap();
        assert!(left <= 2 * second && left > second, "{left:?}");
    }
}
