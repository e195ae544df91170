//! How many failures are logged: a crawler that opens ten thousand files of an unreachable vault
//! must not fill the log.

use secretfs_providers::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(30);
const BURST: u32 = 10;

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    count: u32,
}

/// Lets [`BURST`] through in each [`WINDOW`].
pub(super) struct Limiter {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Limiter {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// `Some`: say it now, and that so many were not said since.
    pub(super) fn pass(&self) -> Option<u32> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut suppressed = 0;
        if state.since.is_none_or(|since| now >= since + WINDOW) {
            suppressed = state.count.saturating_sub(BURST);
            *state = State {
                since: Some(now),
                count: 0,
            };
        }
        state.count = state.count.saturating_add(1);
        (state.count <= BURST).then_some(suppressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::TestClock;

    #[test]
    fn a_burst_passes_then_silence_then_the_count_of_what_was_not_said() {
        let clock = Arc::new(TestClock::default());
        let limiter = Limiter::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for _ in 0..BURST {
            assert_eq!(limiter.pass(), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(limiter.pass(), None);
        }
        clock.advance(WINDOW);
        assert_eq!(limiter.pass(), Some(7));
        assert_eq!(limiter.pass(), Some(0));
    }
}
