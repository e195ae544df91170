//! Which inode shows which version: the model behind the promise that an inode never shows two
//! (contract fuse.md §3). Pure; its invariants are tested with random histories.

use crate::cache::{Snapshot, VersionId};
use crate::error::OpenError;
use crate::map::ValueKey;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::time::SystemTime;

/// The inode number of the mount's root, given by FUSE.
pub(super) const ROOT: u64 = 1;
/// Set in numbers made from paths, clear in numbers from the counter.
pub(super) const FROM_PATH: u64 = 1 << 63;

/// A file, by its path: the number that its inode has while nothing was published, at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FileId(pub(super) u64);

impl FileId {
    /// The file of a 63-bit digest of a path.
    pub(super) fn of_hash(hash: u64) -> Self {
        Self(hash | FROM_PATH)
    }
    /// The digest.
    pub(super) fn hash(self) -> u64 {
        self.0 & !FROM_PATH
    }
}

/// What an inode shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// Which version.
    pub(super) version: VersionId,
    /// Its length.
    pub(super) size: u64,
    /// When it changed.
    pub(super) modified: SystemTime,
}

/// An inode that is not just a file's path: one that shows, or showed, a version.
#[derive(Debug)]
struct Inode {
    file: FileId,
    /// `None`: nothing published under this number yet.
    shown: Option<Shown>,
    /// The kernel surely knows the size. False for a number that was known to the kernel before
    /// its version was: sendfile and mmap go by the kernel's idea of the size, and an open's reply
    /// cannot carry it.
    settled: bool,
    wiped: bool,
    /// Handles, and tickets of opens that are about to have one.
    holders: u32,
    /// How often a lookup gave it and the kernel has not forgotten it.
    lookups: u64,
}

/// What is kept of a file that was opened or published once.
#[derive(Debug)]
struct File {
    /// The number that the file has while nothing is published.
    base: u64,
    /// The number of the version that it shows.
    current: Option<NonZero<u64>>,
    error: Option<Box<OpenError>>,
}

impl File {
    fn current(&self) -> Option<u64> {
        self.current.map(NonZero::get)
    }
}

/// Where an inode stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Never given out, or forgotten.
    Unknown,
    /// Its file has no published version.
    Base(FileId),
    /// Shows the version that a lookup gives now.
    Current(FileId),
    /// Showed one that was replaced or wiped, and is held open or known to the kernel.
    Old(FileId),
}

/// What publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Published {
    /// The version's inode.
    pub(super) ino: u64,
    /// A version was replaced: names that lead to it are out of date.
    pub(super) replaced: bool,
    /// The version was published before.
    pub(super) same: bool,
}

/// All files and inodes of a mount that have anything to remember.
#[derive(Debug)]
pub(super) struct Versions {
    next: u64,
    // Trees, not tables: a table that grows needs both its sizes at once, of locked memory.
    files: BTreeMap<FileId, File>,
    inodes: BTreeMap<u64, Inode>,
    by_key: BTreeSet<(ValueKey, FileId)>,
    /// The values of inodes that are held.
    held: BTreeMap<u64, Snapshot>,
}

impl Versions {
    pub(super) fn new() -> Self {
        Self {
            next: ROOT + 1,
            files: BTreeMap::new(),
            inodes: BTreeMap::new(),
            by_key: BTreeSet::new(),
            held: BTreeMap::new(),
        }
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    fn file_mut(&mut self, id: FileId) -> &mut File {
        self.files.entry(id).or_insert(File {
            base: id.0,
            current: None,
            error: None,
        })
    }

    /// Where `ino` stands. A file that was never published is [`Position::Base`] for its path's
    /// number, whether or not there is such a file.
    pub(super) fn position(&self, ino: u64) -> Position {
        if let Some(inode) = self.inodes.get(&ino) {
            let Some(file) = self.files.get(&inode.file) else {
                return Position::Unknown;
            };
            return match (inode.shown, file.current()) {
                (_, Some(current)) if current == ino => Position::Current(inode.file),
                (None, None) if file.base == ino => Position::Base(inode.file),
                (Some(_), _) => Position::Old(inode.file),
                (None, _) => Position::Old(inode.file),
            };
        }
        if ino & FROM_PATH == 0 {
            return Position::Unknown;
        }
        let id = FileId(ino);
        match self.files.get(&id) {
            Some(file) if file.current.is_some() || file.base != ino => Position::Old(id),
            _ => Position::Base(id),
        }
    }

    /// The number that a lookup of the file gives.
    pub(super) fn ino(&self, id: FileId) -> u64 {
        self.files
            .get(&id)
            .map_or(id.0, |file| file.current().unwrap_or(file.base))
    }

    /// What an inode shows; `None`: nothing yet. After a lock the size is 0.
    pub(super) fn shown(&self, ino: u64) -> Option<Shown> {
        let inode = self.inodes.get(&ino)?;
        let shown = inode.shown?;
        Some(Shown {
            size: if inode.wiped { 0 } else { shown.size },
            ..shown
        })
    }

    /// What the file shows now.
    pub(super) fn current(&self, id: FileId) -> Option<Shown> {
        self.shown(self.files.get(&id)?.current()?)
    }

    /// Whether the kernel surely knows the inode's size.
    pub(super) fn is_settled(&self, ino: u64) -> bool {
        self.inodes.get(&ino).is_some_and(|inode| inode.settled)
    }

    /// The kernel looked the inode up after its version was published.
    pub(super) fn settle(&mut self, ino: u64) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.settled = true;
        }
    }

    /// The value of an inode that is held open.
    pub(super) fn snapshot(&self, ino: u64) -> Option<&Snapshot> {
        self.held.get(&ino)
    }

    /// The files that show a value.
    pub(super) fn files_of(&self, key: ValueKey) -> Vec<FileId> {
        self.by_key
            .range((key, FileId(0))..=(key, FileId(u64::MAX)))
            .map(|(_, file)| *file)
            .collect()
    }

    /// Remembers what the cache knows the file by.
    pub(super) fn set_key(&mut self, id: FileId, key: ValueKey) {
        self.by_key.insert((key, id));
    }

    /// Shows a version under the file's name from now on.
    pub(super) fn publish(&mut self, id: FileId, shown: Shown) -> Published {
        let file = self.file_mut(id);
        let (base, current) = (file.base, file.current());
        if let Some(ino) = current
            && self
                .inodes
                .get(&ino)
                .and_then(|i| i.shown)
                .map(|s| s.version)
                == Some(shown.version)
        {
            return Published {
                ino,
                replaced: false,
                same: true,
            };
        }
        let ino = match current {
            None => base,
            Some(_) => self.number(),
        };
        // The kernel may know the number from before its version.
        let lookups = self.inodes.get(&ino).map_or(0, |inode| inode.lookups);
        self.inodes.insert(
            ino,
            Inode {
                file: id,
                shown: Some(shown),
                settled: current.is_some(),
                wiped: false,
                holders: 0,
                lookups,
            },
        );
        self.file_mut(id).current = NonZero::new(ino);
        if let Some(old) = current {
            self.drop_unheld(old);
        }
        Published {
            ino,
            replaced: current.is_some(),
            same: false,
        }
    }

    /// Forgets an inode that neither a lookup gives nor anybody has any more.
    fn drop_unheld(&mut self, ino: u64) {
        let unheld = self
            .inodes
            .get(&ino)
            .is_some_and(|inode| inode.holders == 0 && inode.lookups == 0);
        if unheld && matches!(self.position(ino), Position::Old(_) | Position::Unknown) {
            self.inodes.remove(&ino);
        }
    }

    /// A lookup gave the number to the kernel.
    pub(super) fn looked_up(&mut self, ino: u64) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.lookups = inode.lookups.saturating_add(1);
        }
    }

    /// The kernel forgot so many of its lookups.
    pub(super) fn forget(&mut self, ino: u64, lookups: u64) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            // Those from before a number had a version were not counted.
            inode.lookups = inode.lookups.saturating_sub(lookups);
            self.drop_unheld(ino);
        }
    }

    /// A handle on `ino` was made, or a ticket for one.
    pub(super) fn opened(&mut self, ino: u64, snapshot: &Snapshot) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.holders += 1;
            self.held.entry(ino).or_insert_with(|| snapshot.clone());
        }
    }

    /// It is gone. True: it was the last one.
    pub(super) fn closed(&mut self, ino: u64) -> bool {
        let Some(inode) = self.inodes.get_mut(&ino) else {
            return true;
        };
        inode.holders = inode.holders.saturating_sub(1);
        if inode.holders > 0 {
            return false;
        }
        self.held.remove(&ino);
        self.drop_unheld(ino);
        true
    }

    /// Whether nobody holds `ino`.
    pub(super) fn is_idle(&self, ino: u64) -> bool {
        self.inodes.get(&ino).is_none_or(|inode| inode.holders == 0)
    }

    /// Whether it shows nothing that anybody may look at: it is out of date, and nobody holds it.
    pub(super) fn is_left(&self, ino: u64) -> bool {
        matches!(self.position(ino), Position::Old(_)) && self.is_idle(ino)
    }

    /// The file shows something else from now on, or is gone: what it showed keeps its inode, and
    /// what comes gets others. `key` is what the cache knew it
    /// by. True: something was published.
    pub(super) fn reset(&mut self, id: FileId, key: Option<ValueKey>) -> bool {
        if let Some(key) = key {
            self.by_key.remove(&(key, id));
        }
        let Some(file) = self.files.get_mut(&id) else {
            return false;
        };
        file.error = None;
        let current = file.current.take().map(NonZero::get);
        let Some(old) = current else {
            return false;
        };
        let base = self.number();
        self.file_mut(id).base = base;
        self.inodes.insert(
            base,
            Inode {
                file: id,
                shown: None,
                settled: false,
                wiped: false,
                holders: 0,
                lookups: 0,
            },
        );
        self.drop_unheld(old);
        true
    }

    /// Lock: every version is forgotten, every held one counts as wiped. Gives the files that had
    /// one, and all inodes that may have pages.
    pub(super) fn wipe(&mut self) -> (Vec<FileId>, Vec<u64>) {
        let mut inodes = Vec::new();
        for (ino, inode) in &mut self.inodes {
            if inode.shown.is_some() {
                inode.wiped = true;
                inodes.push(*ino);
            }
        }
        self.held.clear();
        self.by_key.clear();
        let published: Vec<FileId> = self
            .files
            .iter()
            .filter(|(_, file)| file.current.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in &published {
            let error = self.files.get_mut(id).and_then(|file| file.error.take());
            self.reset(*id, None);
            self.file_mut(*id).error = error;
        }
        (published, inodes)
    }

    /// Why the last open of the file failed.
    pub(super) fn error(&self, id: FileId) -> Option<&OpenError> {
        self.files.get(&id)?.error.as_deref()
    }

    /// Remembers how the last open of the file ended.
    pub(super) fn set_error(&mut self, id: FileId, error: Option<OpenError>) {
        if error.is_some() || self.files.contains_key(&id) {
            self.file_mut(id).error = error.map(Box::new);
        }
    }

    /// Every file with something to remember.
    pub(super) fn known(&self) -> impl Iterator<Item = FileId> + '_ {
        self.files.keys().copied()
    }
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
