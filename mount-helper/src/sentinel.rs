//! The sentinel: a process that holds no secret and does nothing, until the helper ends without a
//! goodbye. Then it lets the daemon end, unmounts what was mounted, and removes what lies around.

use crate::mount::{Mounted, abort, recover};
use crate::place::process::{has_ended, is_readable};
use crate::place::record::InstanceLock;
use rustix::process::{Signal, pidfd_send_signal};
use secretfs_fs::link::wire::{self, LINK_LIMIT, Reader};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long the daemon may take to wipe and end by itself once its link is closed.
const DAEMON_LIMIT: Duration = Duration::from_secs(1);
/// How long fusermount3 may take.
const MOUNTING_LIMIT: Duration = Duration::from_secs(6);
/// How long somebody else may hold the instance lock before it counts as the next helper's.
const LOCK_LIMIT: Duration = Duration::from_millis(500);
/// How long a killed process may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// What the helper tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToSentinel {
    /// First message.
    Watch {
        /// Where the mount is going to be.
        mountpoint: PathBuf,
        /// The instance lock's file.
        lock: PathBuf,
        /// Files and empty folders to remove if the helper is killed.
        leftovers: Vec<PathBuf>,
    },
    /// Descriptor: the daemon's pidfd.
    Daemon,
    /// A mount is on its way. Descriptor: a pipe that closes when whoever mounts has ended.
    Mounting,
    /// Mounted. Descriptor: what aborts the connection, where there is one.
    Mounted(Mounted),
    /// The helper has cleaned up itself.
    Goodbye,
}

/// What it knows when the helper is gone.
#[derive(Debug, Default)]
struct Watched {
    mountpoint: Option<PathBuf>,
    lock: Option<PathBuf>,
    leftovers: Vec<PathBuf>,
    daemon: Option<OwnedFd>,
    mounting: Option<OwnedFd>,
    mounted: Option<(Mounted, Option<OwnedFd>)>,
}

pub(crate) fn run() -> ExitCode {
    let _ = secretfs_memory::harden::no_dumps();
    // A session of its own: Ctrl-C is for the helper; and where the helper's death orphans a process
    // group, the kernel signals the members.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    match runtime.block_on(watch()) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(watched)) => {
            clean_up(&watched);
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Waits for the helper's end. `None`: it said goodbye.
async fn watch() -> std::io::Result<Option<Watched>> {
    // A service manager ends all processes of a unit at once: this one stays until the helper,
    // which obeys, is gone. Once a handler is installed, the signal does not end the process.
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        let _ = signal(kind)?;
    }
    let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
    let (mut reader, _) = wire::split(socket, LINK_LIMIT, LINK_LIMIT)?;
    Ok(listen(&mut reader).await)
}

async fn listen(reader: &mut Reader) -> Option<Watched> {
    let mut watched = Watched::default();
    while let Ok((message, fds)) = reader.receive::<ToSentinel>().await {
        let fd = fds.into_iter().next();
        match message {
            ToSentinel::Watch {
                mountpoint,
                lock,
                leftovers,
            } => {
                watched.mountpoint = Some(mountpoint);
                watched.lock = Some(lock);
                watched.leftovers = leftovers;
            }
            ToSentinel::Daemon => watched.daemon = fd,
            ToSentinel::Mounting => watched.mounting = fd,
            ToSentinel::Mounted(mounted) => watched.mounted = Some((mounted, fd)),
            ToSentinel::Goodbye => return None,
        }
    }
    Some(watched)
}

/// The helper was killed. Each step has its limit; none depends on another's success.
fn clean_up(watched: &Watched) {
    if let Some(daemon) = &watched.daemon
        && !has_ended(daemon, DAEMON_LIMIT)
    {
        let _ = pidfd_send_signal(daemon, Signal::KILL);
        let _ = has_ended(daemon, KILL_LIMIT);
    }
    if let Some((mounted, control)) = &watched.mounted {
        // Compares the device: a new mount at the same place is not ours.
        let _ = recover::remove(mounted);
        if let Some(control) = control {
            abort::abort(control);
        }
    }
    // fusermount3 outlives the helper that started it, and mounts all the same.
    if let Some(mounting) = &watched.mounting {
        let _ = is_readable(mounting.as_fd(), MOUNTING_LIMIT);
    }
    // The helper's lock went with it. With it in our hands, no other helper has started since, and
    // what is mounted there was on its way when the helper was killed.
    let lock = watched.lock.as_deref().and_then(take_lock);
    if let (Some(_lock), Some(mountpoint)) = (lock, &watched.mountpoint) {
        if let Ok(Some(left)) = recover::find(mountpoint) {
            let _ = recover::remove(&left);
        }
        for path in &watched.leftovers {
            // A folder that is not empty, or that is mounted on, stays.
            if std::fs::remove_file(path).is_err() {
                let _ = std::fs::remove_dir(path);
            }
        }
    }
}

/// Takes the instance lock. A command that tidies up holds it for a moment; who holds it longer is
/// the next helper, which recovers what it finds.
fn take_lock(path: &Path) -> Option<InstanceLock> {
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match InstanceLock::take(path) {
            Ok(Some(lock)) => return Some(lock),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_helper_that_ends_without_goodbye_leaves_what_it_told() {
        let (helper, sentinel) = wire::pair().unwrap();
        let (_, mut writer) = wire::split(helper, LINK_LIMIT, LINK_LIMIT).unwrap();
        let (mut reader, _) = wire::split(sentinel, LINK_LIMIT, LINK_LIMIT).unwrap();
        let watch = ToSentinel::Watch {
            mountpoint: "/a".into(),
            lock: "/b".into(),
            leftovers: vec!["/c".into()],
        };
        writer.send(&watch, vec![]).await.unwrap();
        writer.send(&ToSentinel::Daemon, vec![]).await.unwrap();
        drop(writer);
        let watched = listen(&mut reader).await.unwrap();
        assert_eq!(watched.mountpoint, Some("/a".into()));
        assert!(watched.mounted.is_none());
    }

    #[tokio::test]
    async fn a_goodbye_leaves_nothing_to_do() {
        let (helper, sentinel) = wire::pair().unwrap();
        let (_, mut writer) = wire::split(helper, LINK_LIMIT, LINK_LIMIT).unwrap();
        let (mut reader, _) = wire::split(sentinel, LINK_LIMIT, LINK_LIMIT).unwrap();
        writer.send(&ToSentinel::Goodbye, vec![]).await.unwrap();
        assert!(listen(&mut reader).await.is_none());
    }

    #[test]
    fn a_daemon_that_does_not_end_is_killed_and_leftovers_go() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join("record.json");
        std::fs::write(&left, b"{}").unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let daemon = crate::place::ProcessId::of(child.id()).unwrap();
        clean_up(&Watched {
            mountpoint: Some(dir.path().join("mnt")),
            lock: Some(dir.path().join("lock")),
            leftovers: vec![left.clone()],
            daemon: daemon.open(),
            mounting: None,
            mounted: None,
        });
        assert!(!daemon.is_alive());
        assert!(!left.exists());
        child.wait().unwrap();
    }

    #[test]
    fn the_files_of_a_new_helper_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let record = dir.path().join("record.json");
        std::fs::write(&record, b"{}").unwrap();
        let lock = dir.path().join("lock");
        let _held = InstanceLock::take(&lock).unwrap().unwrap();
        clean_up(&Watched {
            mountpoint: Some(dir.path().join("mnt")),
            lock: Some(lock),
            leftovers: vec![record.clone()],
            daemon: None,
            mounting: None,
            mounted: None,
        });
        assert!(record.exists());
    }
}
