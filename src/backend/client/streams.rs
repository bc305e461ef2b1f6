//! Connections of HTTP/2, by host: each takes many requests at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http2::SendRequest;
use tokio::sync::watch;

use crate::backend::client::connector::{Connector, Multiplexed, Room};
use crate::backend::client::failure::{self, ConnectError};
use crate::backend::client::options::Options;
use crate::backend::client::outgoing::Outgoing;
use crate::backend::client::pool::Key;
use crate::error::{Error, ErrorKind};

/// How many streams hyper opens before the backend has said how many it takes.
pub(super) const STREAMS_AT_FIRST: usize = 100;

/// How many connections a request sees come and go before it gives up.
const MADE_IN_VAIN: usize = 4;

/// The connections of a client.
#[derive(Debug)]
pub(super) struct Streams {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connector: Arc<Connector>,
    idle_timeout: Duration,
    max_age: Duration,
    connections: usize,
    streams: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    hosts: HashMap<Key, Host, foldhash::fast::RandomState>,
    /// Whether a task sweeps.
    swept: bool,
}

#[derive(Debug, Default)]
struct Host {
    connections: Vec<Connection>,
    /// Tells how the connection that is being made came out.
    making: Option<watch::Receiver<Option<Failure>>>,
    /// How many streams its connections were seen to take.
    learned: Option<usize>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Outgoing>,
    /// Tells how many streams it takes.
    room: Arc<dyn Room>,
    /// How many streams are open.
    open: Arc<AtomicUsize>,
    made: Instant,
    used: Instant,
}

/// How a connection came out that several requests wait for: made, or the same error for all.
type Failure = Result<(), Arc<ConnectError>>;

/// A connection to send one request on.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) sender: SendRequest<Outgoing>,
    pub(super) open: OpenStream,
}

/// A stream; it counts until it is dropped.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<AtomicUsize>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    fn lease(&mut self) -> Lease {
        self.used = Instant::now();
        self.open.fetch_add(1, Ordering::Relaxed);
        Lease {
            sender: self.sender.clone(),
            open: OpenStream(Arc::clone(&self.open)),
        }
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

enum Found {
    Lease(Lease),
    /// A connection is being made.
    Wait(watch::Receiver<Option<Failure>>),
}

impl Streams {
    pub(super) fn new(options: &Options, connector: Arc<Connector>) -> Self {
        Self {
            shared: Arc::new(Shared {
                connector,
                idle_timeout: options.idle_timeout,
                max_age: options.max_age,
                connections: options.http2_connections,
                streams: options.http2_streams,
                state: Mutex::default(),
            }),
        }
    }

    /// A connection with room for a stream.
    pub(super) async fn lease(&self, key: &Key) -> Result<Lease, Error> {
        // Others may take the room of a connection that was made for all who wait, but not of every
        // one; what is left are connections that close as soon as they are there.
        for _ in 0..self.shared.connections.saturating_add(MADE_IN_VAIN) {
            let mut told = match self.shared.find(key) {
                Found::Lease(lease) => return Ok(lease),
                Found::Wait(told) => told,
            };
            match told.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(Err(failed))) => {
                    let (kind, message) = failure::text(failed);
                    return Err(Error::new(kind, message).with_source(Arc::clone(failed)));
                }
                Ok(_) => {}
                Err(_) => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "nobody makes connections any more: the runtime ended",
                    ));
                }
            }
        }
        Err(failure::bad_answer("it closes every connection at once"))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the lists half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(self: &Arc<Self>, key: &Key) -> Found {
        let mut state = self.lock();
        if let Some(host) = state.hosts.get_mut(key) {
            // One that is too old serves the streams it has, and then ends.
            host.connections.retain(|connection| {
                !connection.sender.is_closed() && connection.made.elapsed() < self.max_age
            });
            for connection in &host.connections {
                let takes = connection.room.streams();
                if takes != STREAMS_AT_FIRST {
                    host.learned = Some(takes);
                }
            }
            let most = self.streams.min(host.learned.unwrap_or(usize::MAX));
            let takes = |connection: &Connection| most.min(connection.room.streams());
            let mut connections = host.connections.iter_mut();
            if let Some(free) = connections.find(|one| one.open() < takes(one)) {
                return Found::Lease(free.lease());
            }
            if let Some(making) = &host.making {
                // Nobody makes it any more if its task was dropped.
                if making.has_changed().is_ok() {
                    return Found::Wait(making.clone());
                }
                host.making = None;
            }
            if host.connections.len() >= self.connections
                && let Some(least) = host.connections.iter_mut().min_by_key(|one| one.open())
            {
                // hyper opens the stream as soon as the backend lets it.
                return Found::Lease(least.lease());
            }
        }
        let (tell, told) = watch::channel(None);
        state.hosts.entry(key.clone()).or_default().making = Some(told.clone());
        // A task of its own: others may wait for it when this request is gone.
        tokio::spawn(Arc::clone(self).make(key.clone(), tell));
        Found::Wait(told)
    }

    async fn make(self: Arc<Self>, key: Key, tell: watch::Sender<Option<Failure>>) {
        let made = self.connector.http2(&key).await;
        let mut state = self.lock();
        let host = state.hosts.entry(key.clone()).or_default();
        host.making = None;
        let told = match made {
            Ok(Multiplexed { sender, room }) => {
                let now = Instant::now();
                host.connections.push(Connection {
                    sender,
                    room,
                    open: Arc::default(),
                    made: now,
                    used: now,
                });
                if !state.swept {
                    state.swept = true;
                    tokio::spawn(sweep(Sweeper(Arc::downgrade(&self)), self.idle_timeout));
                }
                Ok(())
            }
            Err(failed) => {
                if host.connections.is_empty() {
                    state.hosts.remove(&key);
                }
                Err(Arc::new(failed))
            }
        };
        drop(state);
        // Nobody may wait any more.
        let _ = tell.send(Some(told));
    }
}

/// Closes connections that nobody uses, until there are none.
async fn sweep(mut sweeper: Sweeper, idle_timeout: Duration) {
    let tick = (idle_timeout / 10).clamp(Duration::from_millis(5), Duration::from_secs(5));
    loop {
        tokio::time::sleep(tick).await;
        let Some(shared) = sweeper.0.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        state.hosts.retain(|_, host| {
            host.connections.retain_mut(|connection| {
                if connection.open() > 0 {
                    connection.used = Instant::now();
                }
                !connection.sender.is_closed()
                    && connection.used.elapsed() < shared.idle_timeout
                    && connection.made.elapsed() < shared.max_age
            });
            !host.connections.is_empty() || host.making.is_some()
        });
        if state.hosts.is_empty() {
            // Before the lock is free: a connection that is put here next has a sweeper of its own.
            state.swept = false;
            sweeper.0 = Weak::new();
            return;
        }
    }
}

/// Tells the streams when nobody sweeps any more, be it because a runtime ended.
struct Sweeper(Weak<Shared>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.lock().swept = false;
        }
    }
}
