//! The session: what of it locks a mount, and what lets it serve again.
//!
//! Two buses are watched, each by a task of its own that waits for nobody else: logind's signals on
//! the system bus, the screen lockers' on the session bus. Neither needs to be there: a mount in a
//! container, or before its bus is up, works all the same, and each bus is looked for again. What the
//! tasks see becomes at most one [`Event`] for the helper's loop; a lock is never lost.
//!
//! | room | what it does |
//! |---|---|
//! | [`logind`] | the task of the system bus |
//! | [`sessions`] | which sessions are this user's, and when the last one is gone |
//! | [`signal`] | which messages count, and from whom |
//! | [`screensaver`] | the task of the session bus |
//! | [`locks`] | who says that the screen is locked |
//! | [`inhibit`] | what holds sleep and shutdown back until everything is wiped |
//! | [`mailbox`] | what waits for the helper's loop |
//! | [`bus`] | connecting, and calls with a deadline |

mod bus;
mod inhibit;
mod locks;
mod logind;
mod mailbox;
mod screensaver;
mod sessions;
mod signal;

use inhibit::Inhibitors;
use locks::{Locks, Outcome};
use mailbox::Mailbox;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinHandle;

/// What the helper's loop is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Wipe, as `secretfs lock` does.
    Lock(Cause),
    /// Nobody says any more that the screen is locked.
    Unlock,
}

/// Why to lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// logind's `Lock`: somebody asked for it.
    Asked,
    /// logind's `LockedHint`: the screen is locked.
    Hint,
    /// A screen saver's `ActiveChanged`.
    Screensaver,
    /// The machine is about to sleep.
    Sleep,
    /// The machine is about to go down.
    Shutdown,
    /// The user's last session is gone.
    LoggedOut,
    /// logind has forgotten the user.
    UserGone,
    /// A bus that was there is gone: nothing would be heard of a lock any more.
    BusLost,
}

impl Cause {
    /// Whether nobody is left to serve: then no process stays, whatever the map says of a lock.
    pub(crate) fn is_logout(self) -> bool {
        matches!(self, Self::LoggedOut | Self::UserGone)
    }

    /// For the log.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Asked => "the session asked for it",
            Self::Hint => "the screen is locked",
            Self::Screensaver => "the screen saver is on",
            Self::Sleep => "the machine goes to sleep",
            Self::Shutdown => "the machine goes down",
            Self::LoggedOut => "the last session is gone",
            Self::UserGone => "the user is logged out",
            Self::BusLost => "a bus was lost",
        }
    }
}

/// What can be armed, by the name that `status` gives it. A name is there only while the trigger
/// would fire.
pub(crate) mod trigger {
    /// `Lock` and `LockedHint` of a session of this user.
    pub(crate) const LOCK: &str = "lock";
    /// The end of the last session, or of the user.
    pub(crate) const LOGOUT: &str = "logout";
    /// `PrepareForSleep`, held back until everything is wiped.
    pub(crate) const SLEEP: &str = "sleep";
    /// The same without a delay inhibitor: the machine does not wait for the wipe.
    pub(crate) const SLEEP_UNHELD: &str = "sleep-unheld";
    /// `PrepareForShutdown`, held back.
    pub(crate) const SHUTDOWN: &str = "shutdown";
    /// The same without a delay inhibitor.
    pub(crate) const SHUTDOWN_UNHELD: &str = "shutdown-unheld";
    /// `ActiveChanged` of a screen saver that is there.
    pub(crate) const SCREENSAVER: &str = "screensaver";
    /// The loss of a bus.
    pub(crate) const SYSTEM_BUS: &str = "system-bus";
    /// The loss of a bus.
    pub(crate) const SESSION_BUS: &str = "session-bus";
}

/// What both tasks and the helper share.
#[derive(Debug, Default)]
struct Shared {
    mailbox: Mailbox,
    locks: Mutex<Locks>,
    armed: Mutex<BTreeSet<&'static str>>,
    inhibitors: Inhibitors,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn arm(&self, trigger: &'static str, armed: bool) {
        let mut all = lock(&self.armed);
        if armed {
            all.insert(trigger);
        } else {
            all.remove(trigger);
        }
    }

    /// Changes who says that the screen is locked, and tells what follows.
    fn change(&self, change: impl FnOnce(&mut Locks) -> Option<Outcome>, cause: Cause) {
        let outcome = change(&mut lock(&self.locks));
        match outcome {
            Some(Outcome::Locked) => self.mailbox.put(Event::Lock(cause)),
            Some(Outcome::Clear) => self.mailbox.put(Event::Unlock),
            None => {}
        }
    }
}

/// The watch over the session. Its tasks end when it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

impl Session {
    /// Starts watching. To be called inside the runtime; returns at once.
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let tasks = vec![
            tokio::spawn(logind::watch(Arc::clone(&shared))),
            tokio::spawn(screensaver::watch(Arc::clone(&shared))),
        ];
        Self { shared, tasks }
    }

    /// What happened. May be dropped and called again.
    pub(crate) async fn event(&self) -> Event {
        self.shared.mailbox.next().await
    }

    /// The triggers that would fire now, by name.
    pub(crate) fn armed(&self) -> Vec<String> {
        let armed = lock(&self.shared.armed);
        armed.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Everything is wiped: a machine that waits for that may sleep or go down.
    pub(crate) fn wiped(&self) -> Wiped {
        Wiped(Arc::clone(&self.shared))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Tells that everything is wiped.
#[derive(Debug, Clone)]
pub(crate) struct Wiped(Arc<Shared>);

impl Wiped {
    /// Lets a machine that waits go on.
    pub(crate) fn tell(&self) {
        self.0.inhibitors.wiped();
    }
}
