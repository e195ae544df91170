//! A session: the event thread, and how it ends.

use crate::tree::SecretFs;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How a session is run.
pub struct Config {
    /// The mount lets root in, beside the owner.
    pub allow_root: bool,
    /// Called once, on a thread of the session, when it has ended.
    pub on_end: Box<dyn FnOnce(EndReason) + Send>,
}

/// Why a session ended.
#[derive(Debug)]
pub enum EndReason {
    /// The file system was unmounted.
    Unmounted,
    /// The connection was aborted.
    Aborted,
    /// Reading from `/dev/fuse` failed.
    Failed(io::Error),
    /// The event thread panicked.
    Panicked,
}

/// A served mount. It neither mounts nor unmounts; dropping it leaves the event thread running
/// until the kernel's side of the connection is gone.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// Answers the kernel's INIT on `fd`, a mounted `/dev/fuse`, and serves `fs` on it.
    ///
    /// # Errors
    /// No INIT came, or the kernel is too old.
    pub fn start(fd: OwnedFd, fs: Arc<SecretFs>, config: Config) -> io::Result<Self> {
        drop((fd, fs, config));
        Err(io::ErrorKind::Unsupported.into())
    }
}
