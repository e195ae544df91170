//! Which sessions are this user's, and whether their end is the end of a mount.
//!
//! A lock of any session of the user locks: the vault's values are the user's, not a terminal's. The
//! end of the last one does so where the mount belongs to a login. A service of the system, and one of
//! a user who lingers, was meant to outlast logins, and does.

use std::collections::BTreeMap;

/// Where the mount was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Home {
    /// In a session: on a desktop, a terminal, over ssh.
    Session,
    /// Outside of sessions, among the user's own services, which end with the last session unless
    /// the user lingers.
    User {
        /// Whether the user does.
        lingers: bool,
    },
    /// In a service of the system, a container, or nobody knows.
    #[default]
    Elsewhere,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    home: Home,
    /// By object path: whether somebody sits there, and no greeter or cron job.
    ours: BTreeMap<String, bool>,
}

impl Sessions {
    /// None yet.
    pub(super) fn new(home: Home) -> Self {
        Self {
            home,
            ours: BTreeMap::new(),
        }
    }

    /// A session of this user, with its class. systemd has more than one for people: `user`,
    /// `user-early`, `user-light`; `background`, `manager` and `greeter` are none.
    pub(super) fn add(&mut self, path: &str, class: &str) {
        let person = class == "user" || class.starts_with("user-");
        self.ours.insert(path.to_owned(), person);
    }

    /// Whether a session is this user's.
    pub(super) fn has(&self, path: &str) -> bool {
        self.ours.contains_key(path)
    }

    /// A session ended; whether the user is logged out by that.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let person = self.ours.remove(path) == Some(true);
        person && !self.has_person() && self.ends_with_sessions()
    }

    /// Whether the end of the user is the end of the mount.
    pub(super) fn ends_with_user(&self) -> bool {
        self.home != Home::Elsewhere
    }

    /// Whether a lock can be heard of.
    pub(super) fn is_lock_armed(&self) -> bool {
        !self.ours.is_empty()
    }

    /// Whether a logout can be heard of.
    pub(super) fn is_logout_armed(&self) -> bool {
        self.has_person() && self.ends_with_sessions()
    }

    fn has_person(&self) -> bool {
        self.ours.values().any(|person| *person)
    }

    fn ends_with_sessions(&self) -> bool {
        matches!(self.home, Home::Session | Home::User { lingers: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(home: Home) -> Sessions {
        let mut sessions = Sessions::new(home);
        for (path, class) in [("/1", "user"), ("/2", "user-early"), ("/3", "background")] {
            sessions.add(path, class);
        }
        sessions
    }

    #[test]
    fn the_end_of_the_last_session_with_somebody_in_it_is_a_logout() {
        for home in [Home::Session, Home::User { lingers: false }] {
            let mut sessions = with(home);
            assert!(sessions.is_logout_armed());
            assert!(!sessions.remove("/1"), "another one is left");
            assert!(!sessions.remove("/9"), "somebody else's");
            assert!(sessions.remove("/2"));
            assert!(!sessions.remove("/3"), "nobody was there any more");
            assert!(!sessions.is_logout_armed());
        }
    }

    #[test]
    fn what_was_meant_to_outlast_logins_does() {
        for home in [Home::User { lingers: true }, Home::Elsewhere] {
            let mut sessions = with(home);
            assert!(!sessions.is_logout_armed());
            assert!(!sessions.remove("/1") && !sessions.remove("/2"));
        }
        assert!(with(Home::User { lingers: true }).ends_with_user());
        assert!(!with(Home::Elsewhere).ends_with_user());
    }

    #[test]
    fn a_lock_is_heard_of_in_every_session_of_the_user() {
        let sessions = with(Home::Elsewhere);
        assert!(sessions.is_lock_armed() && sessions.has("/3"));
        assert!(!Sessions::default().is_lock_armed());
    }
}
