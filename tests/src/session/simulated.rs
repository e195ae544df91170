//! A logind that does what a test says, for what cannot be produced for real. Strict: it answers as
//! systemd and elogind do (contract locked-memory-and-session.md §3), and a call that neither has fails
//! the test.

use super::bus::Bus;
use super::peer::Peer;
use futures_core::Stream;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zbus::message::{Header, Type};
use zbus::{Connection, Message, MessageStream, ObjectPath, Variant};

const NAME: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const USER: &str = "org.freedesktop.login1.User";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// One session.
#[derive(Debug, Clone)]
struct One {
    uid: u32,
    class: String,
    locked: bool,
}

#[derive(Debug, Default)]
struct State {
    /// By id.
    sessions: BTreeMap<String, One>,
    /// Whose user's service calls; `None`: no user's.
    user_of_caller: Option<u32>,
    lingers: bool,
    refuses_inhibitors: bool,
    /// Our ends of what was given out, by what it holds back.
    inhibitors: Vec<(String, OwnedFd)>,
    /// Sessions whose class somebody has asked for.
    known: BTreeSet<String>,
    unexpected: Vec<String>,
}

/// The service.
#[derive(Debug)]
pub struct Logind {
    peer: Peer,
    state: Arc<Mutex<State>>,
}

impl Logind {
    /// Serves on a bus, without any session.
    #[must_use]
    pub fn start(bus: &Bus) -> Self {
        let peer = Peer::connect(bus.address());
        let state = Arc::<Mutex<State>>::default();
        let stream = MessageStream::from(peer.connection());
        let connection = peer.connection().clone();
        peer.spawn(serve(connection, stream, Arc::clone(&state)));
        peer.own(NAME);
        Self { peer, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The name's owner, to be pretended to be.
    ///
    /// # Panics
    /// It is not connected.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    // What there is.

    /// A session begins.
    pub fn add(&self, id: &str, uid: u32, class: &str) {
        let one = One {
            uid,
            class: class.to_owned(),
            locked: false,
        };
        self.state().sessions.insert(id.to_owned(), one);
        self.tell("SessionNew", &(id, object(&session(id))));
    }

    /// A session ends.
    pub fn remove(&self, id: &str) {
        let mut state = self.state();
        state.sessions.remove(id);
        state.known.remove(id);
        drop(state);
        self.tell("SessionRemoved", &(id, object(&session(id))));
    }

    /// A user is gone.
    pub fn remove_user(&self, uid: u32) {
        self.tell("UserRemoved", &(uid, object(&user(uid))));
    }

    /// Who calls is a service of this user's.
    pub fn caller_is_of(&self, uid: u32, lingers: bool) {
        let mut state = self.state();
        (state.user_of_caller, state.lingers) = (Some(uid), lingers);
    }

    /// Without polkit, nobody but root is given an inhibitor.
    pub fn refuse_inhibitors(&self) {
        self.state().refuses_inhibitors = true;
    }

    /// Whether somebody has heard of a session, and asked what it is.
    #[must_use]
    pub fn is_known(&self, id: &str) -> bool {
        self.state().known.contains(id)
    }

    // What happens.

    /// `Lock` of a session.
    pub fn lock(&self, id: &str) {
        self.peer.signal(None, &session(id), SESSION, "Lock", &());
    }

    /// `Unlock` of a session.
    pub fn unlock(&self, id: &str) {
        self.peer.signal(None, &session(id), SESSION, "Unlock", &());
    }

    /// The screen locker of a session sets its hint.
    ///
    /// # Panics
    /// There is no such session.
    pub fn hint(&self, id: &str, locked: bool) {
        self.state().sessions.get_mut(id).expect("a session").locked = locked;
        let changed = BTreeMap::from([("LockedHint", Variant::from(locked))]);
        let body = (SESSION, changed, Vec::<&str>::new());
        let path = session(id);
        self.peer
            .signal(None, &path, PROPERTIES, "PropertiesChanged", &body);
    }

    /// The same before anybody listens.
    ///
    /// # Panics
    /// There is no such session.
    pub fn is_locked_from_the_start(&self, id: &str) {
        let mut state = self.state();
        state.sessions.get_mut(id).expect("a session").locked = true;
    }

    /// The machine is about to sleep, or awake again.
    pub fn sleep(&self, going: bool) {
        self.tell("PrepareForSleep", &going);
    }

    /// The machine is about to go down, or not any more.
    pub fn shutdown(&self, going: bool) {
        self.tell("PrepareForShutdown", &going);
    }

    /// logind itself restarts: its name goes, and comes back.
    pub fn restart(&self) {
        self.peer.disown(NAME);
        self.state().inhibitors.clear();
        self.peer.own(NAME);
    }

    /// Whether somebody holds the machine back.
    #[must_use]
    pub fn is_held(&self, what: &str) -> bool {
        let state = self.state();
        state
            .inhibitors
            .iter()
            .any(|(held, ours)| held == what && !is_closed(ours))
    }

    fn tell<B: serde::Serialize + zbus::DynamicType>(&self, member: &str, body: &B) {
        self.peer.signal(None, PATH, MANAGER, member, body);
    }
}

impl Drop for Logind {
    fn drop(&mut self) {
        let unexpected = std::mem::take(&mut self.state().unexpected);
        assert!(
            unexpected.is_empty() || std::thread::panicking(),
            "no logind has these: {unexpected:?}"
        );
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The object path of a session.
#[must_use]
pub fn session(id: &str) -> String {
    format!("{PATH}/session/{id}")
}

fn user(uid: u32) -> String {
    format!("{PATH}/user/_{uid}")
}

fn object(path: &str) -> ObjectPath<'_> {
    ObjectPath::try_from(path).expect("a path")
}

/// Whether the other end of a pipe is closed: nothing is ever written to it.
fn is_closed(reader: &OwnedFd) -> bool {
    let mut byte = [0];
    rustix::io::read(reader, &mut byte) == Ok(0)
}

async fn serve(connection: Connection, mut stream: MessageStream, state: Arc<Mutex<State>>) {
    loop {
        let next =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut stream).poll_next(context));
        let Some(Ok(message)) = next.await else {
            return;
        };
        if message.message_type() == Type::MethodCall {
            answer(&connection, &message, &state).await;
        }
    }
}

async fn answer(connection: &Connection, message: &Message, state: &Mutex<State>) {
    let header = message.header();
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    let path = text(header.path().map(ObjectPath::as_str));
    let interface = text(header.interface().map(|name| name.as_str()));
    let member = text(header.member().map(|name| name.as_str()));
    let body = message.body();
    let call = Call {
        connection,
        header: &header,
    };
    match (interface.as_str(), member.as_str()) {
        (MANAGER, "ListSessions") => {
            let sessions = lock(state).sessions.clone();
            let list: Vec<_> = sessions
                .iter()
                .map(|(id, one)| (id.clone(), one.uid, "somebody", "", session(id)))
                .collect();
            let list: Vec<_> = list
                .iter()
                .map(|(id, uid, name, seat, path)| (id.as_str(), *uid, *name, *seat, object(path)))
                .collect();
            call.reply(&list).await;
        }
        (MANAGER, "GetSession") => {
            let id: String = body.deserialize().expect("an id");
            if lock(state).sessions.contains_key(&id) {
                call.reply(&object(&session(&id))).await;
            } else {
                call.refuse("org.freedesktop.login1.NoSuchSession").await;
            }
        }
        // A test's processes are in no session that this one knows of.
        (MANAGER, "GetSessionByPID") => {
            call.refuse("org.freedesktop.login1.NoSessionForPID").await;
        }
        (MANAGER, "GetUserByPID") => {
            let of = lock(state).user_of_caller;
            match of {
                Some(uid) => call.reply(&object(&user(uid))).await,
                None => call.refuse("org.freedesktop.login1.NoUserForPID").await,
            }
        }
        (MANAGER, "Inhibit") => inhibit(&call, &body, state).await,
        (PROPERTIES, "Get") => {
            let (of, name): (String, String) = body.deserialize().expect("a property");
            property(&call, &path, &of, &name, state).await;
        }
        _ => {
            lock(state)
                .unexpected
                .push(format!("{path} {interface}.{member}"));
            call.refuse("org.freedesktop.DBus.Error.UnknownMethod")
                .await;
        }
    }
}

/// `Inhibit(what, who, why, mode)`.
async fn inhibit(call: &Call<'_>, body: &zbus::message::Body, state: &Mutex<State>) {
    let (what, who, why, mode): (String, String, String, String) =
        body.deserialize().expect("an inhibitor");
    // elogind refuses one for both.
    let is_known = ["sleep", "shutdown"].contains(&what.as_str());
    let refuses = lock(state).refuses_inhibitors;
    if !is_known || mode != "delay" || who.is_empty() || why.is_empty() || refuses {
        return call.refuse("org.freedesktop.DBus.Error.AccessDenied").await;
    }
    let flags = rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK;
    let (ours, theirs) = rustix::pipe::pipe_with(flags).expect("a pipe");
    lock(state).inhibitors.push((what, ours));
    call.reply(&zbus::Fd::from(theirs)).await;
}

async fn property(call: &Call<'_>, path: &str, of: &str, name: &str, state: &Mutex<State>) {
    let id = path.rsplit('/').next().unwrap_or_default();
    let (one, lingers) = {
        let state = lock(state);
        (state.sessions.get(id).cloned(), state.lingers)
    };
    match (of, name, one) {
        (USER, "Linger", _) => call.reply(&Variant::from(lingers)).await,
        (SESSION, "User", Some(one)) => {
            let user = user(one.uid);
            let user = Variant::from(zbus::Structure::from((one.uid, object(&user))));
            call.reply(&user).await;
        }
        (SESSION, "Class", Some(one)) => {
            lock(state).known.insert(id.to_owned());
            call.reply(&Variant::from(one.class)).await;
        }
        (SESSION, "LockedHint", Some(one)) => call.reply(&Variant::from(one.locked)).await,
        _ => {
            call.refuse("org.freedesktop.DBus.Error.UnknownObject")
                .await;
        }
    }
}

/// A call that waits for its answer.
struct Call<'a> {
    connection: &'a Connection,
    header: &'a Header<'a>,
}

impl Call<'_> {
    async fn reply<B: serde::Serialize + zbus::DynamicType>(&self, body: &B) {
        let _ = self.connection.reply(self.header, body).await;
    }

    async fn refuse(&self, name: &str) {
        let _ = self
            .connection
            .reply_error(self.header, name, &"not here")
            .await;
    }
}
