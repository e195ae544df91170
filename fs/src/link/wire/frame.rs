//! The state machine of one frame in each direction. Both are kept between calls, so that a caller
//! may give up waiting at any moment without losing the boundary between frames.
//!
//! Never more is read than the current frame has left: descriptors that arrive with its first byte
//! are then its own, and any others are an error.

use super::{MAX_FDS, WireError};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

/// How far a body's buffer grows at once: memory follows what was received, not what was announced.
const STEP: usize = 16 << 10;

/// A message and what came beside it.
pub(super) type Received<T> = (T, Vec<OwnedFd>);

/// A frame that is being received.
#[derive(Debug)]
pub(super) struct Inbound {
    limit: usize,
    header: [u8; 4],
    header_len: usize,
    body: Vec<u8>,
    body_len: usize,
    fds: Vec<OwnedFd>,
}

impl Inbound {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            header: [0; 4],
            header_len: 0,
            body: Vec::new(),
            body_len: 0,
            fds: Vec::new(),
        }
    }

    /// Receives what is there. `Ok(None)`: nothing more is there now, and the frame is not whole.
    pub(super) fn advance<T: DeserializeOwned>(
        &mut self,
        socket: BorrowedFd<'_>,
    ) -> Result<Option<Received<T>>, WireError> {
        loop {
            let done = if self.header_len < self.header.len() {
                self.advance_header(socket)?
            } else {
                self.advance_body(socket)?
            };
            match done {
                Step::Blocked => return Ok(None),
                Step::More => {}
                Step::Whole => {
                    let body = std::mem::take(&mut self.body);
                    let fds = std::mem::take(&mut self.fds);
                    self.header_len = 0;
                    self.body_len = 0;
                    let message =
                        serde_json::from_slice(&body).map_err(|_| WireError::Malformed)?;
                    return Ok(Some((message, fds)));
                }
            }
        }
    }

    fn advance_header(&mut self, socket: BorrowedFd<'_>) -> Result<Step, WireError> {
        let first = self.header_len == 0;
        let rest = self.header.get_mut(self.header_len..).unwrap_or_default();
        let Some((n, fds)) = receive(socket, rest)? else {
            return Ok(Step::Blocked);
        };
        if !fds.is_empty() {
            if !first {
                return Err(WireError::BadDescriptors);
            }
            self.fds = fds;
        }
        if n == 0 {
            return Err(if first {
                WireError::Closed
            } else {
                WireError::Truncated
            });
        }
        self.header_len += n;
        if self.header_len < self.header.len() {
            return Ok(Step::More);
        }
        let length = usize::try_from(u32::from_be_bytes(self.header)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(WireError::TooLarge { limit: self.limit });
        }
        // No message is empty: JSON has at least one character.
        if length == 0 {
            return Err(WireError::Malformed);
        }
        self.body_len = length;
        Ok(Step::More)
    }

    fn advance_body(&mut self, socket: BorrowedFd<'_>) -> Result<Step, WireError> {
        let have = self.body.len();
        let want = (self.body_len - have).min(STEP);
        self.body
            .try_reserve(want)
            .map_err(|_| WireError::TooLarge { limit: have })?;
        self.body.resize(have + want, 0);
        let received = receive(socket, self.body.get_mut(have..).unwrap_or_default());
        let (n, fds) = match received {
            Ok(Some(received)) => received,
            other => {
                self.body.truncate(have);
                return other.map(|_| Step::Blocked);
            }
        };
        self.body.truncate(have + n);
        if !fds.is_empty() {
            return Err(WireError::BadDescriptors);
        }
        if n == 0 {
            return Err(WireError::Truncated);
        }
        Ok(if self.body.len() == self.body_len {
            Step::Whole
        } else {
            Step::More
        })
    }
}

enum Step {
    Blocked,
    More,
    Whole,
}

/// One `recvmsg`. `Ok(None)`: nothing is there; `Ok(Some((0, _)))`: closed.
fn receive(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
) -> Result<Option<(usize, Vec<OwnedFd>)>, WireError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message = loop {
        match recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut *into)],
            &mut control,
            flags,
        ) {
            Ok(message) => break message,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(None),
            // The peer was killed with our bytes unread: as good as closed.
            Err(Errno::CONNRESET) => return Err(WireError::Closed),
            Err(errno) => return Err(errno.into()),
        }
    };
    let mut fds = Vec::new();
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = ancillary {
            fds.extend(rights);
        }
    }
    if message.flags.contains(ReturnFlags::CTRUNC) || fds.len() > MAX_FDS {
        return Err(WireError::BadDescriptors);
    }
    Ok(Some((message.bytes, fds)))
}

/// Frames that are being sent.
#[derive(Debug)]
pub(super) struct Outbound {
    limit: usize,
    bytes: Vec<u8>,
    sent: usize,
    fds: Vec<OwnedFd>,
}

impl Outbound {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: Vec::new(),
            sent: 0,
            fds: Vec::new(),
        }
    }

    /// Takes a message. The one before it must have been sent.
    pub(super) fn put<T: Serialize>(
        &mut self,
        message: &T,
        fds: Vec<OwnedFd>,
    ) -> Result<(), WireError> {
        if fds.len() > MAX_FDS {
            return Err(WireError::Unsendable);
        }
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, message).map_err(|_| WireError::Unsendable)?;
        let length = bytes.len() - 4;
        let too_large = WireError::TooLarge { limit: self.limit };
        if length > self.limit {
            return Err(too_large);
        }
        let Ok(prefix) = u32::try_from(length) else {
            return Err(too_large);
        };
        if let Some(header) = bytes.first_chunk_mut::<4>() {
            *header = prefix.to_be_bytes();
        }
        self.bytes = bytes;
        self.sent = 0;
        self.fds = fds;
        Ok(())
    }

    /// Sends what the socket takes now. True: all is sent.
    pub(super) fn advance(&mut self, socket: BorrowedFd<'_>) -> Result<bool, WireError> {
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let borrowed: Vec<BorrowedFd<'_>> = self.fds.iter().map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
                return Err(WireError::Unsendable);
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match sendmsg(socket, &[IoSlice::new(rest)], &mut control, flags) {
                Ok(n) => {
                    self.sent += n;
                    // They went with the first byte; ours are closed now.
                    self.fds.clear();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(WireError::Closed),
                Err(errno) => return Err(errno.into()),
            }
        }
        self.bytes = Vec::new();
        self.sent = 0;
        Ok(true)
    }
}
