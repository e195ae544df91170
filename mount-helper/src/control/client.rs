//! The commands' side: finds the mounts of this user, asks their helpers, and unmounts also where
//! no helper answers any more.

use super::{MountState, MountStatus, Request, Response};
use crate::error::HelperError;
use crate::mount::recover;
use crate::place::record::InstanceLock;
use crate::place::{ProcessId, Record, RuntimeFolder, mountpoint};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with,
    sockopt::socket_peercred,
};
use rustix::process::getuid;
use secretfs_fs::link::wire::{Blocking, CONTROL_LIMIT, LINK_LIMIT, WireError};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a helper may take to answer `status`: it waits 1 s for its daemon.
const STATUS_LIMIT: Duration = Duration::from_secs(3);
/// How long a helper's loop may take to show that it is alive: at a lock it waits 1 s for its daemon.
const PING_LIMIT: Duration = Duration::from_millis(2500);
/// How long it may take to unmount: 1 s for the wipe, some more for fusermount3.
const UNMOUNT_LIMIT: Duration = Duration::from_secs(8);
/// How long a helper that closed its door may take to be gone.
const GRACE: Duration = Duration::from_millis(500);
/// How soon a helper that has closed its door is looked at again.
const SETTLING: Duration = Duration::from_millis(10);
/// How long anything else may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a sentinel may take to clean up after a helper that was killed.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(5);

/// A mount that left a record: it runs, or a lock has ended its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is known of it.
    pub record: Record,
    folder: RuntimeFolder,
}

impl Found {
    /// Where it is.
    #[must_use]
    pub fn mountpoint(&self) -> &Path {
        &self.record.request.mountpoint
    }

    /// Whether a helper is there to answer. If not, it is locked: `unlock` starts it again with
    /// [`crate::launch::start`] and the record's request.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.record.is_alive()
    }

    fn record_path(&self) -> PathBuf {
        self.folder.record(self.mountpoint())
    }

    /// Removes what a helper that ended without a word has left in the runtime folder; whether nobody else
    /// is at work there.
    fn forget(&self) -> bool {
        match InstanceLock::take(&self.folder.lock(self.mountpoint())) {
            Ok(Some(_lock)) => {
                // As it is now: the helper may have let go of the mount since the record was read.
                let now = Record::read(&self.record_path());
                if !now.is_some_and(|record| record.is_alive()) {
                    let _ = std::fs::remove_file(self.record_path());
                    let _ = std::fs::remove_file(self.folder.socket(self.mountpoint()));
                }
                true
            }
            // Whoever holds the lock is about to write a record of its own.
            Ok(None) => Record::read(&self.record_path()).is_none(),
            Err(_) => true,
        }
    }

    /// Whether a lock has unmounted it: its helper has ended, or waits for the unlock and gives way.
    fn has_let_go(&self) -> bool {
        Record::read(&self.record_path()).is_some_and(|record| record.helper.is_none())
    }
}

/// Every mount of this user, by mountpoint. Records whose helper was killed are removed, but for
/// those of locked mounts.
#[must_use]
pub fn all() -> Vec<Found> {
    let mut found = Vec::new();
    for folder in RuntimeFolder::existing() {
        for (_, record) in Record::all(&folder) {
            let folder = folder.clone();
            let one = Found { record, folder };
            if one.is_running() || one.record.helper.is_none() {
                found.push(one);
            } else {
                let _ = one.forget();
            }
        }
    }
    found.sort_by(|a, b| a.mountpoint().cmp(b.mountpoint()));
    found
}

/// The mount at a path, running or locked.
///
/// # Errors
/// The path cannot be one of a mount.
pub fn find(path: &Path) -> Result<Option<Found>, HelperError> {
    let path = mountpoint::normalise(path)?;
    Ok(all().into_iter().find(|one| one.mountpoint() == path))
}

/// The mount at a path; where there is none, the error of the commands that need one.
///
/// # Errors
/// Status 6.
pub fn expect(path: &Path) -> Result<Found, HelperError> {
    find(path)?.ok_or_else(|| not_mounted(path))
}

fn not_mounted(path: &Path) -> HelperError {
    let shown = path.display();
    HelperError::mount(
        format!("{shown} is not mounted"),
        format!("run `secretfs mount {shown}`, or see `secretfs status` for what is mounted"),
    )
}

/// Asks a helper, and waits for its answer. `fds`: what belongs to the request, a credential
/// channel's end for [`Request::Unlock`] and [`Request::Credentials`].
///
/// # Errors
/// Status 6: no helper is there, or it does not answer in time. A [`Response::Failed`] is an error
/// too, with its own status.
pub fn request(
    found: &Found,
    request: &Request,
    fds: Vec<OwnedFd>,
) -> Result<Response, HelperError> {
    let limit = match request {
        Request::Status => STATUS_LIMIT,
        Request::Unmount | Request::Lock => UNMOUNT_LIMIT,
        _ => LIMIT,
    };
    let shown = found.mountpoint().display();
    match exchange(found, request, fds, limit) {
        Ok(Response::Failed {
            status,
            message,
            help,
        }) => Err(HelperError::new(status, message, help)),
        Ok(response) => Ok(response),
        Err(error) => Err(HelperError::mount(
            format!("the helper of {shown} does not answer: {error}"),
            format!("run `secretfs unmount {shown}`: it ends a helper that hangs"),
        )),
    }
}

/// What has become of a mount whose helper may be on its way out; `None`: nothing is left of it. A
/// helper that has closed its door is ending, or has unmounted at a lock and is about to say so in the
/// record; one that was just killed counts as alive until the kernel has closed its files. A command
/// that follows at once is not to fail for either.
#[must_use]
pub fn settled(found: Found) -> Option<Found> {
    let deadline = Instant::now() + LIMIT;
    let mut found = found;
    while found.is_running() {
        match exchange(&found, &Request::Ping, Vec::new(), PING_LIMIT) {
            // One that hangs is there, too.
            Ok(_) | Err(WireError::TimedOut) => break,
            Err(_) if Instant::now() >= deadline => break,
            Err(_) => std::thread::sleep(SETTLING),
        }
        let again = find(found.mountpoint()).ok().flatten();
        found = again?;
    }
    Some(found)
}

/// Whether a mount's helper is there to stay.
#[must_use]
pub fn stays(found: &Found) -> bool {
    settled(found.clone()).is_some_and(|found| found.is_running())
}

/// The state of a mount. Where no helper answers, what its record tells.
#[must_use]
pub fn status(found: &Found) -> MountStatus {
    match request(found, &Request::Status, Vec::new()) {
        Ok(Response::Status(status)) => *status,
        _ => unanswered(found),
    }
}

/// The state of a mount, if it tells it within `limit`.
#[must_use]
pub fn status_within(found: &Found, limit: Duration) -> Option<MountStatus> {
    match exchange(found, &Request::Status, Vec::new(), limit) {
        Ok(Response::Status(status)) => Some(*status),
        _ => None,
    }
}

/// What the record of a mount tells of it, without asking anybody.
#[must_use]
pub fn unanswered(found: &Found) -> MountStatus {
    MountStatus {
        mountpoint: found.mountpoint().to_owned(),
        map: found.record.request.map.clone(),
        state: if found.is_running() {
            found.record.state
        } else {
            MountState::Locked
        },
        pid: found.record.helper.map_or(0, |helper| helper.pid),
        triggers: Vec::new(),
        map_error: None,
        providers: Vec::new(),
        entries: Vec::new(),
        ttls_ms: Vec::new(),
        daemon: None,
    }
}

/// Unmounts: wiped first, also with files open, also when daemon or helper hang, also when no
/// helper is left. The record of a locked mount is removed.
///
/// # Errors
/// Status 6: nothing of ours is mounted there, or the system refused.
pub fn unmount(path: &Path) -> Result<(), HelperError> {
    let path = mountpoint::normalise(path)?;
    let deadline = Instant::now() + LIMIT;
    let mut done = try_unmount(&path)?;
    // A lock unmounts at this moment, or an unlock mounts again. The record that is left would be mounted
    // at the next unlock, by a helper that waits for it, although it was said to be unmounted.
    while done == Unmounted::InOthersHands {
        if Instant::now() >= deadline {
            let shown = path.display();
            return Err(HelperError::mount(
                format!("{shown} is being mounted or unmounted by another process"),
                format!("run `secretfs unmount {shown}` again when that has ended"),
            ));
        }
        std::thread::sleep(SETTLING);
        done = try_unmount(&path)?;
        if done == Unmounted::NothingThere {
            return Ok(());
        }
    }
    match done {
        Unmounted::NothingThere => Err(not_mounted(&path)),
        _ => Ok(()),
    }
}

/// What an attempt has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unmounted {
    Done,
    NothingThere,
    /// Another process holds the mountpoint's lock, and its record is still there.
    InOthersHands,
}

fn try_unmount(path: &Path) -> Result<Unmounted, HelperError> {
    let found = all().into_iter().find(|one| one.mountpoint() == path);
    let mounted = recover::find(path).map_err(|error| {
        HelperError::mount(
            format!("cannot read /proc/self/mountinfo: {error}"),
            "mount /proc",
        )
    })?;
    let Some(found) = found else {
        let Some(mounted) = mounted else {
            return Ok(Unmounted::NothingThere);
        };
        return recover::remove(&mounted).map(|()| Unmounted::Done);
    };
    if found.is_running() {
        // Asked first: unmounting itself may take longer than anybody waits for a helper that hangs.
        let answered = exchange(&found, &Request::Ping, Vec::new(), PING_LIMIT).is_ok()
            && exchange(&found, &Request::Unmount, Vec::new(), UNMOUNT_LIMIT).is_ok();
        // A helper that was ending already has closed the door: its end is what was wanted.
        if !ends(&found, answered) {
            kill(&found);
        }
    }
    // Whatever became of the processes: the mount itself must be gone.
    let left = recover::find(path).ok().flatten();
    let removed = match left {
        Some(left) if Some(&left) == mounted.as_ref() => recover::remove(&left),
        _ => Ok(()),
    };
    let forgotten = found.forget();
    removed?;
    Ok(if forgotten {
        Unmounted::Done
    } else {
        Unmounted::InOthersHands
    })
}

/// Unmounts everything of this user, dead mounts included; the errors of those that stay.
#[must_use]
pub fn unmount_all() -> Vec<HelperError> {
    let mut places: Vec<PathBuf> = all()
        .iter()
        .map(|found| found.mountpoint().to_owned())
        .collect();
    for mounted in recover::all().unwrap_or_default() {
        if !places.contains(&mounted.mountpoint) {
            places.push(mounted.mountpoint);
        }
    }
    places
        .iter()
        .filter_map(|place| unmount(place).err())
        .collect()
}

/// Waits until the helper has ended, or has let go of the mount; whether it has. One that did not answer
/// gets little time.
fn ends(found: &Found, answered: bool) -> bool {
    let deadline = Instant::now() + if answered { LIMIT } else { GRACE };
    loop {
        if has_ended_within(found, SETTLING) || found.has_let_go() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
    }
}

fn has_ended_within(found: &Found, limit: Duration) -> bool {
    found
        .record
        .helper
        .and_then(ProcessId::open)
        .is_none_or(|pidfd| crate::place::process::has_ended(&pidfd, limit))
}

/// Ends a helper that hangs. Its sentinel then ends the daemon and unmounts; what that leaves is
/// ended here.
fn kill(found: &Found) {
    if let Some(helper) = found.record.helper {
        let _ = helper.kill(LIMIT);
    }
    if let Some(daemon) = found.record.daemon {
        let gone = daemon
            .open()
            .is_none_or(|pidfd| crate::place::process::has_ended(&pidfd, CLEAN_UP_LIMIT));
        if !gone {
            let _ = daemon.kill(LIMIT);
        }
    }
}

fn exchange(
    found: &Found,
    request: &Request,
    fds: Vec<OwnedFd>,
    limit: Duration,
) -> Result<Response, WireError> {
    let deadline = Instant::now() + limit;
    let socket = dial(&found.folder.socket(found.mountpoint()), deadline)?;
    let mut socket = Blocking::new(socket, LINK_LIMIT, CONTROL_LIMIT);
    socket.send(request, fds, deadline)?;
    Ok(socket.receive(deadline)?.0)
}

/// Connects, and checks that this user or root is at the other end.
fn dial(path: &Path, deadline: Instant) -> Result<OwnedFd, WireError> {
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )?;
    let address = SocketAddrUnix::new(path)?;
    loop {
        match connect(&socket, &address) {
            Ok(()) => break,
            Err(rustix::io::Errno::INTR) => {}
            // The queue of a helper that hangs is full: for UNIX sockets there is nothing to poll.
            Err(rustix::io::Errno::AGAIN) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(rustix::io::Errno::AGAIN) => return Err(WireError::TimedOut),
            Err(errno) => return Err(errno.into()),
        }
    }
    let peer = socket_peercred(&socket)?.uid;
    if peer != getuid() && !peer.is_root() {
        return Err(WireError::Io(std::io::ErrorKind::PermissionDenied.into()));
    }
    Ok(socket)
}
