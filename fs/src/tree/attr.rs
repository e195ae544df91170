//! What `stat` tells.

use std::time::{Duration, SystemTime};

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
}

/// How long the kernel may remember what only changes with an invalidation: a name, a folder, a
/// published version (contract fuse.md §2.9).
pub const STABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// A file's or folder's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// The inode number.
    pub ino: u64,
    /// The length in bytes.
    pub size: u64,
    /// When it changed.
    pub modified: SystemTime,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// How long the kernel may remember this. 0 for a file without a published version: its size
    /// changes with the first one.
    pub valid: Duration,
}
