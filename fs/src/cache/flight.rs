//! A request under way, and those who wait for it.

use crate::error::OpenError;
use crate::sync::{AtomicBool, AtomicUsize, Mutex};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use tokio::sync::Notify;

/// One request's outcome, for any number of waiters.
pub(super) struct Flight<T> {
    outcome: Mutex<Option<Result<T, OpenError>>>,
    done: Notify,
    waiters: AtomicUsize,
    /// What it brings is for its waiters alone: a `refresh` or a reload overtook it.
    pub(super) orphan: AtomicBool,
    /// It waits for locked memory, not for its provider.
    pub(super) hungry: AtomicBool,
}

impl<T: Clone> Flight<T> {
    pub(super) fn new() -> Self {
        Self {
            outcome: Mutex::new(None),
            done: Notify::new(),
            waiters: AtomicUsize::new(0),
            orphan: AtomicBool::new(false),
            hungry: AtomicBool::new(false),
        }
    }

    /// Whether somebody waits now.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) > 0
    }

    /// Sets the outcome and wakes the waiters; only the first one counts.
    pub(super) fn finish(&self, outcome: Result<T, OpenError>) {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(outcome);
        self.done.notify_waiters();
    }

    fn outcome(&self) -> Option<Result<T, OpenError>> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.clone()
    }

    /// The outcome. Dropping the future is leaving.
    pub(super) async fn wait(&self) -> Result<T, OpenError> {
        let _waiting = Waiting::enter(&self.waiters);
        let mut done = std::pin::pin!(self.done.notified());
        loop {
            // Registered before the look, or a finish in between would be missed.
            done.as_mut().enable();
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            done.as_mut().await;
            done.set(self.done.notified());
        }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
