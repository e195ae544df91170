//! When a lost subscription is tried again: soon after one that was good for a while, and later and
//! later after those that were not. By chance within that, so that a server that comes back is not
//! asked by everybody at once.

use std::hash::BuildHasher;
use std::time::Duration;

/// After one that was good.
const FIRST: Duration = Duration::from_secs(1);
/// However many failed.
const LAST: Duration = Duration::from_secs(5 * 60);
/// How long a good one lives at least.
const GOOD: Duration = Duration::from_secs(60);

/// The pauses so far.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failed: u32,
    dice: std::hash::RandomState,
}

impl Pauses {
    /// The pause after a subscription that lived so long.
    pub(super) fn after(&mut self, lived: Duration) -> Duration {
        if lived >= GOOD {
            self.failed = 0;
        }
        let pause = FIRST.saturating_mul(1 << self.failed.min(16)).min(LAST);
        self.failed = self.failed.saturating_add(1);
        // From a half to one and a half of it.
        let chance = self.dice.hash_one(self.failed) % 256;
        let chance = u32::try_from(chance).unwrap_or_default();
        pause / 2 + pause / 256 * chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_start_anew_after_a_good_one() {
        let mut pauses = Pauses::default();
        let is_about = |pause: Duration, of: Duration| pause >= of / 2 && pause <= of / 2 * 3;
        for n in 0..8 {
            let pause = pauses.after(Duration::ZERO);
            assert!(is_about(pause, FIRST * (1 << n)), "{n}: {pause:?}");
        }
        for _ in 0..100 {
            pauses.after(Duration::from_secs(59));
        }
        assert!(is_about(pauses.after(Duration::ZERO), LAST));
        assert!(is_about(pauses.after(GOOD), FIRST));
    }

    #[test]
    fn no_two_clients_pause_alike() {
        let of = || Pauses::default().after(Duration::ZERO);
        let all: std::collections::BTreeSet<_> = (0..20).map(|_| of()).collect();
        assert!(all.len() > 5, "{all:?}");
    }
}
