//! The daemon's clock: the machine's, which a test build can move forward.

use secretfs_providers::Clock;
#[cfg(feature = "test-hooks")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "test-hooks")]
use std::time::Duration;
use std::time::{Instant, SystemTime};

/// The clock that lifetimes are measured by. Deadlines of requests under way are the runtime's, so
/// moving this one ages values and hurries nobody.
#[derive(Debug, Default)]
pub(crate) struct DaemonClock {
    #[cfg(feature = "test-hooks")]
    ahead_ms: AtomicU64,
}

impl DaemonClock {
    /// Moves the clock forward.
    #[cfg(feature = "test-hooks")]
    pub(crate) fn advance(&self, by_ms: u64) {
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    #[cfg(feature = "test-hooks")]
    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

impl Clock for DaemonClock {
    fn now(&self) -> Instant {
        #[cfg(feature = "test-hooks")]
        return Instant::now() + self.ahead();
        #[cfg(not(feature = "test-hooks"))]
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        #[cfg(feature = "test-hooks")]
        return SystemTime::now() + self.ahead();
        #[cfg(not(feature = "test-hooks"))]
        SystemTime::now()
    }
}
