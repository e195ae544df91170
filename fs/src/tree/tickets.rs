//! What an open that was answered ESTALE leaves for its second try, which the kernel makes by
//! itself at once: the version that the first try found, so that the second needs no provider,
//! whatever the ttl, and cannot end in ESTALE too.

use super::filesystem::{Inner, ONE_MORE, SecretFs};
use super::open::Request;
use super::versions::{FileId, Position};
use crate::cache::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the second try may take.
const VALID: Duration = Duration::from_secs(2);
/// More opens than these do not wait at once (`SecretFs::MAX_WAITING`).
const MAX: usize = 8_192;
/// A file whose value changes more often than this within one open is not opened (ESTALE).
const MAX_FOUND: usize = 8;

/// One refused open.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    /// The inode that was refused.
    pub(super) refused: u64,
    /// The inode that its retry should find, and what it shows; and those that were published since,
    /// which it may find as well.
    pub(super) found: Vec<(u64, Snapshot)>,
    until: Instant,
}

/// All refused opens of the last [`VALID`] time, by file and thread.
#[derive(Debug, Default)]
pub(super) struct Tickets(BTreeMap<(FileId, u32), Ticket>);

impl Tickets {
    /// Leaves one. The inode that it found is to be held until it is given back.
    pub(super) fn leave(&mut self, pid: u32, file: FileId, ticket: Ticket) -> Option<Ticket> {
        self.0.insert((file, pid), ticket)
    }

    /// Whether one more fits.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MAX
    }

    /// Takes the one of this thread, expired or not. The inode that it found need not be held any
    /// longer.
    pub(super) fn take(&mut self, pid: u32, file: FileId) -> Option<Ticket> {
        self.0.remove(&(file, pid))
    }

    /// Takes those whose retry never came.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<Ticket> {
        self.0
            .extract_if(.., |_, ticket| !ticket.is_valid(now))
            .map(|(_, ticket)| ticket)
            .collect()
    }

    /// Takes all: lock.
    pub(super) fn take_all(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.0).into_values().collect()
    }

    /// Another version was published before the retries came. Gives how many hold its inode now.
    pub(super) fn published(&mut self, file: FileId, ino: u64, snapshot: &Snapshot) -> usize {
        let waiting = self.0.range_mut((file, 0)..=(file, u32::MAX));
        let room = waiting.filter(|(_, ticket)| ticket.found.len() < MAX_FOUND);
        room.map(|(_, ticket)| ticket.found.push((ino, snapshot.clone())))
            .count()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ticket {
    /// For an open of `refused`, refused `now`.
    pub(super) fn new(refused: u64, found: (u64, Snapshot), now: Instant) -> Self {
        Self {
            refused,
            found: vec![found],
            until: now + VALID,
        }
    }

    /// Whether its retry may still come.
    pub(super) fn is_valid(&self, now: Instant) -> bool {
        self.until > now
    }
}

impl SecretFs {
    /// Leaves one for the retry of an open that is refused.
    pub(super) fn leave_ticket(
        &self,
        inner: &mut Inner,
        request: &Request,
        found: (u64, Snapshot),
    ) {
        if !inner.tickets.has_room() || !secretfs_memory::heap::has_room(ONE_MORE) {
            // The retry will have to do with what is cached.
            return;
        }
        let (ino, snapshot) = &found;
        inner.versions.opened(*ino, snapshot);
        let ticket = Ticket::new(request.ino, found, self.deps.clock.now());
        let before = inner
            .tickets
            .leave(request.caller.pid, request.file.id, ticket);
        self.give_back(inner, before);
    }

    /// Takes the ticket of a thread, without letting go of the inodes that it holds. Threads outside
    /// our pid namespace are all 0 and share theirs until it expires; that is safe, as it only ever
    /// shows an inode's own version.
    pub(super) fn take_ticket(&self, inner: &mut Inner, pid: u32, file: FileId) -> Option<Ticket> {
        let ticket = inner.tickets.take(pid, file)?;
        if !ticket.is_valid(self.deps.clock.now()) {
            self.give_back(inner, Some(ticket));
            return None;
        }
        if pid == 0 {
            for (ino, snapshot) in &ticket.found {
                inner.versions.opened(*ino, snapshot);
            }
            inner.tickets.leave(pid, file, ticket.clone());
        }
        Some(ticket)
    }

    /// Lets go of the inodes that tickets hold.
    pub(super) fn give_back(&self, inner: &mut Inner, tickets: impl IntoIterator<Item = Ticket>) {
        for (ino, _) in tickets.into_iter().flat_map(|ticket| ticket.found) {
            if inner.versions.closed(ino) {
                self.invalidations().idle(ino);
            }
        }
    }

    /// Drops the tickets whose retry never came, so that they do not hold values for ever.
    pub(super) fn purge_tickets(self: &Arc<Self>, inner: &mut Inner) {
        if std::mem::replace(&mut inner.purging, true) {
            return;
        }
        let fs = Arc::clone(self);
        self.deps.runtime.spawn(async move {
            loop {
                tokio::time::sleep(VALID).await;
                let mut inner = fs.inner();
                let expired = inner.tickets.take_expired(fs.deps.clock.now());
                fs.give_back(&mut inner, expired);
                if inner.tickets.is_empty() {
                    inner.purging = false;
                    return;
                }
            }
        });
    }
}

/// The version for an open that was refused once. The same inode again, though it is out of date,
/// means that it was not opened by its name (`/proc/self/fd`): it shows what it always showed.
pub(super) fn retried(inner: &Inner, ino: u64, ticket: &Ticket) -> Option<Snapshot> {
    if let Some((_, snapshot)) = ticket.found.iter().find(|(found, _)| *found == ino) {
        return Some(snapshot.clone());
    }
    if matches!(inner.versions.position(ino), Position::Old(_)) && ticket.refused == ino {
        return inner.versions.snapshot(ino).cloned();
    }
    None
}
