//! Hints: a provider was told that something of it may have changed. A value that was fetched before
//! the last hint is checked again by the next open that wants it, as if its ttl were over.
//!
//! A counter, and not a channel: a hint has to be seen by every value that was fetched before it,
//! whenever somebody looks at that value, on the FUSE thread too; it must cost the same for one event
//! and for a flood of them; and it must never be a reason for a request, which only an open is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the hints of a provider. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Hints(Arc<AtomicU64>);

/// A moment between two hints.
#[derive(Debug, Clone)]
pub struct Mark {
    hints: Hints,
    at: u64,
}

impl Hints {
    /// Something may have changed.
    pub fn give(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Now. To be taken before a request: what is told while it is under way may be later than what
    /// it brings.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            hints: self.clone(),
            at: self.0.load(Ordering::Relaxed),
        }
    }
}

impl Mark {
    /// Whether there was a hint since.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.hints.0.load(Ordering::Relaxed) != self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_over_with_the_next_hint_and_stays_so() {
        let hints = Hints::default();
        let before = hints.mark();
        assert!(!before.is_over());
        let same = hints.clone();
        same.give();
        assert!(before.is_over());
        assert!(!hints.mark().is_over());
        hints.give();
        assert!(before.is_over());
    }
}
