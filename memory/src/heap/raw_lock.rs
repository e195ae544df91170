//! The arena's lock: a futex mutex of one word that never allocates and cannot be poisoned.
//!
//! `std::sync::Mutex` would do on Linux today, but promises neither of the two.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and someone sleeps on it.
const CONTENDED: u32 = 2;
/// An allocation takes some dozen nanoseconds: worth waiting for before going to sleep.
const SPINS: u32 = 200;

#[derive(Debug)]
pub(super) struct RawLock(AtomicU32);

impl RawLock {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(FREE))
    }

    #[inline]
    pub(super) fn lock(&self) {
        if self
            .0
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            self.lock_slow();
        }
    }

    #[cold]
    fn lock_slow(&self) {
        for _ in 0..SPINS {
            if self.0.load(Ordering::Relaxed) == FREE
                && self
                    .0
                    .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return;
            }
            std::hint::spin_loop();
        }
        // From here on the word says CONTENDED while it is held: whether others sleep is not known.
        while self.0.swap(CONTENDED, Ordering::Acquire) != FREE {
            // An error is a wake-up without cause (EINTR, EAGAIN): the loop looks again.
            let _ = futex::wait(&self.0, futex::Flags::PRIVATE, CONTENDED, None);
        }
    }

    #[inline]
    pub(super) fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) == CONTENDED {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let _ = futex::wake(&self.0, futex::Flags::PRIVATE, 1);
    }

    /// In a forked child, whose parent's other threads do not exist.
    pub(super) fn reset(&self) {
        self.0.store(FREE, Ordering::Release);
    }
}
