//! Aborting a FUSE connection: whoever still holds a file of it gets ENOTCONN, and a daemon that
//! hangs in it comes free. The control file belongs to the mounting user (contract fuse.md §2.4);
//! the file system that it is in may not be mounted.

use super::Device;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::write;
use std::os::fd::OwnedFd;

/// Opens the control file of a connection, if it is there.
#[must_use]
pub fn open_control(device: Device) -> Option<OwnedFd> {
    // The numbers of connections are minors of the anonymous devices, major 0.
    if device.major != 0 {
        return None;
    }
    let path = format!("/sys/fs/fuse/connections/{}/abort", device.minor);
    open(
        path,
        OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        Mode::empty(),
    )
    .ok()
}

/// Aborts. A connection that is gone already is as good.
pub fn abort(control: &OwnedFd) {
    let _ = write(control, b"1");
}
