//! A service that can be replaced while it serves.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use tower_service::Service;

/// Gives each call to the service that is current when the call is made.
///
/// Clones share the current service. A call that has begun ends on the service it began on, so that
/// replacing it fails no request; what comes next on the same connection sees the new one. It costs
/// a call one atomic load beside the clone of the service.
///
/// ```
/// use std::convert::Infallible;
/// use tower::{ServiceExt, service_fn};
/// use tower_apigw::server::Swap;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Infallible> {
/// let adding = |summand: u32| service_fn(move |number: u32| async move {
///     Ok::<_, Infallible>(number + summand)
/// });
/// let service = Swap::new(adding(1));
/// assert_eq!(service.clone().oneshot(1).await?, 2);
/// let clone = service.clone();
/// service.replace(adding(10));
/// assert_eq!(clone.oneshot(1).await?, 11);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Swap<S> {
    current: Arc<ArcSwap<S>>,
    ready: Ready<S>,
}

/// What was current when readiness was asked for; each clone has its own.
struct Ready<S>(Option<S>);

impl<S> fmt::Debug for Ready<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "asked"
        } else {
            "not asked"
        })
    }
}

impl<S> Swap<S> {
    /// Begins with `service`.
    pub fn new(service: S) -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(service)),
            ready: Ready(None),
        }
    }

    /// Lets `service` answer what is called from now on, on all clones. The one before is dropped
    /// when its last call has ended.
    pub fn replace(&self, service: S) {
        self.current.store(Arc::new(service));
    }
}

impl<S> Clone for Swap<S> {
    fn clone(&self) -> Self {
        Self {
            current: Arc::clone(&self.current),
            ready: Ready(None),
        }
    }
}

impl<S, R> Service<R> for Swap<S>
where
    S: Service<R> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let service = self
            .ready
            .0
            .get_or_insert_with(|| S::clone(&self.current.load()));
        let polled = service.poll_ready(cx);
        if let Poll::Ready(Err(_)) = &polled {
            self.ready.0 = None;
        }
        polled
    }

    fn call(&mut self, request: R) -> S::Future {
        let mut service = self
            .ready
            .0
            .take()
            .unwrap_or_else(|| S::clone(&self.current.load()));
        service.call(request)
    }
}
