//! How long a connection waits for its client.
//!
//! There is no timer for a request. What happens on a connection leaves marks in its [`Activity`],
//! which cost a store each; the [`Patience`] of the connection looks at them four times within the
//! time in question, and ends what has not changed for all of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::{Motion, Watch};

/// How often one looks within the time that is waited for.
const LOOKS: u32 = 4;

/// How long each thing may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// A head, from its first byte to its last.
    pub(super) head: Duration,
    /// A connection without a request.
    pub(super) idle: Duration,
    /// A body of which nothing comes or nothing is taken.
    pub(super) body: Duration,
}

impl Times {
    /// None of them longer than `most`.
    fn at_most(self, most: Duration) -> Self {
        Self {
            head: self.head.min(most),
            idle: self.idle.min(most),
            body: self.body.min(most),
        }
    }
}

/// The marks that requests leave on their connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Calls of the service that have no answer yet.
    calls: AtomicU32,
    /// Counts the requests.
    requests: AtomicU32,
    /// Whether bytes came since the last head or answer.
    fresh: AtomicBool,
    /// Whether a body was watched since the last look.
    bodies: AtomicBool,
    /// Whether there is an answer that was not written yet.
    answering: AtomicBool,
    /// Whether the client takes no bytes at the moment.
    blocked: AtomicBool,
    /// Counts the writes.
    writes: AtomicU32,
    watches: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    watch: Arc<Watch>,
    of_answer: bool,
    /// What the last look saw, and for how long it has been so.
    seen: (Motion, u32),
    age: Duration,
}

impl Activity {
    /// Bytes came in.
    pub(super) fn read(&self) {
        if self.calls.load(Ordering::Relaxed) == 0 {
            self.fresh.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes went out.
    pub(super) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.blocked.store(false, Ordering::Relaxed);
    }

    /// No bytes could go out.
    pub(super) fn blocked(&self) {
        self.blocked.store(true, Ordering::Relaxed);
    }

    /// Everything is written.
    pub(super) fn flushed(&self) {
        self.answering.store(false, Ordering::Relaxed);
    }

    /// Whether what is written now is no answer of the service.
    pub(super) fn is_without_answer(&self) -> bool {
        self.calls.load(Ordering::Relaxed) == 0
            && !self.answering.load(Ordering::Relaxed)
            && !self.is_answering()
    }

    /// A request has come.
    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.fresh.store(false, Ordering::Relaxed);
    }

    /// Its answer is there.
    pub(super) fn answered(&self) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
        self.fresh.store(false, Ordering::Relaxed);
        self.answering.store(true, Ordering::Relaxed);
    }

    /// The call was dropped.
    pub(super) fn gone(&self) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }

    /// A watch for one more body.
    pub(super) fn watch(&self, of_answer: bool) -> Arc<Watch> {
        self.bodies.store(true, Ordering::Relaxed);
        let mut watches = self.watches();
        // One that nobody else has is for a body that is over.
        let free = watches
            .iter_mut()
            .find(|entry| Arc::strong_count(&entry.watch) == 1);
        if let Some(entry) = free {
            entry.of_answer = of_answer;
            entry.age = Duration::ZERO;
            return Arc::clone(&entry.watch);
        }
        let watch = Arc::<Watch>::default();
        watches.push(Entry {
            watch: Arc::clone(&watch),
            of_answer,
            seen: (Motion::Over, 0),
            age: Duration::ZERO,
        });
        watch
    }

    fn is_answering(&self) -> bool {
        self.watches()
            .iter()
            .any(|entry| entry.of_answer && !entry.watch.is_over())
    }

    fn watches(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there may be something that is waited for no longer than for a body or a head.
    fn presses(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
            || self.bodies.load(Ordering::Relaxed)
            || (self.fresh.load(Ordering::Relaxed) && self.calls.load(Ordering::Relaxed) == 0)
    }
}

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody asks for anything.
    Idle,
    /// A head does not come to its end.
    Head,
    /// The client takes nothing of its answer.
    Untaken,
}

/// What a connection as a whole waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Idle,
    Head,
    /// For the client to take bytes; so many were written.
    Untaken(u32),
    /// For the service, or for a body that has a watch.
    Service,
}

/// The timer of a connection.
#[derive(Debug)]
pub(super) struct Patience {
    activity: Arc<Activity>,
    times: Times,
    /// HTTP/2 has no heads of its own: they come in frames, among those of other requests.
    heads: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// The times between looks when something presses, and otherwise.
    short: Duration,
    long: Duration,
    /// The time to the next look, and when the last one was.
    period: Duration,
    looked: Instant,
    seen: (Waits, u32),
    age: Duration,
}

impl Patience {
    pub(super) fn new(activity: Arc<Activity>, times: Times, heads: bool) -> Self {
        let (short, long) = periods(times);
        Self {
            activity,
            times,
            heads,
            timer: None,
            short,
            long,
            period: Duration::MAX,
            looked: Instant::now(),
            seen: (Waits::Service, 0),
            age: Duration::ZERO,
        }
    }

    /// From now on waits for nothing longer than `most`.
    pub(super) fn hurry(&mut self, most: Duration) {
        self.times = self.times.at_most(most);
        (self.short, self.long) = periods(self.times);
        self.period = Duration::MAX;
    }

    /// Whether it is time to end the connection. To be asked each time the connection was polled.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Verdict> {
        let wanted = self.wanted();
        if self.period > wanted {
            self.begin(wanted, cx);
        }
        loop {
            // Only a timer that has run out has to be polled: it knows its task.
            match &mut self.timer {
                Some(timer) if timer.is_elapsed() => {}
                _ => return Poll::Pending,
            }
            if let Some(verdict) = self.look() {
                return Poll::Ready(verdict);
            }
            let wanted = self.wanted();
            self.begin(wanted, cx);
        }
    }

    fn wanted(&self) -> Duration {
        if self.activity.presses() {
            self.short
        } else {
            self.long
        }
    }

    fn begin(&mut self, period: Duration, cx: &mut Context<'_>) {
        let now = Instant::now();
        self.period = period;
        self.looked = now;
        // A time that cannot be told is not waited for.
        let Some(at) = now.checked_add(period) else {
            self.timer = None;
            return;
        };
        let timer = match &mut self.timer {
            Some(timer) => {
                timer.as_mut().reset(at);
                timer
            }
            none => none.insert(Box::pin(sleep_until(at))),
        };
        // Should it be over already, the next poll sees it.
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    fn look(&mut self) -> Option<Verdict> {
        let passed = self.looked.elapsed();
        let activity = Arc::clone(&self.activity);
        let busy = activity.calls.load(Ordering::Relaxed) > 0;
        let (open, stuck) = self.look_at_bodies(&activity, passed);
        activity.bodies.store(open, Ordering::Relaxed);
        let waits = if activity.blocked.load(Ordering::Relaxed) {
            Waits::Untaken(activity.writes.load(Ordering::Relaxed))
        } else if busy || open {
            activity.fresh.store(false, Ordering::Relaxed);
            Waits::Service
        } else if self.heads && activity.fresh.load(Ordering::Relaxed) {
            Waits::Head
        } else {
            Waits::Idle
        };
        let seen = (waits, activity.requests.load(Ordering::Relaxed));
        if seen == self.seen {
            self.age += passed;
        } else {
            (self.seen, self.age) = (seen, Duration::ZERO);
        }
        let over = |time: Duration| self.age >= time;
        match waits {
            Waits::Untaken(_) if over(self.times.body) => Some(Verdict::Untaken),
            Waits::Head if over(self.times.head) => Some(Verdict::Head),
            Waits::Idle if over(self.times.idle) => Some(Verdict::Idle),
            _ if stuck => Some(Verdict::Untaken),
            _ => None,
        }
    }

    /// Gives up bodies that do not come. Whether any body is open, and whether there are answers of
    /// which the client has taken nothing for too long.
    fn look_at_bodies(&self, activity: &Activity, passed: Duration) -> (bool, bool) {
        let mut open = false;
        let (mut answers, mut stuck) = (0, 0);
        let mut watches = activity.watches();
        for entry in watches.iter_mut() {
            let seen = entry.watch.look();
            if seen == entry.seen {
                entry.age += passed;
            } else {
                (entry.seen, entry.age) = (seen, Duration::ZERO);
            }
            if seen.0 == Motion::Over {
                continue;
            }
            open = true;
            let late = entry.age >= self.times.body;
            if entry.of_answer {
                answers += 1;
                stuck += usize::from(late && seen.0 == Motion::Taken);
            } else if late && seen.0 == Motion::Awaited {
                tracing::debug!("a client stopped sending a body");
                entry.watch.give_up();
            }
        }
        // A connection that was busy once need not remember it.
        if !open && watches.len() > 4 {
            watches.retain(|entry| Arc::strong_count(&entry.watch) > 1);
            watches.shrink_to(4);
        }
        // One that moves keeps the connection for the others: of what is stuck, so much is held as
        // streams are allowed.
        (open, answers > 0 && stuck == answers)
    }
}

fn periods(times: Times) -> (Duration, Duration) {
    let period = |time: Duration| (time / LOOKS).max(Duration::from_millis(1));
    let short = times.body.min(times.head).min(times.idle);
    (period(short), period(times.idle))
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use bytes::Bytes;
    use http_body::{Body as HttpBody, Frame};
    use tokio::time::advance;

    use super::*;
    use crate::body::Body;

    const TIMES: Times = Times {
        head: Duration::from_secs(30),
        idle: Duration::from_secs(310),
        body: Duration::from_secs(20),
    };

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// After how many seconds `patience` ends, if it does within so many.
    async fn ends(patience: &mut Patience, most: u64) -> Option<(Verdict, u64)> {
        let mut cx = Context::from_waker(Waker::noop());
        for passed in 0..most {
            if let Poll::Ready(verdict) = patience.poll(&mut cx) {
                return Some((verdict, passed));
            }
            advance(seconds(1)).await;
        }
        None
    }

    fn connection() -> (Arc<Activity>, Patience) {
        let activity = Arc::<Activity>::default();
        let patience = Patience::new(Arc::clone(&activity), TIMES, true);
        (activity, patience)
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_kept_for_its_time() {
        let (activity, mut patience) = connection();
        let (verdict, after) = ends(&mut patience, 1000).await.unwrap();
        assert_eq!(verdict, Verdict::Idle);
        assert!((310..400).contains(&after), "{after}");

        let (used, mut patience) = connection();
        for _ in 0..10 {
            assert_eq!(ends(&mut patience, 200).await, None);
            used.read();
            used.called();
            used.answered();
            used.flushed();
        }
        drop(activity);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_must_come_in_its_time_however_it_drips() {
        let (activity, mut patience) = connection();
        assert_eq!(ends(&mut patience, 100).await, None);
        let mut after = 0;
        let verdict = loop {
            activity.read();
            after += 1;
            if let Some((verdict, _)) = ends(&mut patience, 1).await {
                break verdict;
            }
            assert!(after < 100);
        };
        assert_eq!(verdict, Verdict::Head);
        assert!((30..50).contains(&after), "{after}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_may_take_as_long_as_it_likes() {
        let (activity, mut patience) = connection();
        activity.read();
        activity.called();
        assert_eq!(ends(&mut patience, 10_000).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let (activity, mut patience) = connection();
        activity.called();
        let watch = activity.watch(false);
        let mut body = Body::new(Silent).watched(Arc::clone(&watch));
        let mut cx = Context::from_waker(Waker::noop());
        let mut poll = |body: &mut Body| Pin::new(body).poll_frame(&mut cx);
        // Nobody asks for it: the service is slow, not the client.
        assert_eq!(ends(&mut patience, 200).await, None);
        assert!(poll(&mut body).is_pending());
        assert_eq!(ends(&mut patience, 15).await, None);
        assert!(poll(&mut body).is_pending());
        assert_eq!(ends(&mut patience, 15).await, None);
        match poll(&mut body) {
            Poll::Ready(Some(Err(error))) => assert!(error.is_timed_out()),
            other => panic!("{other:?}"),
        }
        assert!(poll(&mut body).is_ready(), "it is over");
        drop(body);
        assert!(watch.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_takes_end_the_connection_when_none_moves() {
        let (activity, mut patience) = connection();
        let moving = activity.watch(true);
        let moving_body = Body::new(Silent).watched(Arc::clone(&moving));
        let _stuck = Body::new(Silent).watched(activity.watch(true));
        let mut cx = Context::from_waker(Waker::noop());
        // It waits for the service.
        let mut waiting = moving_body;
        assert!(Pin::new(&mut waiting).poll_frame(&mut cx).is_pending());
        assert_eq!(ends(&mut patience, 400).await, None);
        drop(waiting);
        let (verdict, _) = ends(&mut patience, 400).await.unwrap();
        assert_eq!(verdict, Verdict::Untaken);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_left() {
        let (activity, mut patience) = connection();
        for _ in 0..10 {
            activity.blocked();
            assert_eq!(ends(&mut patience, 19).await, None);
            activity.wrote();
        }
        activity.blocked();
        let (verdict, after) = ends(&mut patience, 100).await.unwrap();
        assert_eq!(verdict, Verdict::Untaken);
        assert!((20..30).contains(&after), "{after}");
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_hurry_it_waits_less() {
        let (activity, mut patience) = connection();
        assert_eq!(ends(&mut patience, 10).await, None);
        activity.read();
        patience.hurry(seconds(2));
        let (verdict, after) = ends(&mut patience, 100).await.unwrap();
        assert_eq!(verdict, Verdict::Head);
        assert!(after < 5, "{after}");
    }

    #[test]
    fn a_watch_is_used_again_when_its_body_is_over() {
        let activity = Activity::default();
        let first = activity.watch(false);
        let second = activity.watch(false);
        assert!(!Arc::ptr_eq(&first, &second));
        let address = Arc::as_ptr(&first);
        drop(first);
        assert_eq!(Arc::as_ptr(&activity.watch(true)), address);
        drop(second);
        assert_eq!(activity.watches().len(), 2);
    }

    /// A body of which nothing comes.
    struct Silent;

    impl HttpBody for Silent {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }
}
