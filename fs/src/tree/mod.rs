//! The tree: names, inodes, sizes, handles. Knows no type of the FUSE library, so all of it is
//! tested without a mount.
//!
//! # Inodes (contract fuse.md §3)
//! An inode never shows two versions, because mappings, splice and sendfile share its page cache.
//! * A folder, and a file without a published version, has a number made from its path, equal over
//!   reloads, with the top bit set: no state is kept for it.
//! * The first version of a file takes over that number, so that a program which compares `stat`
//!   before with `fstat` after its open (cp, tar) sees one file. Every later version has a number
//!   of its own from a counter, never reused; so has the file after a lock.
//! * An open of an inode that is not the current version's is answered ESTALE: the kernel repeats
//!   the lookup once by itself, learns inode and size, and opens again. That second open is served
//!   from the ticket that the first one left.
//!
//! # The lock
//! One mutex holds everything that changes, for look-ups in memory only: never across a wait.

mod attr;
mod crowd;
mod deps;
mod filesystem;
mod handles;
mod invalidate;
mod limiter;
mod listing;
mod lookup;
mod nodes;
mod open;
mod outcome;
mod readdir;
mod report;
mod signals;
#[cfg(test)]
mod tests;
mod tickets;
mod versions;
mod waiters;

pub use attr::{Attr, Kind, STABLE};
pub use deps::{Caller, Outside, TreeDeps, Values};
pub use filesystem::SecretFs;
pub use invalidate::{EntryJob, InodeJob, Invalidations};
pub use open::OpenReply;
pub use readdir::NameSink;
pub use report::{ERROR_XATTR, FileReport};
