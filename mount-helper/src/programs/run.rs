//! One run of a program: in a process group of its own, with nothing inherited, until its end or its
//! time is over. Its standard output is not looked at here.

use super::{Complaints, ENVIRONMENT, Spec};
use crate::role;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process_group};
use secretfs_providers::ProgramEnd;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// How much of a complaint is looked at. Nothing of it is kept or told: it may quote a secret.
const COMPLAINT: usize = 8 << 10;
/// How long what it complained may be on its way after its end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A program that runs.
pub(super) struct Run {
    child: Child,
    stderr: Option<ChildStderr>,
    group: Option<Pid>,
}

/// The token of a program that takes it in its environment alone.
pub(super) struct Token {
    /// What it is read from, by the process that becomes the program.
    pub(super) from: OwnedFd,
    /// Whether memory need not be locked.
    pub(super) insecure: bool,
}

/// Starts it; what it prints is read from the descriptor.
pub(super) fn start(
    program: &Path,
    spec: &Spec,
    environment: &BTreeMap<&'static str, OsString>,
    token: Option<Token>,
) -> Result<(Run, OwnedFd), Errno> {
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut command = match token {
        None => {
            let mut command = Command::new(program);
            command.stdin(Stdio::null());
            command
        }
        Some(token) => {
            let mut command = Command::new("/proc/self/exe");
            let memory = if token.insecure { role::INSECURE } else { "" };
            command.arg(role::WITH_TOKEN).arg(memory).arg(program);
            command.stdin(token.from);
            command
        }
    };
    let is_inherited = |name: &str| ENVIRONMENT.contains(&name) || spec.inherits.contains(&name);
    command
        .args(&spec.args)
        .env_clear()
        .envs(environment.iter().filter(|(name, _)| is_inherited(name)))
        .envs(spec.environment.iter().cloned())
        .current_dir("/")
        .stdout(theirs)
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let spawned = command.spawn();
    // It holds our copy of the writing end: the daemon would wait for its end for ever.
    drop(command);
    let mut child = spawned.map_err(|error| {
        let errno = error.raw_os_error();
        errno.map_or(Errno::IO, Errno::from_raw_os_error)
    })?;
    let stderr = child.stderr.take();
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    let run = Run {
        child,
        stderr,
        group: group.and_then(Pid::from_raw),
    };
    Ok((run, ours))
}

impl Run {
    /// Waits for its end, at most `limit`, or until all are stopped; then its whole group is killed.
    pub(super) async fn end(
        mut self,
        limit: Duration,
        mut stop: watch::Receiver<u64>,
        complaints: &Complaints,
    ) -> ProgramEnd {
        let stderr = self.stderr.take();
        let complaint = tokio::spawn(complaint(stderr));
        let ended = tokio::select! {
            ended = timeout(limit, self.child.wait()) => ended.ok(),
            _ = stop.changed() => None,
        };
        let Some(status) = ended else {
            self.kill().await;
            complaint.abort();
            return ProgramEnd::TimedOut;
        };
        if status.is_ok_and(|status| status.success()) {
            complaint.abort();
            return ProgramEnd::Done;
        }
        // A child of its own may keep the pipe open.
        let told = timeout(LAST_WORDS, complaint).await;
        let told = told.ok().and_then(Result::ok).unwrap_or_default();
        complaints.classify(&String::from_utf8_lossy(&told))
    }

    /// Before it is reaped: until then its number is nobody else's.
    async fn kill(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.start_kill();
        let _ = timeout(Duration::from_secs(1), self.child.wait()).await;
    }
}

/// The start of what it complains. It is read on after that, so that it never waits for us.
async fn complaint(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stderr) = stderr else {
        return kept;
    };
    let mut piece = [0; 256];
    while let Ok(read) = stderr.read(&mut piece).await {
        let Some(piece) = piece.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        let room = COMPLAINT.saturating_sub(kept.len());
        kept.extend_from_slice(piece.get(..room.min(read)).unwrap_or_default());
    }
    kept
}
