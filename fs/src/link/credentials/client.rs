//! The command's end: blocking, never beyond a deadline.

use super::{
    ACCEPTED, END, OFFER_HEADER, OFFERS_LIMIT, Outcome, REFUSED, SECRET_LIMIT, TEXT_LIMIT, kind,
};
use crate::link::wire::{WireError, wait_until};
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use secretfs_providers::credential::CredentialOffer;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

/// One end of the channel.
#[derive(Debug)]
pub struct Client {
    socket: OwnedFd,
}

impl Client {
    /// A channel over `socket`, one of [`crate::link::wire::pair`]; the other one travels to the
    /// daemon through `launch::start` or a control request.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Sends the offers and the end mark. The socket's buffer takes some 100 KiB before the daemon
    /// reads, so this may be called before the other end is on its way.
    ///
    /// # Errors
    /// [`WireError::TooLarge`] before anything of that offer is sent; [`WireError::TimedOut`].
    pub fn send(&mut self, offers: &[CredentialOffer], deadline: Instant) -> Result<(), WireError> {
        if offers.len() > OFFERS_LIMIT {
            return Err(WireError::TooLarge {
                limit: OFFERS_LIMIT,
            });
        }
        for offer in offers {
            self.send_offer(offer, deadline)?;
        }
        self.send_all(&[END], deadline)
    }

    /// Receives what became of each of `count` offers, in their order.
    ///
    /// # Errors
    /// See [`WireError`]; [`WireError::Closed`] if the daemon ended.
    pub fn outcomes(&mut self, count: usize, deadline: Instant) -> Result<Vec<Outcome>, WireError> {
        let mut outcomes = Vec::new();
        for _ in 0..count.min(OFFERS_LIMIT) {
            let mut tag = [0];
            self.receive_exact(&mut tag, deadline)?;
            outcomes.push(match tag {
                [ACCEPTED] => Outcome::Accepted,
                [REFUSED] => {
                    let mut lengths = [0; 4];
                    self.receive_exact(&mut lengths, deadline)?;
                    let [a, b, c, d] = lengths;
                    Outcome::Refused {
                        message: self.receive_text(u16::from_be_bytes([a, b]), deadline)?,
                        help: self.receive_text(u16::from_be_bytes([c, d]), deadline)?,
                    }
                }
                _ => return Err(WireError::Malformed),
            });
        }
        Ok(outcomes)
    }

    fn send_offer(&mut self, offer: &CredentialOffer, deadline: Instant) -> Result<(), WireError> {
        let (kind, first, second) = kind::split(&offer.credential)?;
        let mut header = Vec::with_capacity(OFFER_HEADER);
        header.push(kind);
        for text in [&offer.provider, &offer.origin] {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            if usize::from(length) > TEXT_LIMIT {
                return Err(WireError::TooLarge { limit: TEXT_LIMIT });
            }
            header.extend_from_slice(&length.to_be_bytes());
        }
        for secret in [first, second] {
            let length = secret.len();
            let too_large = WireError::TooLarge {
                limit: SECRET_LIMIT,
            };
            if length > SECRET_LIMIT {
                return Err(too_large);
            }
            let length = u32::try_from(length).map_err(|_| too_large)?;
            header.extend_from_slice(&length.to_be_bytes());
        }
        self.send_all(&header, deadline)?;
        self.send_all(offer.provider.as_bytes(), deadline)?;
        self.send_all(offer.origin.as_bytes(), deadline)?;
        // Straight from the memory that keeps them: no copy of ours.
        self.send_all(first.as_bytes(), deadline)?;
        self.send_all(second.as_bytes(), deadline)
    }

    fn send_all(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), WireError> {
        while !bytes.is_empty() {
            match send(
                &self.socket,
                bytes,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            ) {
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_until(self.socket.as_fd(), PollFlags::OUT, deadline)?,
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(WireError::Closed),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn receive_text(&mut self, length: u16, deadline: Instant) -> Result<String, WireError> {
        if usize::from(length) > TEXT_LIMIT {
            return Err(WireError::TooLarge { limit: TEXT_LIMIT });
        }
        let mut bytes = vec![0; usize::from(length)];
        self.receive_exact(&mut bytes, deadline)?;
        String::from_utf8(bytes).map_err(|_| WireError::Malformed)
    }

    fn receive_exact(&mut self, into: &mut [u8], deadline: Instant) -> Result<(), WireError> {
        let mut have = 0;
        while have < into.len() {
            let rest = into.get_mut(have..).unwrap_or_default();
            match recv(&self.socket, rest, RecvFlags::DONTWAIT) {
                Ok((_, 0)) | Err(Errno::CONNRESET) => return Err(WireError::Closed),
                Ok((_, n)) => have += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_until(self.socket.as_fd(), PollFlags::IN, deadline)?,
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}
