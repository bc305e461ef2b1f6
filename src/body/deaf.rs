//! Taking a piece of a body without waking for it in vain.
//!
//! Whoever takes a piece out of hyper's hands wakes the connection that it came from, so that it reads on. When the
//! piece was the last of its body, all that comes of it is one more round of a connection that has nothing to do.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

thread_local! {
    static DEAF: Cell<bool> = const { Cell::new(false) };
    static MISSED: Cell<Option<Arc<Listening>>> = const { Cell::new(None) };
}

/// Holds back what `taking` wakes on this thread, for the caller to decide. Other threads are heard, so that nothing is
/// held back but what `taking` itself does.
pub(super) fn deaf<T>(taking: impl FnOnce() -> T) -> (T, Missed) {
    struct Hearing;
    impl Drop for Hearing {
        fn drop(&mut self) {
            DEAF.set(false);
        }
    }
    DEAF.set(true);
    let hearing = Hearing;
    let taken = taking();
    drop(hearing);
    (taken, Missed(MISSED.take()))
}

/// A task that would have been woken.
#[must_use]
pub(super) struct Missed(Option<Arc<Listening>>);

impl Missed {
    /// Wakes it after all.
    pub(super) fn wake(self) {
        if let Some(missed) = self.0 {
            missed.0.wake_by_ref();
        }
    }
}

/// The waker of a task, as a connection gets it whose bodies may be taken so.
#[derive(Debug, Default)]
pub(crate) struct Ear(Option<(Waker, Waker)>);

impl Ear {
    /// The waker that wakes what `task` wakes.
    pub(crate) fn of(&mut self, task: &Waker) -> &Waker {
        if let Some((known, _)) = &self.0
            && !known.will_wake(task)
        {
            self.0 = None;
        }
        let (_, waker) = self.0.get_or_insert_with(|| {
            let waker = Waker::from(Arc::new(Listening(task.clone())));
            (task.clone(), waker)
        });
        waker
    }
}

struct Listening(Waker);

impl Wake for Listening {
    fn wake(self: Arc<Self>) {
        if !DEAF.get() {
            return self.0.wake_by_ref();
        }
        // There is one connection to a body.
        if let Some(other) = MISSED.replace(Some(self)) {
            other.0.wake_by_ref();
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if DEAF.get() {
            Arc::clone(self).wake();
        } else {
            self.0.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_holds_back_what_happens_within() {
        let count = Arc::<Count>::default();
        let task = Waker::from(Arc::clone(&count));
        let mut ear = Ear::default();
        let waker = ear.of(&task).clone();
        assert!(ear.of(&task).will_wake(&waker), "made once");
        let ((), missed) = deaf(|| {
            waker.wake_by_ref();
            assert_eq!(count.get(), 0);
            let elsewhere = waker.clone();
            std::thread::spawn(move || elsewhere.wake()).join().unwrap();
            assert_eq!(count.get(), 1, "another thread");
        });
        assert_eq!(count.get(), 1);
        missed.wake();
        assert_eq!(count.get(), 2);
        let ((), missed) = deaf(|| ());
        missed.wake();
        assert_eq!(count.get(), 2, "nothing was missed");
        waker.wake();
        assert_eq!(count.get(), 3);
    }

    #[test]
    fn nothing_is_lost_to_others_or_to_a_panic() {
        let counts = [Arc::<Count>::default(), Arc::<Count>::default()];
        let mut ear = Ear::default();
        let [first, second] = counts.each_ref().map(|count| {
            let task = Waker::from(Arc::clone(count));
            ear.of(&task).clone()
        });
        let ((), missed) = deaf(|| {
            first.wake_by_ref();
            second.wake_by_ref();
        });
        missed.wake();
        assert_eq!(counts.each_ref().map(|count| count.get()), [1, 1]);
        let panicked = std::panic::catch_unwind(|| deaf(|| panic!("while deaf")).0);
        assert!(panicked.is_err());
        first.wake();
        assert_eq!(counts[0].get(), 2);
    }
}
