//! How our mounts are mounted: the options that hold always (contract fuse.md §2.7).

use std::path::PathBuf;

/// Where to mount, and who gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOptions {
    /// Where, as [`crate::place::mountpoint::normalise`] made it.
    pub mountpoint: PathBuf,
    /// Let root in as well. The kernel knows only "all others": the daemon refuses everybody but
    /// root then.
    pub allow_root: bool,
}

impl MountOptions {
    /// What fusermount3 is told with `-o`.
    #[must_use]
    pub fn fusermount(&self) -> String {
        let mut options =
            "fsname=secretfs,subtype=secretfs,ro,nosuid,nodev,noexec,default_permissions"
                .to_owned();
        if self.allow_root {
            options.push_str(",allow_other");
        }
        options
    }
}
