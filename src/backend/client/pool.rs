//! Idle connections, by host: taken for a request, given back when the answer is read.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::sync::oneshot;

use crate::backend::client::connector::NewConnection;
use crate::backend::client::options::Options;
use crate::body::Body;

/// An answer of at most this many bytes is mostly there with its head, so that its connection is
/// given back at once; it is not taken before it is ready.
const SHORT: u64 = 16 * 1024;
const SHORTEST_TICK: Duration = Duration::from_millis(5);
const LONGEST_TICK: Duration = Duration::from_secs(5);

/// A connection of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<Body>,
    /// Is ready, with an error, when the connection has ended.
    pub(super) ended: oneshot::Receiver<()>,
    /// When it was made, on the pool's clock.
    made: u64,
}

/// Where a connection leads to.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) https: bool,
    pub(super) authority: Authority,
    /// Whether link-local addresses are out of reach.
    pub(super) guarded: bool,
    /// Whether certificates of unknown issuers are accepted.
    pub(super) lenient: bool,
}

// By the text as it is: `Authority` folds case a byte at a time, which costs more than the second
// connection to a host that is spelled in two ways.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.https == other.https
            && self.guarded == other.guarded
            && self.lenient == other.lenient
            && self.authority.as_str() == other.authority.as_str()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.authority.as_str().as_bytes());
        state.write_u8(self.https.into());
    }
}

/// A pool.
#[derive(Debug)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// How often connections are looked at for their age: a tick of the pool's clock.
    tick: Duration,
    /// How many ticks a connection may be idle.
    idle_for: u64,
    /// How many ticks old a connection may become that is used again.
    oldest: u64,
    idle_per_host: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    hosts: HashMap<Key, Vec<Idle>, foldhash::fast::RandomState>,
    /// Whether a task sweeps.
    swept: bool,
    /// How many ticks there were: a clock that costs nothing to read.
    now: u64,
    /// When the last sweep was, to find the ticks that nobody counted.
    swept_at: Option<Instant>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: u64,
}

impl Shared {
    fn is_fresh(&self, connection: &Connection, now: u64) -> bool {
        now.saturating_sub(connection.made) < self.oldest
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the lists half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    pub(super) fn new(options: &Options) -> Self {
        let tick = (options.idle_timeout / 10).clamp(SHORTEST_TICK, LONGEST_TICK);
        let ticks = |time: Duration| {
            u64::try_from(time.as_nanos().div_ceil(tick.as_nanos())).unwrap_or(u64::MAX)
        };
        Self {
            shared: Arc::new(Shared {
                tick,
                idle_for: ticks(options.idle_timeout),
                oldest: ticks(options.max_age),
                idle_per_host: options.idle_per_host,
                state: Mutex::default(),
            }),
        }
    }

    /// A connection that was made just now.
    pub(super) fn made(&self, (sender, ended): NewConnection) -> Connection {
        let made = self.shared.lock().wind(self.shared.tick);
        Connection {
            sender,
            ended,
            made,
        }
    }

    /// The connection that was used last, of those that can take a request now.
    pub(super) fn take(&self, key: &Key) -> Option<Connection> {
        let mut state = self.shared.lock();
        let now = state.now;
        let idle = state.hosts.get_mut(key)?;
        let mut index = idle.len();
        while index > 0 {
            index -= 1;
            let found = idle.get(index)?;
            if found.connection.sender.is_closed() || !self.shared.is_fresh(&found.connection, now)
            {
                idle.swap_remove(index);
            } else if found.connection.sender.is_ready() {
                return Some(idle.swap_remove(index).connection);
            }
        }
        None
    }

    /// Gives a connection back; `body` is what is left to read of its answer.
    pub(super) fn give_back(
        &self,
        key: Key,
        connection: Connection,
        body: Incoming,
        cx: &mut Context<'_>,
    ) -> Body {
        let hint = body.size_hint();
        if hint.upper().is_some_and(|length| length <= SHORT) {
            put(&self.shared, key, connection);
            let mut body = Body::new(body);
            body.take_ahead(cx);
            return body;
        }
        let pool = Arc::downgrade(&self.shared);
        Body::new(PooledBody {
            body,
            returning: Some(Returning {
                pool,
                key,
                connection,
            }),
        })
    }
}

fn put(shared: &Arc<Shared>, key: Key, connection: Connection) {
    if connection.sender.is_closed() {
        return;
    }
    let mut state = shared.lock();
    if !state.swept {
        // Nobody counted.
        state.wind(shared.tick);
    }
    let since = state.now;
    if !shared.is_fresh(&connection, since) {
        return;
    }
    let idle = Idle { connection, since };
    match state.hosts.get_mut(&key) {
        Some(known) if known.len() < shared.idle_per_host => known.push(idle),
        Some(_) => {}
        None => {
            if shared.idle_per_host > 0 {
                state.hosts.insert(key, vec![idle]);
            }
        }
    }
    if !state.swept {
        state.swept = true;
        tokio::spawn(sweep(Sweeper(Arc::downgrade(shared)), shared.tick));
    }
}

impl State {
    /// Counts the ticks since the last sweep, and tells the time.
    fn wind(&mut self, tick: Duration) -> u64 {
        let at = Instant::now();
        let Some(last) = self.swept_at else {
            self.swept_at = Some(at);
            return self.now;
        };
        let passed = at.saturating_duration_since(last).as_nanos() / tick.as_nanos();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.now += u64::from(passed);
        self.swept_at = last.checked_add(tick.saturating_mul(passed)).or(Some(at));
        self.now
    }
}

/// Closes connections that nobody asks for, until there are none.
async fn sweep(mut sweeper: Sweeper, tick: Duration) {
    loop {
        tokio::time::sleep(tick).await;
        let Some(shared) = sweeper.0.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        let now = state.wind(tick);
        state.hosts.retain(|_, idle| {
            idle.retain(|idle| {
                !idle.connection.sender.is_closed()
                    && now.saturating_sub(idle.since) < shared.idle_for
                    && shared.is_fresh(&idle.connection, now)
            });
            !idle.is_empty()
        });
        if state.hosts.is_empty() {
            // Before the lock is free: a connection that is put here next has a sweeper of its own.
            state.swept = false;
            sweeper.0 = Weak::new();
            return;
        }
    }
}

/// Tells the pool when nobody sweeps any more, be it because a runtime ended.
struct Sweeper(Weak<Shared>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.lock().swept = false;
        }
    }
}

/// The body of an answer; its connection goes back to the pool when it has been read.
#[derive(Debug)]
struct PooledBody {
    body: Incoming,
    returning: Option<Returning>,
}

#[derive(Debug)]
struct Returning {
    pool: Weak<Shared>,
    key: Key,
    connection: Connection,
}

impl HttpBody for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // A body that broke off or was not read to its end takes its connection with it. Whoever
        // knows the length does not ask for what is behind the last frame.
        let whole = match &frame {
            None => true,
            Some(Ok(_)) => self.body.is_end_stream(),
            Some(Err(_)) => false,
        };
        if whole
            && let Some(returning) = self.returning.take()
            && let Some(shared) = returning.pool.upgrade()
        {
            put(&shared, returning.key, returning.connection);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
