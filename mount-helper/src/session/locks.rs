//! Who says that the screen is locked. Several may say so at once, logind and a screen saver; it is
//! unlocked when none does any more.

use std::collections::BTreeSet;

/// What follows from a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Lock. Also where it was locked before: once more does no harm.
    Locked,
    /// Nobody says any more that it is locked.
    Clear,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// The sessions whose `LockedHint` is set.
    hints: BTreeSet<String>,
    screensaver: bool,
}

impl Locks {
    /// The `LockedHint` of a session.
    pub(super) fn hint(&mut self, session: &str, locked: bool) -> Option<Outcome> {
        if locked {
            self.hints.insert(session.to_owned());
            return Some(Outcome::Locked);
        }
        // A hint that was not set changes nothing: sessions come with one that says no.
        self.hints.remove(session).then(|| self.clear()).flatten()
    }

    /// logind's `Unlock`: the session's own word for it.
    pub(super) fn unlock(&mut self, session: &str) -> Option<Outcome> {
        self.hints.remove(session);
        self.clear()
    }

    /// A screen saver's `ActiveChanged`.
    pub(super) fn screensaver(&mut self, active: bool) -> Option<Outcome> {
        self.screensaver = active;
        if active {
            return Some(Outcome::Locked);
        }
        self.clear()
    }

    /// A session is gone: what it said counts no more, and nothing follows from that.
    pub(super) fn forget(&mut self, session: &str) {
        self.hints.remove(session);
    }

    fn clear(&self) -> Option<Outcome> {
        (self.hints.is_empty() && !self.screensaver).then_some(Outcome::Clear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Clear, Locked};

    #[test]
    fn it_is_unlocked_when_nobody_says_any_more_that_it_is_locked() {
        let mut locks = Locks::default();
        assert_eq!(locks.hint("/1", true), Some(Locked));
        assert_eq!(locks.screensaver(true), Some(Locked));
        assert_eq!(locks.hint("/2", true), Some(Locked));
        assert_eq!(locks.screensaver(false), None);
        assert_eq!(locks.unlock("/1"), None);
        assert_eq!(locks.hint("/2", false), Some(Clear));
    }

    #[test]
    fn a_session_that_was_not_locked_unlocks_nothing() {
        let mut locks = Locks::default();
        assert_eq!(locks.hint("/1", false), None);
        locks.hint("/1", true);
        locks.forget("/1");
        assert_eq!(locks.hint("/1", false), None);
    }

    #[test]
    fn unlock_without_a_hint_counts() {
        // `loginctl unlock-session` after `lock-session`, with a locker that sets no hint.
        assert_eq!(Locks::default().unlock("/1"), Some(Clear));
    }
}
