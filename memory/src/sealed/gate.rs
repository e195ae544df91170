//! The gate between copies and the wipe. A copy passes through it; the wipe shuts it, waits for the
//! copies inside, and opens it to a new epoch, in which older values are no longer let in.
//!
//! Not an `RwLock`: there, a copy inside a copy (a value shown to a closure that appends it to
//! another one) would wait for a wipe that waits for the outer copy. Here it is refused.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::thread::futex;

use super::SealedError;

/// Set while a wipe is under way; the other bits count the copies inside.
const SHUT: u32 = 1 << 31;

#[derive(Debug)]
pub(super) struct Gate {
    state: AtomicU32,
    /// Changes only while the gate is shut and nobody is inside.
    epoch: AtomicU64,
    /// One wipe at a time.
    wipes: Mutex<()>,
}

/// Held by a copy under way.
#[derive(Debug)]
pub(super) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(super) const fn new() -> Self {
        Self {
            state: AtomicU32::new(0),
            epoch: AtomicU64::new(0),
            wipes: Mutex::new(()),
        }
    }

    /// The epoch that a value made now belongs to.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Lets a copy of a value of `epoch` in, without ever waiting.
    pub(super) fn enter(&self, epoch: u64) -> Result<Pass<'_>, SealedError> {
        let before = self.state.fetch_add(1, Ordering::Acquire);
        let pass = Pass(self);
        if before & SHUT != 0 || self.epoch.load(Ordering::Relaxed) != epoch {
            return Err(SealedError::Wiped);
        }
        Ok(pass)
    }

    /// Shuts the gate, waits for the copies inside, runs `wipe`, and opens it to the next epoch.
    pub(super) fn shut(&self, wipe: impl FnOnce()) {
        let _one = self.wipes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state.fetch_or(SHUT, Ordering::AcqRel) | SHUT;
        while state != SHUT {
            // An error is a wake-up without cause: the loop looks again.
            let _ = futex::wait(&self.state, futex::Flags::PRIVATE, state, None);
            state = self.state.load(Ordering::Acquire);
        }
        self.epoch.fetch_add(1, Ordering::Release);
        wipe();
        self.state.fetch_and(!SHUT, Ordering::Release);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let before = self.0.state.fetch_sub(1, Ordering::Release);
        if before == SHUT | 1 {
            let _ = futex::wake(&self.0.state, futex::Flags::PRIVATE, 1);
        }
    }
}
