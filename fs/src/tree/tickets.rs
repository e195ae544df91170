//! What an open that was answered ESTALE leaves for its second try, which the kernel makes by
//! itself at once: the version that the first try found, so that the second needs no provider,
//! whatever the ttl, and cannot end in ESTALE too.

use super::versions::FileId;
use crate::cache::Snapshot;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long the second try may take.
pub(super) const VALID: Duration = Duration::from_secs(2);
/// More opens than these do not wait at once (`SecretFs::MAX_WAITING`).
const MAX: usize = 8_192;

/// One refused open.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    /// The inode that was refused.
    pub(super) refused: u64,
    /// The inode that its retry should find, and what it shows.
    pub(super) found: Option<(u64, Snapshot)>,
    until: Instant,
}

/// All refused opens of the last [`VALID`] time, by thread and file.
#[derive(Debug, Default)]
pub(super) struct Tickets(HashMap<(u32, FileId), Ticket>);

impl Tickets {
    /// Leaves one. The inode that it found is to be held until it is given back.
    pub(super) fn leave(&mut self, pid: u32, file: FileId, ticket: Ticket) -> Option<Ticket> {
        self.0.insert((pid, file), ticket)
    }

    /// Whether one more fits.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MAX
    }

    /// Takes the one of this thread, expired or not. The inode that it found need not be held any
    /// longer.
    pub(super) fn take(&mut self, pid: u32, file: FileId) -> Option<Ticket> {
        self.0.remove(&(pid, file))
    }

    /// Takes those whose retry never came.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Ticket> {
        self.0
            .extract_if(|_, ticket| !ticket.is_valid(now))
            .map(|(_, ticket)| ticket)
            .collect()
    }

    /// Takes all: lock.
    pub(super) fn take_all(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.0).into_values().collect()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ticket {
    /// For an open of `refused`, refused `now`.
    pub(super) fn new(refused: u64, found: Option<(u64, Snapshot)>, now: Instant) -> Self {
        Self {
            refused,
            found,
            until: now + VALID,
        }
    }

    /// Whether its retry may still come.
    pub(super) fn is_valid(&self, now: Instant) -> bool {
        self.until > now
    }
}
