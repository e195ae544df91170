//! What a mount is made of, in the order that it is made in, and the one way it is undone, whatever
//! of it is there and whatever happened.

use super::daemon::Daemon;
use super::maps::Maps;
use super::sentry::Sentry;
use crate::control::MountState;
use crate::error::HelperError;
use crate::journal::{self, Journal};
use crate::launch::LaunchRequest;
use crate::mount::detach::Detached;
use crate::mount::{Mounted, abort, detach};
use crate::place::record::{InstanceLock, Record};
use crate::place::{ProcessId, RuntimeFolder, mountpoint, state};
use crate::session::Wiped;
use secretfs_fs::link::{FromDaemon, ToDaemon};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long the daemon may take to wipe before it is killed (product.md, "The commands").
const WIPE_LIMIT: Duration = Duration::from_secs(1);
/// How long it may take to end once nothing is mounted any more.
const END_LIMIT: Duration = Duration::from_secs(1);
/// How long a mount that nobody wants any more may take.
const MOUNTING_LIMIT: Duration = Duration::from_secs(6);
/// How long unmounting may take in all.
const DETACH_LIMIT: Duration = Duration::from_secs(12);
/// How long the last lines of the log may take.
const FLUSH_LIMIT: Duration = Duration::from_millis(500);

/// Why everything is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It never answered.
    Failed,
    /// A command or a signal ended it.
    Stopped,
    /// Locked with `on_lock: unmount`: the record stays.
    Locked,
    /// The user is logged out: the same, whatever the map says, and nobody waits for an unlock.
    LoggedOut,
    /// The daemon ended by itself.
    DaemonGone,
}

impl End {
    /// Whether `secretfs unlock` mounts again.
    pub(super) fn is_lock(self) -> bool {
        matches!(self, Self::Locked | Self::LoggedOut)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Parts {
    /// What was asked for, with the mountpoint's one name.
    pub(super) request: LaunchRequest,
    /// Log and audit.
    pub(super) journal: Arc<Journal>,
    /// Where record, lock and socket are.
    pub(super) folder: RuntimeFolder,
    /// Held by the only helper of this mountpoint.
    pub(super) lock: Option<InstanceLock>,
    /// Whether the mountpoint was missing.
    pub(super) made_mountpoint: bool,
    /// Cleans up after this process.
    pub(super) sentry: Option<Sentry>,
    /// The child.
    pub(super) daemon: Option<Daemon>,
    /// A mount on its way.
    pub(super) mounting: Option<JoinHandle<Result<(OwnedFd, Mounted), HelperError>>>,
    /// What is mounted, and what aborts its connection.
    pub(super) mounted: Option<(Mounted, Option<OwnedFd>)>,
    /// The record of a locked mount that was here before.
    pub(super) previous: Option<Record>,
    /// It mounts again what a lock has unmounted, and nothing if that was unmounted by somebody since.
    pub(super) resumes: bool,
    /// The maps, once one was read.
    pub(super) maps: Option<Maps>,
    /// Who waits for the wipe before the machine sleeps.
    wiped: Wiped,
    state: MountState,
}

impl Parts {
    /// Checks the rooms, and starts the log.
    ///
    /// # Errors
    /// The mountpoint cannot be named, or there is no runtime folder.
    pub(super) fn new(mut request: LaunchRequest, wiped: Wiped) -> Result<Self, HelperError> {
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        request.mountpoint = mountpoint::normalise(&request.mountpoint)?;
        let Some(name) = request.mountpoint.to_str().map(str::to_owned) else {
            return Err(HelperError::mount(
                format!(
                    "cannot mount on {}: its path is not UTF-8",
                    request.mountpoint.display()
                ),
                "name another folder",
            ));
        };
        let state_folder = state::folder().filter(|folder| state::create(folder).is_ok());
        let log = state_folder
            .as_deref()
            .filter(|_| !request.foreground)
            .and_then(journal::log_file);
        super::detach_from_terminal(!request.foreground, log.as_ref()).map_err(|error| {
            HelperError::other(format!("cannot leave the terminal: {error}"), "")
        })?;
        let journal = Journal::start(state_folder.as_deref(), request.foreground, &name)
            .map_err(|error| HelperError::other(format!("cannot start a thread: {error}"), ""))?;
        let folder = match request.lasting {
            true => RuntimeFolder::create_lasting()?,
            false => RuntimeFolder::create()?,
        };
        Ok(Self {
            request,
            journal: Arc::new(journal),
            folder,
            lock: None,
            made_mountpoint: false,
            sentry: None,
            daemon: None,
            mounting: None,
            mounted: None,
            previous: None,
            resumes: false,
            maps: None,
            wiped,
            state: MountState::Starting,
        })
    }

    /// The state.
    pub(super) fn state(&self) -> MountState {
        self.state
    }

    /// The one place where the state changes; the record follows.
    pub(super) fn set_state(&mut self, state: MountState) {
        self.state = state;
        let record = Record {
            request: self.request.clone(),
            state,
            helper: Some(ProcessId::current()),
            daemon: self.daemon.as_ref().map(|daemon| daemon.id),
        };
        self.write_record(&record);
    }

    fn write_record(&self, record: &Record) {
        let path = self.folder.record(&self.request.mountpoint);
        if let Err(error) = record.write(&path) {
            let text = format!("cannot write the record {}: {error}", path.display());
            self.journal.log("error", &text);
        }
    }

    /// Where a child's standard error goes: ours is the log, or the terminal in the foreground.
    pub(super) fn stderr() -> Stdio {
        Stdio::inherit()
    }

    /// Has the daemon wipe everything; false: it did not within a second, and was killed. Lines that
    /// it sends meanwhile are kept.
    pub(super) async fn wipe(&mut self) -> bool {
        let wiped = self.wipe_or_kill().await;
        // A killed daemon holds nothing either.
        self.wiped.tell();
        wiped
    }

    /// A machine that waits for the wipe may go on: there is nothing to wipe.
    pub(super) fn tell_wiped(&self) {
        self.wiped.tell();
    }

    async fn wipe_or_kill(&mut self) -> bool {
        let Some(daemon) = &mut self.daemon else {
            return false;
        };
        let wiped = daemon.link.send(ToDaemon::Lock, Vec::new());
        let journal = Arc::clone(&self.journal);
        let inbox = &mut daemon.inbox;
        let answered = timeout(WIPE_LIMIT, async {
            while let Some((message, _)) = inbox.recv().await {
                match message {
                    FromDaemon::Locked => return true,
                    message => super::serve::note(&journal, &message, true),
                }
            }
            false
        })
        .await;
        if wiped && answered.unwrap_or(false) {
            return true;
        }
        daemon.kill();
        self.journal.log(
            "error",
            "the daemon did not wipe its cache within 1 s and was killed",
        );
        false
    }

    /// Undoes everything: wipe, unmount, abort, end the processes, remove what lies around. Each
    /// step has its limit, and none depends on another's success.
    pub(super) async fn tear_down(mut self, end: End) -> Result<(), HelperError> {
        if self.lock.is_none() {
            // Another helper is at work here, or nothing was begun.
            self.journal.flush(FLUSH_LIMIT);
            return Ok(());
        }
        if self.daemon.is_some() {
            self.set_state(match end {
                end if end.is_lock() => MountState::Locking,
                _ => MountState::Stopping,
            });
        }
        if end == End::Stopped || end.is_lock() {
            self.wipe().await;
        }
        let unmounted = self.unmount().await;
        if let Some(mut daemon) = self.daemon.take() {
            let asked = daemon.link.send(ToDaemon::Stop, Vec::new());
            let limit = if asked { END_LIMIT } else { Duration::ZERO };
            daemon.end(limit).await;
            while let Ok((message, _)) = daemon.inbox.try_recv() {
                // Why it ends is known here.
                if end == End::DaemonGone || !matches!(message, FromDaemon::Ending { .. }) {
                    super::serve::note(&self.journal, &message, true);
                }
            }
        }
        if let Some(sentry) = self.sentry.take() {
            sentry.dismiss().await;
        }
        self.forget(end);
        if let Err(error) = &unmounted {
            self.journal.log("error", &error.message);
        }
        self.journal.flush(FLUSH_LIMIT);
        unmounted
    }

    async fn unmount(&mut self) -> Result<(), HelperError> {
        // Nobody waited for it any more, but it may have become a mount all the same.
        if let Some(mounting) = self.mounting.take()
            && let Ok(Ok(Ok((_, mounted)))) = timeout(MOUNTING_LIMIT, mounting).await
        {
            let control = abort::open_control(mounted.device);
            self.mounted = Some((mounted, control));
        }
        let Some((mounted, control)) = self.mounted.take() else {
            return Ok(());
        };
        let shown = mounted.mountpoint.display().to_string();
        let work = tokio::task::spawn_blocking(move || {
            let detached = detach::detach(&mounted);
            // After the unmount, and in any case: whoever holds a file open gets ENOTCONN, and a
            // reader that waits comes free.
            if let Some(control) = &control {
                abort::abort(control);
            }
            detached
        });
        let reason = match timeout(DETACH_LIMIT, work).await {
            Ok(Ok(Detached::Gone)) => return Ok(()),
            Ok(Ok(Detached::Covered)) => "something else is mounted on top of it".to_owned(),
            Ok(Ok(Detached::Failed(reason))) => reason,
            Ok(Err(_)) | Err(_) => "it takes too long".to_owned(),
        };
        Err(HelperError::mount(
            format!("cannot unmount {shown}: {reason}"),
            format!("run `fusermount3 -u -z {shown}`"),
        ))
    }

    /// Removes socket and record, or writes the record of a locked mount.
    fn forget(&mut self, end: End) {
        let mountpoint = &self.request.mountpoint;
        let _ = std::fs::remove_file(self.folder.socket(mountpoint));
        if end.is_lock() {
            let record = Record {
                request: self.request.clone(),
                state: MountState::Locked,
                helper: None,
                daemon: None,
            };
            self.write_record(&record);
        } else if let (End::Failed, Some(previous)) = (end, &self.previous) {
            // It could not be mounted again: it stays locked.
            self.write_record(previous);
        } else {
            let _ = std::fs::remove_file(self.folder.record(mountpoint));
        }
        // The folder of a mount for one command is nobody's.
        if (end == End::Failed || self.request.part.is_some()) && self.made_mountpoint {
            let _ = std::fs::remove_dir(mountpoint);
        }
        self.lock = None;
    }
}
