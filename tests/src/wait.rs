//! Waiting for a condition, with a deadline, and never for a time.

use std::time::{Duration, Instant};

/// What anything may take on a busy machine. Promised bounds are asserted where they are promised.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Looks until `look` finds something.
///
/// # Panics
/// Nothing was found within [`PATIENCE`].
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// Looks until `look` finds something, for at most `limit`.
///
/// # Panics
/// Nothing was found in that time.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "still not after {limit:?}: {what}"
        );
        // Between two looks, not instead of one.
        std::thread::sleep(Duration::from_millis(2));
    }
}
