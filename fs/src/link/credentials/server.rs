//! The daemon's end: asynchronous, each step within a deadline that the caller gives.

use super::{ACCEPTED, END, OFFERS_LIMIT, Outcome, REFUSED, SECRET_LIMIT, TEXT_LIMIT, kind};
use crate::link::wire::{WireError, stream};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use secrecy::SecretString;
use secretfs_providers::credential::CredentialOffer;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// One end of the channel.
#[derive(Debug)]
pub struct Server {
    socket: UnixStream,
    offers: usize,
}

impl Server {
    /// A channel over the descriptor that came with `ToDaemon::Credentials`.
    ///
    /// # Errors
    /// The socket cannot be watched.
    pub fn new(socket: OwnedFd) -> std::io::Result<Self> {
        Ok(Self {
            socket: stream(socket)?,
            offers: 0,
        })
    }

    /// The next offer; `None` after the end mark. Not to be dropped at an await and called again:
    /// after an error or a given-up wait the channel is of no further use.
    ///
    /// # Errors
    /// See [`WireError`]; [`WireError::TimedOut`] when the offer is not whole within `limit`.
    pub async fn next(&mut self, limit: Duration) -> Result<Option<CredentialOffer>, WireError> {
        tokio::time::timeout(limit, self.receive_offer())
            .await
            .map_err(|_| WireError::TimedOut)?
    }

    /// Tells the command what became of the last offer.
    ///
    /// # Errors
    /// See [`WireError`].
    pub async fn answer(&mut self, outcome: &Outcome, limit: Duration) -> Result<(), WireError> {
        let bytes = match outcome {
            Outcome::Accepted => vec![ACCEPTED],
            Outcome::Refused { message, help } => {
                let mut bytes = vec![REFUSED];
                let (message, help) = (clip(message), clip(help));
                for text in [message, help] {
                    let length = u16::try_from(text.len()).unwrap_or(0);
                    bytes.extend_from_slice(&length.to_be_bytes());
                }
                bytes.extend_from_slice(message.as_bytes());
                bytes.extend_from_slice(help.as_bytes());
                bytes
            }
        };
        tokio::time::timeout(limit, self.send_all(&bytes))
            .await
            .map_err(|_| WireError::TimedOut)?
    }

    async fn receive_offer(&mut self) -> Result<Option<CredentialOffer>, WireError> {
        let mut tag = [0];
        self.receive_exact(&mut tag).await?;
        let [tag] = tag;
        if tag == END {
            return Ok(None);
        }
        if self.offers == OFFERS_LIMIT {
            return Err(WireError::TooLarge {
                limit: OFFERS_LIMIT,
            });
        }
        self.offers += 1;
        let mut lengths = [0; 12];
        self.receive_exact(&mut lengths).await?;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = lengths;
        let provider = self.receive_text(u16::from_be_bytes([a, b])).await?;
        let origin = self.receive_text(u16::from_be_bytes([c, d])).await?;
        let first = self.receive_secret([e, f, g, h]).await?;
        let second = self.receive_secret([i, j, k, l]).await?;
        let credential = kind::join(tag, first, second)?;
        Ok(Some(CredentialOffer {
            provider,
            origin,
            credential,
        }))
    }

    async fn receive_text(&mut self, length: u16) -> Result<String, WireError> {
        if usize::from(length) > TEXT_LIMIT {
            return Err(WireError::TooLarge { limit: TEXT_LIMIT });
        }
        let mut bytes = vec![0; usize::from(length)];
        self.receive_exact(&mut bytes).await?;
        String::from_utf8(bytes).map_err(|_| WireError::Malformed)
    }

    async fn receive_secret(&mut self, length: [u8; 4]) -> Result<SecretString, WireError> {
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > SECRET_LIMIT {
            return Err(WireError::TooLarge {
                limit: SECRET_LIMIT,
            });
        }
        // Exactly as long as the secret, so that boxing it below moves nothing.
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.receive_exact(&mut bytes).await?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(WireError::Malformed)
            }
        }
    }

    async fn receive_exact(&self, into: &mut [u8]) -> Result<(), WireError> {
        let mut have = 0;
        while have < into.len() {
            let rest = into.get_mut(have..).unwrap_or_default();
            let received = self
                .socket
                .async_io(Interest::READABLE, || {
                    match recv(&self.socket, &mut *rest, RecvFlags::DONTWAIT) {
                        Ok((_, n)) => Ok(n),
                        Err(Errno::INTR | Errno::AGAIN) => Err(ErrorKind::WouldBlock.into()),
                        Err(Errno::CONNRESET) => Ok(0),
                        Err(errno) => Err(errno.into()),
                    }
                })
                .await?;
            if received == 0 {
                return Err(WireError::Closed);
            }
            have += received;
        }
        Ok(())
    }

    async fn send_all(&self, mut bytes: &[u8]) -> Result<(), WireError> {
        while !bytes.is_empty() {
            let sent = self
                .socket
                .async_io(Interest::WRITABLE, || {
                    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                    match send(&self.socket, bytes, flags) {
                        Ok(n) => Ok(n),
                        Err(Errno::INTR | Errno::AGAIN) => Err(ErrorKind::WouldBlock.into()),
                        Err(errno) => Err(errno.into()),
                    }
                })
                .await?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }
}

/// As much of `text` as an answer may carry.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
