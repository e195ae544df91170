//! Cutting the FUSE connection from inside the sandbox: `/sys/fs/fuse/connections/N/abort`, opened
//! by the helper beforehand, because landlock refuses to open it later (contract fuse.md §5).

use std::os::fd::OwnedFd;

/// The open file, where fusectl is mounted.
#[derive(Debug, Default)]
pub(super) struct Abort(Option<OwnedFd>);

impl Abort {
    /// From now on it can be pulled.
    pub(super) fn arm(&mut self, fd: Option<OwnedFd>) {
        self.0 = fd;
    }

    /// Aborts the connection: every blocked or later call on the mount fails at once. Without it
    /// the connection is cut when this process ends.
    pub(super) fn pull(&self) {
        if let Some(fd) = &self.0
            && let Err(error) = rustix::io::write(fd, b"1")
        {
            tracing::warn!(%error, "the FUSE connection could not be aborted");
        }
    }
}
