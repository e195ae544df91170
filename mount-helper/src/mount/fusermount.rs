//! Mounting through fusermount3: the setuid program mounts, and hands `/dev/fuse` over a socket
//! that it finds through `_FUSE_COMMFD` (contract fuse.md §2.7).

use super::MountOptions;
use super::program::{command, fusermount3, run};
use crate::error::HelperError;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use secretfs_fs::link::wire;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

/// How long fusermount3 may take. It only talks to the kernel.
const LIMIT: Duration = Duration::from_secs(5);

/// Mounts; the descriptor is `/dev/fuse`. `running` is fusermount3's to hold until it ends.
///
/// # Errors
/// Status 6, with what fusermount3 said.
pub fn mount(options: &MountOptions, running: OwnedFd) -> Result<OwnedFd, HelperError> {
    let shown = options.mountpoint.display();
    let Some(program) = fusermount3() else {
        return Err(HelperError::mount(
            "fusermount3 is not installed",
            "install the package `fuse3`",
        ));
    };
    let failed = |reason: &dyn std::fmt::Display| {
        HelperError::mount(format!("cannot mount on {shown}: {reason}"), help(reason))
    };
    let (ours, theirs) = wire::pair().map_err(|error| failed(&error))?;
    // Its standard input, because that is the one descriptor that can be given to a child without
    // being inherited by any other that is started at the same moment.
    let mut command = command(program, Stdio::from(theirs));
    command.env("_FUSE_COMMFD", "0");
    command.stdout(running);
    command.args(["-o", &options.fusermount(), "--"]);
    command.arg(&options.mountpoint);
    let (status, complaint) = run(command, LIMIT).map_err(|error| failed(&error))?;
    if !status.success() {
        let complaint = complaint.trim_start_matches("fusermount3: ");
        return Err(failed(if complaint.is_empty() {
            &status as &dyn std::fmt::Display
        } else {
            &complaint
        }));
    }
    receive(&ours)
        .map_err(|error| failed(&error))?
        .ok_or_else(|| failed(&"fusermount3 handed no descriptor over"))
}

/// What the user can do, where what fusermount3 said is known.
fn help(reason: &dyn std::fmt::Display) -> &'static str {
    let reason = reason.to_string();
    if reason.contains("user_allow_other") || reason.contains("allow_other") {
        "add the line `user_allow_other` to /etc/fuse.conf, or leave `--allow-root` out"
    } else if reason.contains("/dev/fuse") {
        "load the kernel module `fuse`, and see that /dev/fuse may be opened (mode 0666)"
    } else if reason.contains("no write access") {
        // A folder of the user's own, 0700: what is left is a file system that is read-only.
        "choose a mountpoint that can be written to, below the runtime folder ($XDG_RUNTIME_DIR), say"
    } else if reason.contains("Operation not permitted") {
        // no_new_privs, or AppArmor's profile of fusermount3 (contract fuse.md §2.6).
        "mount below your home folder, outside any sandbox (no_new_privs keeps fusermount3 from mounting)"
    } else {
        "see that `fusermount3` (package fuse3) is installed, setuid root, and may use /dev/fuse"
    }
}

/// The descriptor that came with the one byte that fusermount3 sends.
fn receive(socket: &OwnedFd) -> rustix::io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut fd = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut rights) = message {
            fd = rights.next();
        }
    }
    Ok(fd)
}
