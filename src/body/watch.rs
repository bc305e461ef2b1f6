//! Whether a body moves, for somebody else than its reader: the connection it comes from or goes
//! to, and the deadline of the call it belongs to.
//!
//! A watch has no clock. Who watches looks now and then, and sees whether there was anything since;
//! so a body that moves costs a few stores a frame and no timer.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

/// What a body does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Motion {
    /// Its reader has what there was, and did not ask for more.
    Taken,
    /// Its reader waits for more.
    Awaited,
    /// It was read to its end, broke off or was dropped.
    Over,
}

/// What is known of one body at a time.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    motion: AtomicU8,
    /// Counts frames.
    frames: AtomicU32,
    given_up: AtomicBool,
    slow: Mutex<Slow>,
}

/// What is touched only when a body pauses or ends.
#[derive(Debug, Default)]
struct Slow {
    reader: Option<Waker>,
    over: Option<Instant>,
}

const TAKEN: u8 = 0;
const AWAITED: u8 = 1;
const OVER: u8 = 2;

impl Watch {
    /// What the body does, and a number that changes with each frame.
    pub(crate) fn look(&self) -> (Motion, u32) {
        let motion = match self.motion.load(Ordering::Acquire) {
            TAKEN => Motion::Taken,
            AWAITED => Motion::Awaited,
            _ => Motion::Over,
        };
        (motion, self.frames.load(Ordering::Relaxed))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.motion.load(Ordering::Acquire) == OVER
    }

    /// When the body was over, if it is.
    pub(crate) fn over_since(&self) -> Option<Instant> {
        if self.is_over() {
            self.slow().over
        } else {
            None
        }
    }

    /// Breaks the body off: its reader has waited for long enough.
    #[cfg_attr(not(feature = "server"), allow(dead_code))]
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
        let reader = self.slow().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn slow(&self) -> MutexGuard<'_, Slow> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a [`Watch`] that the body holds.
#[derive(Debug)]
pub(super) struct Watched(Arc<Watch>);

impl Watched {
    /// Begins to watch another body. Nobody else looks at a watch whose body is over.
    pub(super) fn begin(watch: Arc<Watch>) -> Self {
        watch.slow().over = None;
        watch.given_up.store(false, Ordering::Relaxed);
        watch.frames.fetch_add(1, Ordering::Relaxed);
        watch.motion.store(TAKEN, Ordering::Release);
        Self(watch)
    }

    pub(super) fn watch(&self) -> &Arc<Watch> {
        &self.0
    }

    /// Tells what came of asking the body for a frame: `true` for one, `false` for its end. Whether
    /// somebody gave it up.
    pub(super) fn tell(&self, polled: Poll<bool>, cx: &Context<'_>) -> bool {
        let watch = &*self.0;
        match polled {
            Poll::Ready(true) => {
                watch.frames.fetch_add(1, Ordering::Relaxed);
                watch.motion.store(TAKEN, Ordering::Release);
                false
            }
            Poll::Ready(false) => {
                self.over();
                false
            }
            Poll::Pending => {
                match &mut watch.slow().reader {
                    Some(reader) => reader.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                watch.motion.store(AWAITED, Ordering::Release);
                watch.given_up.load(Ordering::Acquire)
            }
        }
    }

    pub(super) fn over(&self) {
        if !self.0.is_over() {
            let mut slow = self.0.slow();
            slow.over = Some(Instant::now());
            slow.reader = None;
            drop(slow);
            self.0.motion.store(OVER, Ordering::Release);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.over();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_the_body_does() {
        let watch = Arc::<Watch>::default();
        let watched = Watched::begin(Arc::clone(&watch));
        let cx = Context::from_waker(Waker::noop());
        let (motion, first) = watch.look();
        assert_eq!(motion, Motion::Taken);
        assert!(!watched.tell(Poll::Pending, &cx));
        assert_eq!(watch.look(), (Motion::Awaited, first));
        assert!(!watched.tell(Poll::Ready(true), &cx));
        assert_eq!(watch.look(), (Motion::Taken, first + 1));
        assert!(watch.over_since().is_none());
        watch.give_up();
        assert!(
            !watched.tell(Poll::Ready(true), &cx),
            "what is there is read"
        );
        assert!(watched.tell(Poll::Pending, &cx));
        drop(watched);
        assert!(watch.is_over() && watch.over_since().is_some());

        let watched = Watched::begin(Arc::clone(&watch));
        assert!(!watch.is_over() && watch.over_since().is_none());
        assert!(!watched.tell(Poll::Pending, &cx), "of another body");
    }
}
