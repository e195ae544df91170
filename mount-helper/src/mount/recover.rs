//! A dead mount at the place of a new one: what a helper that was killed together with all its
//! processes left behind (contract fuse.md §2.4).

use super::detach::{Detached, detach, is_there};
use super::{Device, FS_TYPE, Mounted, abort, mountinfo};
use crate::error::HelperError;
use rustix::io::Errno;
use rustix::process::getuid;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// How long a mount may take to answer before it counts as dead.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// The mount of this user that lies at `mountpoint`, whoever serves it.
///
/// # Errors
/// /proc is not there.
pub fn find(mountpoint: &Path) -> std::io::Result<Option<Mounted>> {
    let mounts = mountinfo::read()?;
    Ok(mountinfo::top_at(&mounts, mountpoint)
        .filter(|top| top.fs_type == FS_TYPE && top.user == Some(getuid().as_raw()))
        .map(|top| Mounted {
            mountpoint: mountpoint.to_owned(),
            device: top.device,
        }))
}

/// Every mount of this user.
///
/// # Errors
/// /proc is not there.
pub fn all() -> std::io::Result<Vec<Mounted>> {
    let mounts = mountinfo::read()?;
    Ok(mounts
        .iter()
        .filter(|mount| mount.fs_type == FS_TYPE && mount.user == Some(getuid().as_raw()))
        .map(|mount| Mounted {
            mountpoint: mount.mountpoint.clone(),
            device: mount.device,
        })
        .collect())
}

/// Every mount of this user whose daemon is gone. One that merely hangs is not among them: its helper
/// may be known in another runtime folder.
#[must_use]
pub fn dead() -> Vec<Mounted> {
    let mut mounts = all().unwrap_or_default();
    mounts.retain(|mount| is_dead(&mount.mountpoint));
    mounts
}

fn is_dead(mountpoint: &Path) -> bool {
    let gone = |errno| matches!(errno, Errno::NOTCONN | Errno::CONNABORTED);
    ask(mountpoint).is_some_and(|answer| answer.is_err_and(gone))
}

/// Detaches one of [`dead`], if it still is: one that was about to go may have been followed by another
/// at the same place, which may well have got its device number.
///
/// # Errors
/// As [`remove`].
pub fn remove_dead(mounted: &Mounted) -> Result<(), HelperError> {
    if is_dead(&mounted.mountpoint) {
        remove(mounted)
    } else {
        Ok(())
    }
}

/// Clears `mountpoint` of dead mounts of ours. To be called with the lock of the mountpoint, so that
/// no helper of this runtime folder serves it.
///
/// # Errors
/// Status 6: something else is mounted there, or it is alive.
pub fn clear(mountpoint: &Path) -> Result<(), HelperError> {
    // More than one may lie there, one on the other; an end to it is needed all the same.
    for _ in 0..8 {
        let mounts = mountinfo::read().map_err(|error| {
            HelperError::mount(
                format!("cannot read /proc/self/mountinfo: {error}"),
                "mount /proc",
            )
        })?;
        let Some(top) = mountinfo::top_at(&mounts, mountpoint) else {
            return Ok(());
        };
        let shown = mountpoint.display();
        if top.fs_type != FS_TYPE {
            if top.fs_type.starts_with("fuse") {
                return Err(HelperError::mount(
                    format!(
                        "cannot mount on {shown}: a {} is mounted there",
                        top.fs_type
                    ),
                    "unmount it, or name another folder",
                ));
            }
            // An empty file system of its own is a folder like any other.
            return Ok(());
        }
        if top.user != Some(getuid().as_raw()) {
            return Err(HelperError::mount(
                format!("cannot mount on {shown}: another user's secretfs is mounted there"),
                "name another folder",
            ));
        }
        if answers(mountpoint) {
            return Err(HelperError::mount(
                format!("{shown} is already mounted"),
                format!("use it as it is, or run `secretfs unmount {shown}` first"),
            ));
        }
        let dead = Mounted {
            mountpoint: mountpoint.to_owned(),
            device: top.device,
        };
        remove(&dead)?;
    }
    Err(HelperError::mount(
        format!("{} is mounted again and again", mountpoint.display()),
        "see what mounts there",
    ))
}

/// Detaches a mount, and aborts its connection.
///
/// # Errors
/// Status 6: it could not be unmounted.
pub fn remove(mounted: &Mounted) -> Result<(), HelperError> {
    remove_with(mounted, abort::open_control)
}

fn remove_with(
    mounted: &Mounted,
    open_control: impl FnOnce(Device) -> Option<OwnedFd>,
) -> Result<(), HelperError> {
    // The control file vanishes with the last user of the connection: open it before.
    let control = open_control(mounted.device);
    // Looked at after that: the kernel gives the number of a mount that is gone to the next one at once,
    // and it would be that one's connection that is aborted.
    let control = control.filter(|_| is_there(mounted));
    let detached = detach(mounted);
    if let Some(control) = control {
        abort::abort(&control);
    }
    let shown = mounted.mountpoint.display();
    match detached {
        Detached::Gone => Ok(()),
        Detached::Covered => Err(HelperError::mount(
            format!("cannot unmount {shown}: something else is mounted on top of it"),
            "unmount that first",
        )),
        Detached::Failed(reason) => Err(HelperError::mount(
            format!("cannot unmount {shown}: {reason}"),
            format!("run `fusermount3 -u -z {shown}`"),
        )),
    }
}

/// Whether a mount answers.
fn answers(mountpoint: &Path) -> bool {
    ask(mountpoint).is_some_and(|answer| answer.is_ok())
}

/// What a mount answers; `None`: nothing in time. The question is asked by a thread of its own: it
/// may never return.
fn ask(mountpoint: &Path) -> Option<Result<(), Errno>> {
    let (tell, told) = mpsc::sync_channel(1);
    let path = mountpoint.to_owned();
    std::thread::Builder::new()
        .spawn(move || {
            let _ = tell.send(rustix::fs::statfs(&path).map(drop));
        })
        .ok()?;
    told.recv_timeout(ANSWER_LIMIT).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_connection_that_has_the_number_of_a_mount_that_is_gone_is_not_aborted() {
        let folder = tempfile::tempdir().unwrap();
        let gone = Mounted {
            mountpoint: folder.path().join("gone"),
            device: Device { major: 0, minor: 1 },
        };
        let (mut read, write) = std::io::pipe().unwrap();
        remove_with(&gone, |_| Some(write.into())).unwrap();
        let mut written = Vec::new();
        read.read_to_end(&mut written).unwrap();
        assert_eq!(
            written, b"",
            "that would be the connection of another mount"
        );
    }
}
