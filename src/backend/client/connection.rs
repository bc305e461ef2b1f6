//! A connection of HTTP/1.1, driven by whoever waits for its answer.
//!
//! hyper's connection is a future that somebody has to poll. A task of its own would do, and would be woken and run
//! three times for each request. Here the future of the answer polls it, and so does its body.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use tokio::runtime::Handle;

use crate::body::Body;

/// What has to be polled for bytes to move; ready when the connection has ended.
pub(super) type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection of HTTP/1.1.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    /// Gone when it has ended.
    driver: Option<Driver>,
    relay: Arc<Relay>,
    /// Wakes the relay. The same one always, so that whoever registers it has it already.
    waker: Waker,
    /// When it was made, on the pool's clock.
    pub(super) made: u64,
}

impl Connection {
    /// A connection at which nothing was sent.
    pub(super) fn new(sender: SendRequest<Body>, driver: Driver, made: u64) -> Self {
        let relay = Arc::<Relay>::default();
        Self {
            sender,
            driver: Some(driver),
            waker: Waker::from(Arc::clone(&relay)),
            relay,
            made,
        }
    }

    /// Queues a request, which goes when the connection is driven.
    pub(super) fn send(
        &mut self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Body>>>> + use<> {
        self.sender.try_send_request(request)
    }

    /// Moves bytes; ready when the connection has ended.
    pub(super) fn drive(&mut self) -> Poll<()> {
        self.relay.begin();
        let Some(driver) = &mut self.driver else {
            return Poll::Ready(());
        };
        match driver.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(ended) => {
                told(ended);
                self.driver = None;
                Poll::Ready(())
            }
        }
    }

    /// Polls what the connection delivers to: its wake-ups are the connection's.
    pub(super) fn poll<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        poll(&mut Context::from_waker(&self.waker))
    }

    /// From now on the task of `cx` is woken when the connection is to be driven again.
    pub(super) fn wait(&self, cx: &Context<'_>) {
        if self.relay.wait(cx.waker()) {
            cx.waker().wake_by_ref();
        }
    }

    /// Nobody waits any more.
    pub(super) fn rest(&self) {
        self.relay.begin();
    }

    /// Whether something happened since it rests: bytes that nobody asked for, or its end.
    pub(super) fn is_disturbed(&self) -> bool {
        self.relay.lock().noticed
    }

    /// Whether it is fit for another exchange, after it rested.
    pub(super) fn is_alive(&mut self) -> bool {
        if self.is_disturbed() {
            let _ = self.drive();
            self.rest();
        }
        self.is_ready()
    }

    /// Rests after an exchange, if it is fit for another one.
    pub(super) fn settles(&mut self) -> bool {
        if !self.is_ready() {
            // What ends the answer may have to be read yet.
            let _ = self.drive();
        }
        self.rest();
        self.is_ready()
    }

    fn is_ready(&self) -> bool {
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Goes on without us until its exchange is over, and then ends as its protocols want it.
    pub(super) fn detach(mut self) {
        if let Some(driver) = self.driver.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move { told(driver.await) });
        }
    }
}

fn told(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to a backend ended");
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Hands wake-ups of a connection to the task that waits for it.
#[derive(Default)]
struct Relay(Mutex<Relayed>);

#[derive(Default)]
struct Relayed {
    /// The task that waits.
    waiting: Option<Waker>,
    /// There was a wake-up while nobody waited.
    noticed: bool,
}

impl Relay {
    fn lock(&self) -> MutexGuard<'_, Relayed> {
        // Two fields without a relation to each other.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        let mut relayed = self.lock();
        relayed.noticed = false;
        let waited = relayed.waiting.take();
        drop(relayed);
        drop(waited);
    }

    /// Whether there was a wake-up since it began, so that there is nothing to wait for.
    fn wait(&self, waker: &Waker) -> bool {
        let mut relayed = self.lock();
        if !relayed.noticed {
            relayed.waiting = Some(waker.clone());
        }
        relayed.noticed
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut relayed = self.lock();
        let waiting = relayed.waiting.take();
        relayed.noticed = waiting.is_none();
        // What is woken may come here again.
        drop(relayed);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}
