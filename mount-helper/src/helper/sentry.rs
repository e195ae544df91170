//! The helper's side of the sentinel: starts it, keeps it informed, and starts it again if it is
//! killed.

use crate::mount::Mounted;
use crate::place::ProcessId;
use crate::role;
use crate::sentinel::ToSentinel;
use secretfs_fs::link::wire::{self, LINK_LIMIT, Writer};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How often a sentinel that was killed is started again.
const RESTARTS: u32 = 8;
/// How long it may take to read a message. It does nothing else.
const LIMIT: Duration = Duration::from_millis(500);

/// What every sentinel of this mount is told.
#[derive(Debug, Default)]
struct Known {
    daemon: Option<ProcessId>,
    mounted: Option<(Mounted, Option<OwnedFd>)>,
}

/// The sentinel of this mount.
#[derive(Debug)]
pub(super) struct Sentry {
    mountpoint: PathBuf,
    lock: PathBuf,
    leftovers: Vec<PathBuf>,
    known: Known,
    running: Option<(Child, Writer)>,
    restarts: u32,
}

impl Sentry {
    /// Starts it. `lock`: the instance lock's file; `leftovers`: what is to be removed after a
    /// helper that was killed.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) async fn start(
        mountpoint: PathBuf,
        lock: PathBuf,
        leftovers: Vec<PathBuf>,
    ) -> std::io::Result<Self> {
        let mut sentry = Self {
            mountpoint,
            lock,
            leftovers,
            known: Known::default(),
            running: None,
            restarts: 0,
        };
        sentry.spawn().await?;
        Ok(sentry)
    }

    async fn spawn(&mut self) -> std::io::Result<()> {
        let (ours, theirs) = wire::pair()?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(role::SENTINEL)
            .env_clear()
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn()?;
        // It holds our copy of the sentinel's end.
        drop(command);
        let (_, writer) = wire::split(ours, LINK_LIMIT, LINK_LIMIT)?;
        self.running = Some((child, writer));
        let watch = ToSentinel::Watch {
            mountpoint: self.mountpoint.clone(),
            lock: self.lock.clone(),
            leftovers: self.leftovers.clone(),
        };
        self.tell(&watch, None).await;
        if let Some(daemon) = self.known.daemon {
            self.tell_daemon(daemon).await;
        }
        if let Some((mounted, control)) = self.known.mounted.take() {
            self.mounted(mounted, control).await;
        }
        Ok(())
    }

    async fn tell(&mut self, message: &ToSentinel, fd: Option<OwnedFd>) {
        if let Some((_, writer)) = &mut self.running {
            let _ = timeout(LIMIT, writer.send(message, fd.into_iter().collect())).await;
        }
    }

    /// Which process is the daemon.
    pub(super) async fn daemon(&mut self, daemon: ProcessId) {
        self.known.daemon = Some(daemon);
        self.tell_daemon(daemon).await;
    }

    async fn tell_daemon(&mut self, daemon: ProcessId) {
        if let Some(pidfd) = daemon.open() {
            self.tell(&ToSentinel::Daemon, Some(pidfd)).await;
        }
    }

    /// A mount is on its way; the pipe closes when whoever mounts has ended.
    pub(super) async fn mounting(&mut self, pipe: OwnedFd) {
        self.tell(&ToSentinel::Mounting, Some(pipe)).await;
    }

    /// What is mounted, and the descriptor that aborts it.
    pub(super) async fn mounted(&mut self, mounted: Mounted, control: Option<OwnedFd>) {
        let copy = control.as_ref().and_then(|fd| fd.try_clone().ok());
        self.known.mounted = Some((mounted.clone(), control));
        self.tell(&ToSentinel::Mounted(mounted), copy).await;
    }

    /// Waits until it ends, which it should not. May be dropped and called again.
    pub(super) async fn ended(&mut self) {
        match &mut self.running {
            Some((child, _)) => {
                let _ = child.wait().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Starts another one after it ended. False: it was started too often, or cannot be.
    pub(super) async fn restart(&mut self) -> bool {
        self.running = None;
        self.restarts += 1;
        self.restarts <= RESTARTS && self.spawn().await.is_ok()
    }

    /// Nothing is left to clean up: it ends.
    pub(super) async fn dismiss(mut self) {
        self.tell(&ToSentinel::Goodbye, None).await;
        if let Some((mut child, writer)) = self.running.take() {
            drop(writer);
            if timeout(Duration::from_secs(1), child.wait()).await.is_err() {
                let _ = child.start_kill();
                let _ = timeout(Duration::from_secs(1), child.wait()).await;
            }
        }
    }
}
