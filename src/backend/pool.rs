//! Idle connections, by host: taken for a request, given back when the answer is read.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use crate::body::Body;

/// Ten sweeps are 50 seconds: below the 60 after which common load balancers close an idle
/// connection.
const SWEEPS_OF_IDLENESS: u64 = 10;
const IDLE_PER_HOST: usize = 256;
/// An answer of at most this many bytes is mostly there with its head, so that its connection is
/// given back at once; it is not taken before it is ready.
const SHORT: u64 = 16 * 1024;

/// How often connections are looked at for their age.
const SWEEP: Duration = Duration::from_secs(5);

/// Where a connection leads to.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) https: bool,
    pub(super) authority: Authority,
    /// Whether link-local addresses are out of reach.
    pub(super) guarded: bool,
}

// By the text as it is: `Authority` folds case a byte at a time, which costs more than the second
// connection to a host that is spelled in two ways.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.https == other.https
            && self.guarded == other.guarded
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

/// A pool; its clones share the connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    hosts: HashMap<Key, Vec<Idle>, foldhash::fast::RandomState>,
    /// Whether a task sweeps.
    swept: bool,
    /// How often it has: the clock of the pool, which costs nothing to read.
    sweeps: u64,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Body>,
    since: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the lists half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// The connection that was used last, of those that can take a request now.
    pub(super) fn take(&self, key: &Key) -> Option<SendRequest<Body>> {
        let mut state = self.shared.lock();
        let idle = state.hosts.get_mut(key)?;
        let mut index = idle.len();
        while index > 0 {
            index -= 1;
            let found = idle.get(index)?;
            if found.sender.is_closed() {
                idle.swap_remove(index);
            } else if found.sender.is_ready() {
                return Some(idle.swap_remove(index).sender);
            }
        }
        None
    }

    /// Gives a connection back; `body` is what is left to read of its answer.
    pub(super) fn give_back(&self, key: Key, sender: SendRequest<Body>, body: Incoming) -> Body {
        if body
            .size_hint()
            .upper()
            .is_some_and(|length| length <= SHORT)
        {
            put(&self.shared, key, sender);
            return Body::new(body);
        }
        let pool = Arc::downgrade(&self.shared);
        Body::new(PooledBody {
            body,
            returning: Some(Returning { pool, key, sender }),
        })
    }
}

fn put(shared: &Arc<Shared>, key: Key, sender: SendRequest<Body>) {
    if sender.is_closed() {
        return;
    }
    let mut state = shared.lock();
    let idle = Idle {
        sender,
        since: state.sweeps,
    };
    match state.hosts.get_mut(&key) {
        Some(known) if known.len() < IDLE_PER_HOST => known.push(idle),
        Some(_) => {}
        None => {
            state.hosts.insert(key, vec![idle]);
        }
    }
    if !state.swept {
        state.swept = true;
        tokio::spawn(sweep(Sweeper(Arc::downgrade(shared))));
    }
}

/// Closes connections that nobody asks for, until there are none.
async fn sweep(sweeper: Sweeper) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(shared) = sweeper.0.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        state.sweeps += 1;
        let now = state.sweeps;
        state.hosts.retain(|_, idle| {
            idle.retain(|idle| {
                !idle.sender.is_closed() && now.saturating_sub(idle.since) < SWEEPS_OF_IDLENESS
            });
            !idle.is_empty()
        });
        if state.hosts.is_empty() {
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
    sender: SendRequest<Body>,
}

impl HttpBody for PooledBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // A body that broke off or was not read to its end takes its connection with it.
        if frame.is_none()
            && let Some(returning) = self.returning.take()
            && let Some(shared) = returning.pool.upgrade()
        {
            put(&shared, returning.key, returning.sender);
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
