//! Programs of others that are started on the daemon's behalf, because what they print is a secret
//! that neither this process nor a disk may see: the standard output of such a program is a pipe whose
//! other end goes to the daemon unread.
//!
//! | file | idea |
//! |---|---|
//! | `find` | where a program is, and whether it may be run |
//! | `run` | one run: its group, its end, its complaint |
//! | `infisical`, `op` | arguments, environment and complaints of one of them |
//!
//! To add one: a [`ProgramCall`](secretfs_providers::ProgramCall), and a file here that says what [`Spec`] it means. Names and arguments
//! are words of this room or of the map; a daemon that was taken over can ask for nothing else.

mod find;
mod infisical;
pub mod op;
mod run;
#[cfg(test)]
mod tests;

pub use find::find;
pub use infisical::{PROGRAM as INFISICAL, config_file as infisical_config};

use rustix::io::Errno;
use secretfs_providers::ProgramEnd;
use secretfs_providers::onepassword::op::{OpCall, classify};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

/// Programs that run at once. Each may ask the user something.
const AT_ONCE: usize = 2;
/// How long one more waits for its turn. Less than the daemon waits for an answer.
const TURN: Duration = Duration::from_secs(8);
/// Ends that nobody has asked for yet.
const ENDS: usize = 16;

/// What every program is given of this process's environment. Not the screen: nobody may be asked by a
/// browser that opens because a file was read.
const ENVIRONMENT: [&str; 8] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// How a program is run.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, which is looked for on the `PATH`.
    pub program: &'static str,
    /// Its arguments. No secret: everybody sees them.
    pub args: Vec<OsString>,
    /// What it is given of this process's environment beside what every program is.
    pub inherits: Vec<&'static str>,
    /// What its environment holds beside that.
    pub environment: Vec<(&'static str, OsString)>,
    /// How long it may take.
    pub limit: Duration,
    /// What its complaints mean.
    pub complaints: Complaints,
}

/// What the complaints of a program mean.
#[derive(Debug, Clone)]
pub enum Complaints {
    /// Those of `infisical`.
    Infisical,
    /// Those of `op`, asked for this.
    Op(Box<OpCall>),
}

impl Complaints {
    /// What a failure with this start of a complaint means.
    fn classify(&self, complaint: &str) -> ProgramEnd {
        match self {
            Self::Infisical => infisical::classify(complaint),
            Self::Op(call) => ProgramEnd::Op(classify(call, complaint)),
        }
    }
}

/// How the token of the session of `infisical` is asked for.
#[must_use]
pub fn infisical_token() -> Spec {
    infisical::token()
}

/// Starts programs, and remembers how they ended.
#[derive(Debug, Clone)]
pub struct Programs {
    environment: Arc<BTreeMap<&'static str, OsString>>,
    /// Nothing below it is run: it would wait for itself.
    mountpoint: Arc<Path>,
    /// Whether memory need not be locked.
    insecure: bool,
    turns: Arc<Semaphore>,
    runs: Arc<Mutex<Runs>>,
    stop: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Runs {
    next: u64,
    ends: BTreeMap<u64, oneshot::Receiver<ProgramEnd>>,
}

impl Programs {
    /// With this process's environment, for the mount at `mountpoint`.
    #[must_use]
    pub fn new(mountpoint: &Path, insecure: bool) -> Self {
        let set = ENVIRONMENT
            .into_iter()
            .chain(op::environment())
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        Self {
            insecure,
            ..Self::with(set.collect(), mountpoint)
        }
    }

    fn with(environment: BTreeMap<&'static str, OsString>, mountpoint: &Path) -> Self {
        Self {
            environment: Arc::new(environment),
            mountpoint: mountpoint.into(),
            insecure: false,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            runs: Arc::default(),
            stop: Arc::new(watch::channel(0).0),
        }
    }

    /// The program's configuration file, where this user has one.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        let home = PathBuf::from(self.environment.get("HOME")?);
        home.is_absolute().then_some(home)
    }

    /// Starts a program; a number to ask for its end with, and what it prints. With a token, a process
    /// that reads it from that descriptor becomes the program.
    ///
    /// # Errors
    /// EAGAIN: two run already, for long. ENOENT: it is not there. ECANCELED: a lock came meanwhile. What
    /// starting it answers.
    pub async fn start(&self, spec: Spec, token: Option<OwnedFd>) -> Result<(u64, OwnedFd), Errno> {
        // From here on: what was asked for before a lock is not started after it.
        let stop = self.stop.subscribe();
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Errno::AGAIN);
        };
        let path = self.environment.get("PATH").cloned().unwrap_or_default();
        let (name, mountpoint) = (spec.program, Arc::clone(&self.mountpoint));
        // It looks at files, which may lie on a network's disk.
        let found = tokio::task::spawn_blocking(move || find(name, &path, &mountpoint));
        let program = found.await.map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
        if stop.has_changed().unwrap_or(true) {
            return Err(Errno::CANCELED);
        }
        let token = token.map(|token| run::Token {
            from: token,
            insecure: self.insecure,
        });
        let (run, stdout) = run::start(&program, &spec, &self.environment, token)?;
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let end = run.end(spec.limit, stop, &spec.complaints).await;
            let _ = tell.send(end);
            drop(turn);
        });
        Ok((self.remember(told), stdout))
    }

    /// Waits for the end of a run.
    ///
    /// # Errors
    /// EINVAL: there is no such run, or its end was told.
    pub async fn end(&self, run: u64) -> Result<ProgramEnd, Errno> {
        let told = self.runs().ends.remove(&run).ok_or(Errno::INVAL)?;
        told.await.map_err(|_| Errno::IO)
    }

    /// A lock: no program goes on that prints a secret.
    pub fn kill_all(&self) {
        self.stop
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, told: oneshot::Receiver<ProgramEnd>) -> u64 {
        let mut runs = self.runs();
        runs.next += 1;
        let run = runs.next;
        runs.ends.insert(run, told);
        while runs.ends.len() > ENDS {
            runs.ends.pop_first();
        }
        run
    }
}
