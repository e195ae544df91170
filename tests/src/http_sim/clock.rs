//! The server's time: the real one, moved by the test. Tokens expire and rate limits end by it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The real time, and what the test added.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    added: Arc<Mutex<Duration>>,
}

impl Clock {
    /// Goes on by that much at once.
    pub fn advance(&self, by: Duration) {
        *self.added.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// The time since 1970.
    #[must_use]
    pub fn now(&self) -> Duration {
        let real = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        real + *self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
