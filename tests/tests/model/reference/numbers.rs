//! Inode numbers: one never shows two versions, and while nothing changes, neither does it.

use super::{Bytes, Handle, Model};

impl Model {
    /// The inode number of a path, when it was last modified, and whether that is allowed: a number never
    /// shows two versions, and while nothing changes, neither does it.
    pub(crate) fn sees_number(&mut self, path: &str, number: u64, modified: i64) -> bool {
        let file = self.files.entry(path.to_owned()).or_default();
        let version = file.version.as_ref().map_or(0, |(_, version)| *version);
        if version != 0 && *file.modified.get_or_insert(modified) != modified {
            return false;
        }
        match file.number {
            Some(known) if known != number => return false,
            Some(_) => {}
            None => {
                if let Some((of, before)) = self.numbers.get(&number)
                    && (file.renumbered || of != path || *before != 0)
                {
                    return false;
                }
            }
        }
        file.number = Some(number);
        self.numbers.insert(number, (path.to_owned(), version));
        true
    }

    /// A handle was opened.
    pub(crate) fn holds(&mut self, slot: usize, bytes: Bytes, number: u64) {
        let handle = Handle {
            bytes,
            number,
            wiped: false,
        };
        self.handles.insert(slot, handle);
    }

    /// Nothing is open in that slot any more.
    pub(crate) fn lets_go(&mut self, slot: usize) {
        self.handles.remove(&slot);
    }

    /// Whether an open handle may tell this number.
    pub(crate) fn measures_number(&self, slot: usize, number: u64) -> bool {
        let handle = self.handles.get(&slot);
        handle.is_none_or(|handle| handle.wiped || handle.number == number)
    }
}
