//! The simulator behind the scripted provider: a test says what each secret answers, when, and how
//! it goes wrong, and counts what was asked.
//!
//! ```no_run
//! use secretfs_providers::ErrorKind;
//! use secretfs_tests::scripted::{Op, Simulator};
//!
//! let sim = Simulator::start();
//! sim.set("API_KEY", "one");                  // a value; its validator is `v1`
//! sim.fail("GONE", ErrorKind::Missing);       // one secret fails
//! sim.hang("SLOW");                           // requests for it wait …
//! let map = format!("providers:\n  s: {}\nsecrets:\n  - {{name: API_KEY, file: key}}\n", sim.provider());
//! // … mount `map`, start a reader of SLOW …
//! sim.wait_held("SLOW", 1);                   // the request has arrived and waits
//! sim.set("SLOW", "late");
//! sim.release("SLOW");
//! assert_eq!(sim.count_of(Op::Fetch, "SLOW"), 1);
//! ```
//!
//! * A name `a/b` is the secret `b` of the folder `/a`. Folders exist with their first secret, or
//!   through [`Simulator::folder`].
//! * What is scripted for a folder's path (`fail("/a", …)`, `hang("/a")`) holds for `list` and
//!   `fetch_folder` of it; what is scripted for a name holds for `fetch`, `fetch_many` and `check`.
//! * The value is looked up when its answer starts, after any hang.
//! * Strict: a request for anything that the test did not script is answered `Missing`, recorded,
//!   and fails the test when the simulator is dropped. To expect a missing secret, say so with
//!   `fail(name, ErrorKind::Missing)`.
//! * Nothing here sleeps but [`Simulator::delay`], which is for benches. The `wait_…` methods panic
//!   after ten seconds.

mod serve;
mod state;
#[cfg(test)]
mod tests;

pub use secretfs_providers::scripted::wire::{Op, Request};

use secretfs_providers::ErrorKind;
use state::{Fault, Outcome, Script, Shared, State};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// A simulator that listens on a socket of its own.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    socket: PathBuf,
    acceptor: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Simulator {
    /// Listens, in a new temporary folder that every user may enter.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a panic here is the test's report")]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("secretfs-sim-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let socket = folder.path().join("simulator.sock");
        let listener = UnixListener::bind(&socket).expect("a listening socket");
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666))
            .expect("a socket for every user");
        let shared = Arc::new(Shared::default());
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || serve::accept(&listener, &shared)
        });
        Self {
            shared,
            socket,
            acceptor: Some(acceptor),
            _folder: folder,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The provider's definition for a map, as a YAML flow mapping.
    #[must_use]
    pub fn provider(&self) -> String {
        format!(
            "{{type: scripted, socket: {:?}}}",
            self.socket.display().to_string()
        )
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.shared.lock());
        self.shared.changed.notify_all();
        result
    }

    fn script(&self, name: &str, change: impl FnOnce(&mut Script)) {
        self.change(|state| change(state.scripts.entry(name.to_owned()).or_default()));
    }

    // What is answered.

    /// `name` has this value from now on, with a new validator, and without a modification time.
    pub fn set(&self, name: &str, value: impl AsRef<[u8]>) {
        self.change(|state| {
            state.versions += 1;
            let validator = Some(format!("v{}", state.versions));
            let script = state.scripts.entry(name.to_owned()).or_default();
            script.outcome = Outcome::Value(Arc::from(value.as_ref()));
            script.validator = validator;
            script.modified = None;
        });
    }

    /// The provider's update time of `name`.
    pub fn modified(&self, name: &str, modified: SystemTime) {
        self.script(name, |script| script.modified = Some(modified));
    }

    /// What later requests for `name` can be conditional on; `None`: nothing.
    pub fn validator(&self, name: &str, validator: Option<&str>) {
        self.script(name, |script| {
            script.validator = validator.map(str::to_owned);
        });
    }

    /// `name` may be kept no longer than this.
    pub fn max_age(&self, name: &str, max_age: Option<Duration>) {
        self.script(name, |script| script.max_age = max_age);
    }

    /// Requests for `name` (or for the folder of that path) fail, until the next `set` or `mend`.
    pub fn fail(&self, name: &str, kind: ErrorKind) {
        self.script(name, |script| script.outcome = Outcome::Error(kind));
    }

    /// The folder `/a/b` exists, also without secrets.
    pub fn folder(&self, path: &str) {
        self.script(path, |script| script.outcome = Outcome::Folder);
    }

    /// Every request is refused as a whole; `None`: no more.
    pub fn refuse_all(&self, kind: Option<ErrorKind>) {
        self.change(|state| state.refuse = kind);
    }

    /// Requests without this token are refused: `NoCredential` without any, `Refused` with another.
    pub fn require_token(&self, token: Option<&str>) {
        self.change(|state| state.token = token.map(str::to_owned));
    }

    // When it is answered.

    /// Requests for `name` wait before anything is answered, until `release`.
    pub fn hang(&self, name: &str) {
        self.script(name, |script| script.hold_at = Some(0));
    }

    /// Requests for `name` send that many bytes of the value, then wait for `release`.
    pub fn hang_after(&self, name: &str, bytes: usize) {
        self.script(name, |script| script.hold_at = Some(bytes));
    }

    /// Requests for `name` go on, those that wait too.
    pub fn release(&self, name: &str) {
        self.script(name, |script| script.hold_at = None);
    }

    /// Every answer starts this much later: for benches.
    pub fn delay(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    // How it goes wrong.

    /// The connection ends without an answer, until `mend`.
    pub fn reset(&self, name: &str) {
        self.script(name, |script| script.fault = Fault::Truncate(0));
    }

    /// The connection ends after that many bytes of the value, until `mend`.
    pub fn truncate(&self, name: &str, bytes: usize) {
        self.script(name, |script| script.fault = Fault::Truncate(bytes));
    }

    /// The answer for `name` says that it is the secret `other`, until `mend`.
    pub fn lie(&self, name: &str, other: &str) {
        self.script(name, |script| script.fault = Fault::Lie(other.to_owned()));
    }

    /// Ends every hang and fault of `name`. What it answers stays.
    pub fn mend(&self, name: &str) {
        self.script(name, |script| {
            script.fault = Fault::None;
            script.hold_at = None;
        });
    }

    // What was asked.

    /// All requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().log.clone()
    }

    /// Those after the first `n`.
    #[must_use]
    pub fn requests_since(&self, n: usize) -> Vec<Request> {
        self.shared.lock().log.get(n..).unwrap_or_default().to_vec()
    }

    /// How many requests there were in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.lock().log.len()
    }

    /// How many requests of one kind named `name`, alone or with others.
    #[must_use]
    pub fn count_of(&self, op: Op, name: &str) -> usize {
        let state = self.shared.lock();
        let named = |r: &&Request| r.op == op && r.names.iter().any(|n| n == name);
        state.log.iter().filter(named).count()
    }

    /// How many requests the provider gave up while they waited here.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.shared.lock().cancelled
    }

    /// The most requests that were under way at one time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.shared.lock().peak
    }

    /// Waits until there were `n` requests in all.
    pub fn wait_count(&self, n: usize) {
        self.shared
            .wait(&format!("{n} requests"), |state| state.log.len() >= n);
    }

    /// Waits until `n` requests wait at the hang of `name`.
    pub fn wait_held(&self, name: &str, n: usize) {
        self.shared
            .wait(&format!("{n} held requests for {name:?}"), |state| {
                state
                    .scripts
                    .get(name)
                    .is_some_and(|script| script.held >= n)
            });
    }

    /// Waits until `n` requests were given up by the provider.
    pub fn wait_cancelled(&self, n: usize) {
        self.shared
            .wait(&format!("{n} cancelled requests"), |state| {
                state.cancelled >= n
            });
    }

    /// Waits until no request is under way.
    pub fn wait_idle(&self) {
        self.shared
            .wait("no request under way", |state| state.in_flight == 0);
    }

    /// The requests that the test did not script, so far; they no longer fail it.
    #[must_use]
    pub fn take_unexpected(&self) -> Vec<String> {
        self.change(|state| std::mem::take(&mut state.unexpected))
    }
}

impl Drop for Simulator {
    #[expect(clippy::panic, reason = "a panic here is the test's report")]
    fn drop(&mut self) {
        self.change(|state| state.closed = true);
        // Wakes the acceptor.
        drop(UnixStream::connect(&self.socket));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
        let unexpected = self.take_unexpected();
        if !unexpected.is_empty() && !std::thread::panicking() {
            panic!("the simulator was asked for what no test scripted: {unexpected:?}");
        }
    }
}
