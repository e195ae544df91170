//! The flavour of commands: waits, but never beyond a deadline.

use super::WireError;
use super::frame::{Inbound, Outbound, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

/// One end of a connection.
#[derive(Debug)]
pub struct Blocking {
    socket: OwnedFd,
    inbound: Inbound,
    outbound: Outbound,
}

impl Blocking {
    /// Frames of at most `send_limit` and `receive_limit` bytes over `socket`.
    #[must_use]
    pub fn new(socket: OwnedFd, send_limit: usize, receive_limit: usize) -> Self {
        Self {
            socket,
            inbound: Inbound::new(receive_limit),
            outbound: Outbound::new(send_limit),
        }
    }

    /// Sends a message. The descriptors are closed here once they are sent.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn send<T: Serialize>(
        &mut self,
        message: &T,
        fds: Vec<OwnedFd>,
        deadline: Instant,
    ) -> Result<(), WireError> {
        self.outbound.put(message, fds)?;
        while !self.outbound.advance(self.socket.as_fd())? {
            wait_until(self.socket.as_fd(), PollFlags::OUT, deadline)?;
        }
        Ok(())
    }

    /// Receives a message and the descriptors beside it.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn receive<T: DeserializeOwned>(
        &mut self,
        deadline: Instant,
    ) -> Result<Received<T>, WireError> {
        loop {
            if let Some(received) = self.inbound.advance(self.socket.as_fd())? {
                return Ok(received);
            }
            wait_until(self.socket.as_fd(), PollFlags::IN, deadline)?;
        }
    }
}

/// Waits until `socket` is ready.
///
/// # Errors
/// [`WireError::TimedOut`] at the deadline.
pub(in crate::link) fn wait_until(
    socket: BorrowedFd<'_>,
    ready: PollFlags,
    deadline: Instant,
) -> Result<(), WireError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(WireError::TimedOut);
        }
        let timeout = Timespec::try_from(left).map_err(|_| WireError::TimedOut)?;
        match poll(&mut [PollFd::new(&socket, ready)], Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
}
