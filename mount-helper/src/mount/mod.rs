//! Mounting and unmounting: what is mounted, how it comes, and how it goes for certain.

pub mod abort;
pub mod detach;
pub mod direct;
pub mod fusermount;
pub mod mountinfo;
pub mod namespace;
pub mod options;
pub mod program;
pub mod recover;

pub use mountinfo::Device;
pub use options::MountOptions;

use crate::error::HelperError;
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The type that our mounts have in `/proc/self/mountinfo`.
pub const FS_TYPE: &str = "fuse.secretfs";

/// A mount of ours: where, and which one, so that never another's is unmounted in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounted {
    /// Where.
    pub mountpoint: PathBuf,
    /// Its device number; the minor is the number of its FUSE connection.
    pub device: Device,
}

/// Mounts, and finds out which device it became. Blocks for seconds at most. `running` is closed when
/// nothing of it runs any more, also if this process is killed.
///
/// # Errors
/// Status 6, with what fusermount3 or the kernel said.
pub fn mount(options: &MountOptions, running: OwnedFd) -> Result<(OwnedFd, Mounted), HelperError> {
    let fuse = if direct::is_allowed() {
        direct::mount(options)?
    } else {
        fusermount::mount(options, running)?
    };
    let device = mountinfo::read()
        .ok()
        .and_then(|mounts| {
            let top = mountinfo::top_at(&mounts, &options.mountpoint)?;
            (top.fs_type == FS_TYPE).then_some(top.device)
        })
        .ok_or_else(|| {
            HelperError::mount(
                format!(
                    "the mount at {} vanished at once",
                    options.mountpoint.display()
                ),
                "see whether something unmounts there, and try again",
            )
        })?;
    let mountpoint = options.mountpoint.clone();
    Ok((fuse, Mounted { mountpoint, device }))
}
