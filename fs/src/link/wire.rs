//! Frames on a stream socket: a 4-byte length, then JSON, with descriptors beside the first byte.
//!
//! One state machine (`frame`) and two flavours around it: [`Blocking`] with a deadline for
//! commands, [`Reader`] and [`Writer`] over tokio for mount-helper and daemon. The other end may be
//! hostile: whatever it sends is a message or an error.

mod blocking;
mod frame;
mod halves;
#[cfg(test)]
mod tests;

pub use blocking::Blocking;
pub(super) use blocking::wait_until;
pub(super) use halves::stream;
pub use halves::{Reader, Writer, split};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::os::fd::OwnedFd;

/// The most bytes of one frame on the link and of a request to the helper.
pub const LINK_LIMIT: usize = 64 << 10;
/// The most bytes of an answer on the control socket: a status tells of every entry of the map.
pub const CONTROL_LIMIT: usize = 32 << 20;
/// The most descriptors beside one frame.
pub const MAX_FDS: usize = 3;

/// Why a frame could not be sent or received. After any of these but [`WireError::Unsendable`] the
/// connection is of no further use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The other end closed the connection between two frames.
    #[error("the connection was closed")]
    Closed,
    /// The other end closed the connection inside a frame.
    #[error("the connection was closed in the middle of a message")]
    Truncated,
    /// A frame is longer than this connection allows.
    #[error("a message is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are not the message that was expected.
    #[error("a message is malformed")]
    Malformed,
    /// More descriptors than [`MAX_FDS`], or descriptors in the middle of a frame.
    #[error("a message came with descriptors that it must not have")]
    BadDescriptors,
    /// The deadline passed.
    #[error("no answer in time")]
    TimedOut,
    /// The message could not be encoded; nothing was sent.
    #[error("a message cannot be encoded")]
    Unsendable,
    /// The system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<rustix::io::Errno> for WireError {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// The two ends of a new connection, closed on exec.
///
/// # Errors
/// The kernel refused.
pub fn pair() -> std::io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?)
}
