//! Mounting with mount(2), where the process may: root on a server, or a namespace of its own.

use super::{FS_TYPE, MountOptions};
use crate::error::HelperError;
use rustix::fs::{Mode, OFlags, open};
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::{getgid, getuid};
use rustix::thread::{CapabilitySet, capabilities};
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// Whether this process may mount by itself.
#[must_use]
pub fn is_allowed() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

/// Mounts; the descriptor is `/dev/fuse`.
///
/// # Errors
/// Status 6, with what the kernel said.
pub fn mount(options: &MountOptions) -> Result<OwnedFd, HelperError> {
    let fuse =
        open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| {
            HelperError::mount(
                format!("cannot open /dev/fuse: {}", std::io::Error::from(errno)),
                "load the kernel module `fuse`, and see that /dev/fuse may be opened (mode 0666)",
            )
        })?;
    let mut data = format!(
        "fd={},rootmode=40000,user_id={},group_id={},default_permissions",
        fuse.as_raw_fd(),
        getuid().as_raw(),
        getgid().as_raw()
    );
    if options.allow_root {
        data.push_str(",allow_other");
    }
    let data = CString::new(data).unwrap_or_default();
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount(
        options.source(),
        &options.mountpoint,
        FS_TYPE,
        flags,
        data.as_c_str(),
    )
    .map_err(|errno| {
        HelperError::mount(
            format!(
                "cannot mount on {}: {}",
                options.mountpoint.display(),
                std::io::Error::from(errno)
            ),
            "see that /dev/fuse is there and that mounting is allowed here",
        )
    })?;
    Ok(fuse)
}

/// Detaches what is on top at a path, lazily.
///
/// # Errors
/// The kernel refused.
pub fn detach(mountpoint: &Path) -> std::io::Result<()> {
    Ok(rustix::mount::unmount(
        mountpoint,
        UnmountFlags::DETACH | UnmountFlags::NOFOLLOW,
    )?)
}
