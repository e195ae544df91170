//! Starting a mount: spawns the helper, hands it the request, and waits until the mount answers.

pub use crate::error::HelperError as LaunchError;

use crate::place::process::is_readable;
use crate::role;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use secretfs_fs::link::wire::{self, Blocking, WireError};
use secretfs_fs::map::ready::TextDigest;
use secretfs_fs::map::{Defaults, Part, Ready};
use secretfs_providers::http::ProxySettings;
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a mount may take until it answers. Every step of the helper has a shorter limit.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the helper may take to end by itself after it failed.
const END_LIMIT: Duration = Duration::from_secs(5);

/// What a helper needs of its command's environment. Nothing else is passed on: the environment of
/// a command may hold credentials.
const ENVIRONMENT: [&str; 17] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_SESSION_ID",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    // For `op`, which is started for the daemon.
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "OP_ACCOUNT",
    "OP_CONFIG_DIR",
    "OP_BIOMETRIC_UNLOCK_ENABLED",
    // A folder's name: what is in it is read by the short-lived child that serves again at unlock.
    "CREDENTIALS_DIRECTORY",
];

/// What to mount, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchRequest {
    /// Where, absolute.
    pub mountpoint: PathBuf,
    /// The map, absolute. The helper reads it again, and watches it.
    pub map: PathBuf,
    /// Stay in the terminal's session, log to standard error.
    pub foreground: bool,
    /// Go on with memory that is not locked.
    pub insecure_memory: bool,
    /// Local vaults and fallbacks only.
    pub offline: bool,
    /// Let root in as well.
    pub allow_root: bool,
    /// Which servers are reached through which proxy. What opens the proxies comes with the
    /// credentials.
    #[serde(default)]
    pub proxies: ProxySettings,
    /// What stands in for what the map leaves out, of the command's environment.
    #[serde(default)]
    pub defaults: Defaults,
    /// Mounted for one command, with this part of the map: ends with it, and is never mounted again.
    #[serde(default)]
    pub part: Option<Part>,
    /// The providers that were given the token of a service account of 1Password: without it, they are
    /// not to be read as whoever the desktop app has signed in.
    #[serde(default)]
    pub service_accounts: Vec<String>,
    /// What the table of mounts shows as its source, where mount(8) was told one: it takes a line of fstab
    /// as mounted by that.
    #[serde(default)]
    pub source: Option<String>,
    /// Made by mount(8), for root perhaps: it may outlast the user's logins, and so does its record.
    #[serde(default)]
    pub lasting: bool,
}

impl LaunchRequest {
    /// A mount like any other: in the background, with everything that protects it.
    #[must_use]
    pub fn new(mountpoint: PathBuf, map: PathBuf, defaults: Defaults) -> Self {
        Self {
            mountpoint,
            map,
            foreground: false,
            insecure_memory: false,
            offline: false,
            allow_root: false,
            proxies: ProxySettings::default(),
            defaults,
            part: None,
            service_accounts: Vec::new(),
            source: None,
            lasting: false,
        }
    }
}

/// What goes over the launch socket. Descriptors, each where it is said to be there: the compiled
/// map, then the command's pidfd of a mount for one command, then the end of a credential channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) request: LaunchRequest,
    /// Of which text the compiled map is; `None`: there is none.
    pub(crate) ready: Option<TextDigest>,
    /// Whether the command's pidfd is there.
    pub(crate) has_owner: bool,
}

/// The descriptors of a launch.
#[derive(Debug, Default)]
pub struct Passed {
    /// What the command compiled of the map.
    pub ready: Option<Ready>,
    /// A pidfd: when that process has ended, so has the mount.
    pub owner: Option<OwnedFd>,
    /// The daemon's end of a credential channel.
    pub credentials: Option<OwnedFd>,
}

/// The running mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// The helper's process id.
    pub pid: u32,
    /// What the user should know: a missing credential, a degraded protection.
    pub warnings: Vec<String>,
}

/// What the helper answers over the launch socket.
pub(crate) type Answer = Result<Launched, LaunchError>;

/// Spawns the helper and waits until the mount answers. With a map that is ready, the helper compiles it
/// only if it was saved since. With credentials, that end of a socketpair reaches the daemon as soon as
/// it runs, and nothing reads it on the way.
///
/// In the background this returns when the mount answers. With `foreground`, it returns when the
/// mount answers too; wait for the helper's end with [`wait`].
///
/// # Errors
/// See [`LaunchError`].
pub fn start(request: &LaunchRequest, passed: Passed) -> Result<(Launched, Running), LaunchError> {
    let (ours, theirs) = wire::pair().map_err(|error| cannot_start(&error))?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(role::HELPER).env_clear().stdin(theirs);
    command.stdout(Stdio::null());
    command.stderr(if request.foreground {
        Stdio::inherit()
    } else {
        Stdio::null()
    });
    for name in ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let child = command.spawn().map_err(|error| cannot_start(&error))?;
    // It holds our copy of the helper's end: the end of the helper would go unseen.
    drop(command);
    let mut running = Running { child };
    let mut socket = Blocking::new(ours, wire::LINK_LIMIT, wire::LINK_LIMIT);
    match exchange(&mut socket, request, passed) {
        Ok(Ok(launched)) => Ok((launched, running)),
        Ok(Err(error)) => {
            drop(socket);
            running.end(END_LIMIT);
            Err(error)
        }
        Err(error) => {
            // The helper sees the closed socket and undoes what it has done.
            drop(socket);
            running.end(END_LIMIT);
            Err(no_answer(&error))
        }
    }
}

fn exchange(
    socket: &mut Blocking,
    request: &LaunchRequest,
    passed: Passed,
) -> Result<Answer, WireError> {
    let deadline = Instant::now() + LIMIT;
    let launch = Launch {
        request: request.clone(),
        ready: passed.ready.as_ref().map(|ready| ready.text),
        has_owner: passed.owner.is_some(),
    };
    let archive = passed.ready.map(|ready| ready.archive);
    let fds = archive
        .into_iter()
        .chain(passed.owner)
        .chain(passed.credentials)
        .collect();
    socket.send(&launch, fds, deadline)?;
    let (answer, _) = socket.receive::<Answer>(deadline)?;
    Ok(answer)
}

fn cannot_start(error: &std::io::Error) -> LaunchError {
    LaunchError::other(
        format!("cannot start the mount-helper: {error}"),
        "see that /proc is mounted and that the limit of processes is not reached",
    )
}

fn no_answer(error: &WireError) -> LaunchError {
    let message = match error {
        WireError::TimedOut => format!("the mount did not answer within {} s", LIMIT.as_secs()),
        WireError::Closed | WireError::Truncated => "the mount-helper ended unexpectedly".into(),
        error => format!("the mount-helper does not answer as expected: {error}"),
    };
    LaunchError::other(message, "see ~/.local/state/secretfs/secretfs.log")
}

/// The helper that was spawned.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    /// Waits until it has ended, and kills it after `limit`. Its sentinel cleans up then.
    fn end(&mut self, limit: Duration) {
        let pidfd = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let ended = pidfd.is_some_and(|pidfd| is_readable(pidfd.as_fd(), limit));
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Waits for the end of a foreground helper; returns its exit status.
///
/// # Errors
/// The helper could not be waited for.
pub fn wait(mut running: Running) -> std::io::Result<std::process::ExitStatus> {
    running.child.wait()
}
