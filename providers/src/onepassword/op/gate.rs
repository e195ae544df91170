//! Whose turn it is, and what holds all calls up. A prompt in progress is one prompt: where the desktop
//! app may ask somebody, one `op` runs at a time, and what the first one fails with, those behind it
//! fail with alike (contract onepassword.md §3.4).

use crate::error::{ErrorKind, ProviderError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

/// Runs at once, where nobody is asked anything. More overload it.
const AT_ONCE: u32 = 2;
/// How long a failure that holds for every call is told without asking again …
const SHORT: Duration = Duration::from_secs(5);
/// … and one that a person is behind, who does not want to be asked again at once.
const ASKED: Duration = Duration::from_secs(10);
/// The most that a refused token is not sent for.
const REFUSED_MOST: Duration = Duration::from_secs(5 * 60);
/// Where a limit does not say how long it lasts.
const LIMITED: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Hold {
    until: Instant,
    error: ProviderError,
    /// How long it was for: doubled, where a token is refused again.
    wait: Duration,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    turns: Semaphore,
    hold: Mutex<Option<Hold>>,
}

/// What a failure holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This call.
    Call,
    /// Every call, for a moment.
    All,
    /// Every call: somebody was asked, and will not be asked again at once.
    Asked,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(2),
            hold: Mutex::default(),
        }
    }

    /// A turn: alone, where somebody may be asked something. `None`: not in time.
    pub(super) async fn turn(
        &self,
        alone: bool,
        until: tokio::time::Instant,
    ) -> Option<SemaphorePermit<'_>> {
        let count = if alone { AT_ONCE } else { 1 };
        timeout_at(until, self.turns.acquire_many(count))
            .await
            .ok()?
            .ok()
    }

    /// What holds all calls up now, and for how long.
    pub(super) fn held(&self, now: Instant) -> Option<(ProviderError, Duration)> {
        let hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let hold = hold.as_ref().filter(|hold| now < hold.until)?;
        Some((
            hold.error.clone(),
            hold.until.saturating_duration_since(now),
        ))
    }

    /// A call failed with what holds for others, too.
    pub(super) fn hold(&self, reach: Reach, error: &ProviderError, now: Instant) {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let before = hold
            .as_ref()
            .filter(|hold| hold.error.kind == ErrorKind::Refused)
            .map(|hold| hold.wait);
        let wait = match (reach, error.kind) {
            (Reach::Call, _) => return,
            (_, ErrorKind::Limited { retry_after }) => retry_after.unwrap_or(LIMITED),
            (_, ErrorKind::Refused) => before.map_or(SHORT, |wait| (wait * 2).min(REFUSED_MOST)),
            (Reach::All, _) => SHORT,
            (Reach::Asked, _) => ASKED,
        };
        *hold = now.checked_add(wait).map(|until| Hold {
            until,
            error: error.clone(),
            wait,
        });
    }

    /// Something was read, there is another credential, or a lock: nothing holds.
    pub(super) fn open(&self) {
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind) -> ProviderError {
        ProviderError::new(kind, "no", "")
    }

    #[test]
    fn a_refused_token_is_held_back_longer_each_time_and_other_failures_for_a_moment() {
        let gate = Gate::new();
        let mut now = Instant::now();
        let held = |now| gate.held(now).map(|(_, wait)| wait.as_secs());
        for expected in [5, 10, 20, 40, 80, 160, 300, 300] {
            gate.hold(Reach::All, &error(ErrorKind::Refused), now);
            assert_eq!(held(now), Some(expected));
            now += Duration::from_secs(expected);
            assert_eq!(held(now), None);
        }
        gate.open();
        gate.hold(Reach::Asked, &error(ErrorKind::NoCredential), now);
        assert_eq!(held(now), Some(10));
        let retry_after = Some(Duration::from_secs(3480));
        gate.hold(Reach::All, &error(ErrorKind::Limited { retry_after }), now);
        assert_eq!(held(now), Some(3480));
        gate.open();
        gate.hold(Reach::Call, &error(ErrorKind::Missing), now);
        assert_eq!(held(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn two_run_at_once_and_one_that_may_ask_somebody_alone() {
        let gate = Gate::new();
        let soon = || tokio::time::Instant::now() + Duration::from_secs(1);
        let first = gate.turn(false, soon()).await;
        let second = gate.turn(false, soon()).await;
        assert!(first.is_some() && second.is_some());
        assert!(gate.turn(false, soon()).await.is_none());
        drop(first);
        assert!(gate.turn(true, soon()).await.is_none());
        drop(second);
        let alone = gate.turn(true, soon()).await;
        assert!(alone.is_some());
        assert!(gate.turn(false, soon()).await.is_none());
    }
}
