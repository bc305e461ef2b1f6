//! A waker that does not hear what wakes its task in vain.
//!
//! Whoever takes a piece of a body out of hyper's hands wakes the connection that the piece came from, so that it reads
//! on. When the taker runs inside of that connection and the piece was the last, all that comes of it is one more round
//! of a connection that has nothing to do.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

thread_local! {
    static DEAF: Cell<bool> = const { Cell::new(false) };
}

/// Hears nothing of what `taking` wakes on this thread. Other threads are heard, the driver of IO among them.
pub(super) fn deaf<T>(taking: impl FnOnce() -> T) -> T {
    struct Hearing;
    impl Drop for Hearing {
        fn drop(&mut self) {
            DEAF.set(false);
        }
    }
    DEAF.set(true);
    let _hearing = Hearing;
    taking()
}

/// The waker of a task as a connection gets it.
#[derive(Debug, Default)]
pub(super) struct Ear(Option<(Waker, Waker)>);

impl Ear {
    /// The waker that wakes what `task` wakes.
    pub(super) fn of(&mut self, task: &Waker) -> &Waker {
        let kept = self.0.take().filter(|(known, _)| known.will_wake(task));
        let (_, waker) = self.0.insert(kept.unwrap_or_else(|| {
            let waker = Waker::from(Arc::new(Listening(task.clone())));
            (task.clone(), waker)
        }));
        waker
    }
}

struct Listening(Waker);

impl Wake for Listening {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !DEAF.get() {
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

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_hears_other_threads_and_what_comes_after() {
        let count = Arc::<Count>::default();
        let task = Waker::from(Arc::clone(&count));
        let mut ear = Ear::default();
        let waker = ear.of(&task).clone();
        assert!(ear.of(&task).will_wake(&waker), "made once");
        deaf(|| {
            waker.wake_by_ref();
            assert_eq!(count.0.load(Ordering::Relaxed), 0);
            let elsewhere = waker.clone();
            std::thread::spawn(move || elsewhere.wake()).join().unwrap();
        });
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        waker.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        let panicked = std::panic::catch_unwind(|| deaf(|| panic!("while deaf")));
        assert!(panicked.is_err() && !DEAF.get());

        let other = Arc::<Count>::default();
        ear.of(&Waker::from(Arc::clone(&other))).wake_by_ref();
        assert_eq!(other.0.load(Ordering::Relaxed), 1, "of another task");
    }
}
