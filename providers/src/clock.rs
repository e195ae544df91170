//! Time, passed in, so that tests inject it and none sleeps.

use std::time::{Instant, SystemTime};

/// The two clocks that providers and the cache look at.
pub trait Clock: Send + Sync + 'static {
    /// Monotonic: for lifetimes and deadlines.
    fn now(&self) -> Instant;
    /// Of the calendar: for `mtime` and one-time passwords.
    fn wall(&self) -> SystemTime;
}

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}
