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
#[derive(Debug)]
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
    /// Leaves one.
    pub(super) fn leave(
        &mut self,
        pid: u32,
        file: FileId,
        refused: u64,
        found: Option<(u64, Snapshot)>,
        now: Instant,
    ) {
        if self.0.len() >= MAX {
            self.purge(now);
        }
        if self.0.len() < MAX {
            let until = now + VALID;
            let ticket = Ticket {
                refused,
                found,
                until,
            };
            self.0.insert((pid, file), ticket);
        }
    }

    /// Takes the one of this thread. Threads outside our pid namespace are all 0 and share theirs
    /// until it expires; that is safe, as it only ever shows an inode's own version.
    pub(super) fn take(&mut self, pid: u32, file: FileId, now: Instant) -> Option<Ticket> {
        let ticket = self.0.remove(&(pid, file)).filter(|t| t.until > now)?;
        if pid == 0 {
            let again = Ticket {
                found: ticket.found.clone(),
                ..ticket
            };
            self.0.insert((pid, file), again);
        }
        Some(ticket)
    }

    /// Drops those whose retry never came. True: some are left.
    pub(super) fn purge(&mut self, now: Instant) -> bool {
        self.0.retain(|_, ticket| ticket.until > now);
        !self.0.is_empty()
    }

    /// Lock.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
