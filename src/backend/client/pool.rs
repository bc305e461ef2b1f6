//! Idle connections, by host: taken for a request, given back when the answer is read.
//!
//! Nobody drives an idle connection. Its end is noticed all the same, and seen when it is taken or at the next sweep.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::uri::Authority;

use crate::backend::client::connection::Connection;
use crate::backend::client::connector::NewConnection;
use crate::backend::client::options::Options;

const SHORTEST_TICK: Duration = Duration::from_millis(5);
const LONGEST_TICK: Duration = Duration::from_secs(5);

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
#[derive(Debug, Clone)]
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

    /// The last connection, and whether it may be used again.
    fn pop(&self, key: &Key) -> Option<(Connection, bool)> {
        let mut state = self.lock();
        let now = state.now;
        let connection = state.hosts.get_mut(key)?.pop()?.connection;
        let is_fresh = self.is_fresh(&connection, now);
        Some((connection, is_fresh))
    }

    /// Keeps a connection, if there is room and it is not too old.
    fn put(self: &Arc<Self>, key: Key, connection: Connection) -> Option<Connection> {
        let mut state = self.lock();
        if !state.swept {
            // Nobody counted.
            state.wind(self.tick);
        }
        let since = state.now;
        if self.idle_per_host == 0 || !self.is_fresh(&connection, since) {
            return Some(connection);
        }
        let idle = Idle { connection, since };
        match state.hosts.get_mut(&key) {
            Some(known) if known.len() < self.idle_per_host => known.push(idle),
            Some(_) => return Some(idle.connection),
            None => {
                state.hosts.insert(key, vec![idle]);
            }
        }
        if !state.swept {
            state.swept = true;
            tokio::spawn(sweep(Sweeper(Arc::downgrade(self)), self.tick));
        }
        None
    }

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
    pub(super) fn made(&self, (sender, driver): NewConnection) -> Connection {
        let made = self.shared.lock().wind(self.shared.tick);
        Connection::new(sender, driver, made)
    }

    /// The connection that was used last, of those that can take a request now.
    pub(super) fn take(&self, key: &Key) -> Option<Connection> {
        loop {
            let (mut connection, is_fresh) = self.shared.pop(key)?;
            if is_fresh && connection.is_alive() {
                return Some(connection);
            }
            connection.detach();
        }
    }

    /// Gives a connection back whose answer has been read.
    pub(super) fn give_back(&self, key: Key, mut connection: Connection) {
        if !connection.settles() {
            return;
        }
        let refused = self.shared.put(key, connection);
        if let Some(connection) = refused {
            connection.detach();
        }
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
async fn sweep(sweeper: Sweeper, tick: Duration) {
    loop {
        tokio::time::sleep(tick).await;
        let Some(shared) = sweeper.0.upgrade() else {
            return;
        };
        let mut closed = Vec::new();
        let mut state = shared.lock();
        let now = state.wind(tick);
        state.hosts.retain(|_, idle| {
            closed.extend(
                idle.extract_if(.., |idle| {
                    idle.connection.is_disturbed()
                        || now.saturating_sub(idle.since) >= shared.idle_for
                        || !shared.is_fresh(&idle.connection, now)
                })
                .map(|idle| idle.connection),
            );
            !idle.is_empty()
        });
        let is_empty = state.hosts.is_empty();
        drop(state);
        for connection in closed {
            connection.detach();
        }
        if is_empty {
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
