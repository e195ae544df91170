//! The task of the system bus: logind's signals, and what has to be asked first. systemd-logind and
//! elogind are the same to it. A logind that comes, goes or is replaced is followed; a bus that goes
//! is a lock, because nothing would be heard of one any more.

use super::bus::{Bus, Kind, Pause, call};
use super::inhibit::Held;
use super::sessions::{Home, Sessions};
use super::signal::{self, LOGIND, MANAGER, MANAGER_PATH, PROPERTIES, SESSION, Signal};
use super::{Cause, Event, Shared, lock, trigger};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use zbus::{Connection, OwnedFd, OwnedObjectPath, OwnedVariant, Type};

/// Everything that logind says.
const RULE: &str = "type='signal',sender='org.freedesktop.login1'";
/// Who has its name.
const OWNER_RULE: &str = "type='signal',sender='org.freedesktop.DBus',\
    interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.freedesktop.login1'";

/// What logind's presence arms.
const ARMED: [&str; 6] = [
    trigger::LOCK,
    trigger::LOGOUT,
    trigger::SLEEP,
    trigger::SLEEP_UNHELD,
    trigger::SHUTDOWN,
    trigger::SHUTDOWN_UNHELD,
];

/// Watches for ever.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut pause = Pause::default();
    loop {
        if let Some(bus) = Bus::connect(Kind::System).await {
            let heard = follow(bus, &shared).await;
            disarm(&shared);
            shared.arm(trigger::SYSTEM_BUS, false);
            if heard {
                shared.mailbox.put(Event::Lock(Cause::BusLost));
                pause = Pause::default();
            }
        }
        pause.wait().await;
    }
}

fn disarm(shared: &Shared) {
    for name in ARMED {
        shared.arm(name, false);
    }
    shared.inhibitors.drop_all();
}

/// Follows logind until the bus is gone; whether its signals could be heard.
async fn follow(mut bus: Bus, shared: &Arc<Shared>) -> bool {
    let subscribed = async {
        bus.subscribe(OWNER_RULE).await?;
        bus.subscribe(RULE).await
    };
    if subscribed.await.is_none() {
        return false;
    }
    shared.arm(trigger::SYSTEM_BUS, true);
    let mut logind = match bus.owner(LOGIND).await {
        Some(owner) => Some(Logind::meet(&bus.connection, owner, shared).await),
        None => None,
    };
    while let Some(message) = bus.next().await {
        let owner = logind.as_ref().map(|logind| logind.owner.as_str());
        match signal::read(&message, owner) {
            Some(Signal::Owner(Some(owner))) => {
                let known = logind.as_ref().is_some_and(|logind| logind.owner == owner);
                if !known {
                    disarm(shared);
                    logind = Some(Logind::meet(&bus.connection, owner, shared).await);
                }
            }
            Some(Signal::Owner(None)) => {
                // It restarts at an update, and the sessions go on: no lock.
                logind = None;
                disarm(shared);
            }
            Some(signal) => {
                if let Some(logind) = &mut logind {
                    logind.hear(signal).await;
                }
            }
            None => {}
        }
    }
    true
}

/// One logind, from its name's owner to the next.
struct Logind {
    connection: Connection,
    owner: String,
    uid: u32,
    sessions: Sessions,
    shared: Arc<Shared>,
}

impl Logind {
    /// Asks what there is. What is refused, or answered otherwise than expected, is not armed.
    async fn meet(connection: &Connection, owner: String, shared: &Arc<Shared>) -> Self {
        let mut logind = Self {
            connection: connection.clone(),
            owner,
            uid: rustix::process::getuid().as_raw(),
            sessions: Sessions::default(),
            shared: Arc::clone(shared),
        };
        logind.inhibit();
        let own = logind.own_session().await;
        logind.sessions = Sessions::new(logind.home(own.is_some()).await);
        let all: Vec<(String, u32, String, String, OwnedObjectPath)> =
            logind.ask("ListSessions", &()).await.unwrap_or_default();
        for (_, uid, _, _, path) in all {
            if uid == logind.uid {
                let first = own.as_deref() == Some(path.as_str());
                logind.add(path.as_str(), first).await;
            }
        }
        logind.tell_armed();
        logind
    }

    /// Calls a method of the manager.
    async fn ask<B, R>(&self, method: &str, body: &B) -> Option<R>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: DeserializeOwned + Type,
    {
        // By the owner's own name: an answer of anybody else's would not be believed either.
        let call = call(
            &self.connection,
            &self.owner,
            MANAGER_PATH,
            MANAGER,
            method,
            body,
        );
        call.await?.body().deserialize().ok()
    }

    /// Reads a property.
    async fn property(&self, path: &str, interface: &str, name: &str) -> Option<OwnedVariant> {
        let body = (interface, name);
        let call = call(
            &self.connection,
            &self.owner,
            path,
            PROPERTIES,
            "Get",
            &body,
        );
        call.await?.body().deserialize().ok()
    }

    /// The session that this process is in, if it is in one of its user's.
    async fn own_session(&self) -> Option<String> {
        let by_pid: Option<OwnedObjectPath> =
            self.ask("GetSessionByPID", &std::process::id()).await;
        let path = match by_pid {
            Some(path) => path,
            None => {
                let id = std::env::var("XDG_SESSION_ID").ok()?;
                self.ask("GetSession", &id.as_str()).await?
            }
        };
        let path = path.as_str().to_owned();
        // The variable may be left over from another login, or be another user's.
        (self.user_of(&path).await == Some(self.uid)).then_some(path)
    }

    async fn user_of(&self, session: &str) -> Option<u32> {
        let user = self.property(session, SESSION, "User").await?;
        let (uid, _) = <(u32, OwnedObjectPath)>::try_from(user).ok()?;
        Some(uid)
    }

    async fn home(&self, in_session: bool) -> Home {
        if in_session {
            return Home::Session;
        }
        let user: Option<OwnedObjectPath> = self.ask("GetUserByPID", &std::process::id()).await;
        let Some(user) = user else {
            return Home::Elsewhere;
        };
        let lingers = self
            .property(user.as_str(), "org.freedesktop.login1.User", "Linger")
            .await;
        // An answer that does not come leaves the stricter case.
        let lingers = lingers.and_then(|value| bool::try_from(value).ok());
        Home::User {
            lingers: lingers.unwrap_or(false),
        }
    }

    /// Takes note of a session of this user. `own`: it is the one that the mount was made in; if it is
    /// locked already, the signal came before anybody listened.
    async fn add(&mut self, path: &str, own: bool) {
        let class = self.property(path, SESSION, "Class").await;
        let class = class.and_then(|class| String::try_from(class).ok());
        self.sessions
            .add(path, class.as_deref().unwrap_or_default());
        if own && self.hint(path).await == Some(true) {
            let change = |locks: &mut super::locks::Locks| locks.hint(path, true);
            self.shared.change(change, Cause::Hint);
        }
    }

    /// A session began, perhaps one of this user.
    async fn begin(&mut self, path: &str) {
        if self.user_of(path).await == Some(self.uid) {
            self.add(path, false).await;
            self.tell_armed();
        }
    }

    async fn hint(&self, path: &str) -> Option<bool> {
        let hint = self.property(path, SESSION, "LockedHint").await?;
        bool::try_from(hint).ok()
    }

    fn tell_armed(&self) {
        let arm = |name, armed| self.shared.arm(name, armed);
        arm(trigger::LOCK, self.sessions.is_lock_armed());
        arm(trigger::LOGOUT, self.sessions.is_logout_armed());
    }

    async fn hear(&mut self, signal: Signal) {
        let put = |cause| self.shared.mailbox.put(Event::Lock(cause));
        match signal {
            Signal::Lock(path) if self.sessions.has(&path) => put(Cause::Asked),
            Signal::Unlock(path) if self.sessions.has(&path) => {
                self.shared.change(|locks| locks.unlock(&path), Cause::Hint);
            }
            Signal::Hint(path, value) if self.sessions.has(&path) => {
                let value = match value {
                    Some(value) => Some(value),
                    None => self.hint(&path).await,
                };
                if let Some(locked) = value {
                    self.shared
                        .change(|locks| locks.hint(&path, locked), Cause::Hint);
                }
            }
            Signal::SessionNew(path) => self.begin(&path).await,
            Signal::SessionRemoved(path) => {
                lock(&self.shared.locks).forget(&path);
                if self.sessions.remove(&path) {
                    put(Cause::LoggedOut);
                }
                self.tell_armed();
            }
            Signal::UserRemoved(uid) if uid == self.uid && self.sessions.ends_with_user() => {
                put(Cause::UserGone);
            }
            Signal::Sleep(going) => self.prepare(going, Cause::Sleep),
            Signal::Shutdown(going) => self.prepare(going, Cause::Shutdown),
            _ => {}
        }
    }

    fn prepare(&self, going: bool, cause: Cause) {
        self.shared.inhibitors.due(going);
        if going {
            self.shared.mailbox.put(Event::Lock(cause));
        } else {
            self.inhibit();
        }
    }

    /// Asks for what is not held, off this task: polkit may take its time, and signals go on.
    fn inhibit(&self) {
        for held in Held::BOTH {
            let unheld = self.shared.inhibitors.is_missing(held);
            arm(&self.shared, held, !unheld);
            if unheld {
                let (connection, owner) = (self.connection.clone(), self.owner.clone());
                tokio::spawn(take(connection, owner, held, Arc::clone(&self.shared)));
            }
        }
    }
}

/// Says whether the machine waits for the wipe; that it tells of itself is heard in any case.
fn arm(shared: &Shared, held: Held, is_held: bool) {
    let (with, without) = match held {
        Held::Sleep => (trigger::SLEEP, trigger::SLEEP_UNHELD),
        Held::Shutdown => (trigger::SHUTDOWN, trigger::SHUTDOWN_UNHELD),
    };
    shared.arm(with, is_held);
    shared.arm(without, !is_held);
}

async fn take(connection: Connection, owner: String, held: Held, shared: Arc<Shared>) {
    let body = (held.what(), "secretfs", "Secrets are wiped first", "delay");
    let asked = call(&connection, &owner, MANAGER_PATH, MANAGER, "Inhibit", &body);
    let Some(answer) = asked.await else {
        return;
    };
    let Ok(inhibitor) = answer.body().deserialize::<OwnedFd>() else {
        return;
    };
    shared.inhibitors.keep(held, inhibitor.into());
    arm(&shared, held, !shared.inhibitors.is_missing(held));
}
