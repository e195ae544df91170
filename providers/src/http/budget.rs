//! The time that is left for one call of a provider, on the runtime's clock.

use crate::provider::Context;
use std::time::Duration;
use tokio::time::Instant;

/// How much earlier than its caller a call ends, so that it can tell what it waited for.
const MARGIN: Duration = Duration::from_millis(50);

/// Until when one call may wait. Made once for it, whatever number of requests it takes.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    until: Instant,
    whole: Duration,
}

impl Budget {
    /// A little less than the context's deadline.
    #[must_use]
    pub fn of(cx: &Context) -> Self {
        let left = cx.deadline.saturating_duration_since(cx.clock.now());
        Self {
            until: Instant::now() + left.saturating_sub(MARGIN.min(left / 10)),
            whole: left,
        }
    }

    /// No later than `limit` from now.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            until: self.until.min(Instant::now() + limit),
            whole: self.whole.min(limit),
        }
    }

    /// The end.
    #[must_use]
    pub fn until(self) -> Instant {
        self.until
    }

    /// What is left of it.
    #[must_use]
    pub fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// What there was at the start, in whole seconds, for messages.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.whole
            .as_millis()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(u64::MAX)
    }
}
