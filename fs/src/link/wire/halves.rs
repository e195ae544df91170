//! The flavour of mount-helper and daemon: two halves over tokio. Both keep what is under way, so
//! that a `select!` may drop their futures.

use super::WireError;
use super::frame::{Inbound, Outbound, Received};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The halves of one end of a connection, for frames of at most `send_limit` and `receive_limit`
/// bytes. The socket is closed when both are dropped. To be called inside a tokio runtime.
///
/// # Errors
/// The socket cannot be watched.
pub fn split(
    socket: OwnedFd,
    send_limit: usize,
    receive_limit: usize,
) -> std::io::Result<(Reader, Writer)> {
    let socket = Arc::new(stream(socket)?);
    let reader = Reader {
        socket: Arc::clone(&socket),
        inbound: Inbound::new(receive_limit),
    };
    let writer = Writer {
        socket,
        outbound: Outbound::new(send_limit),
    };
    Ok((reader, writer))
}

/// The descriptor as tokio watches it.
pub(in crate::link) fn stream(socket: OwnedFd) -> std::io::Result<UnixStream> {
    let socket = std::os::unix::net::UnixStream::from(socket);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

/// Receives messages.
#[derive(Debug)]
pub struct Reader {
    socket: Arc<UnixStream>,
    inbound: Inbound,
}

impl Reader {
    /// The next message and the descriptors beside it. Dropped at an await, nothing is lost: the
    /// next call goes on.
    ///
    /// # Errors
    /// See [`WireError`]; [`WireError::Closed`] when the other end is gone.
    pub async fn receive<T: DeserializeOwned>(&mut self) -> Result<Received<T>, WireError> {
        let inbound = &mut self.inbound;
        let socket = &*self.socket;
        socket
            .async_io(Interest::READABLE, || {
                match inbound.advance(socket.as_fd()) {
                    Ok(Some(received)) => Ok(Ok(received)),
                    Ok(None) => Err(ErrorKind::WouldBlock.into()),
                    Err(error) => Ok(Err(error)),
                }
            })
            .await?
    }
}

/// Sends messages.
#[derive(Debug)]
pub struct Writer {
    socket: Arc<UnixStream>,
    outbound: Outbound,
}

impl Writer {
    /// Sends a message. The descriptors are closed here once they are sent. Dropped at an await,
    /// the message may or may not be sent; the next call first sends what is left of it.
    ///
    /// # Errors
    /// See [`WireError`].
    pub async fn send<T: Serialize>(
        &mut self,
        message: &T,
        fds: Vec<OwnedFd>,
    ) -> Result<(), WireError> {
        self.flush().await?;
        self.outbound.put(message, fds)?;
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), WireError> {
        let outbound = &mut self.outbound;
        let socket = &*self.socket;
        socket
            .async_io(Interest::WRITABLE, || {
                match outbound.advance(socket.as_fd()) {
                    Ok(true) => Ok(Ok(())),
                    Ok(false) => Err(ErrorKind::WouldBlock.into()),
                    Err(error) => Ok(Err(error)),
                }
            })
            .await?
    }
}
