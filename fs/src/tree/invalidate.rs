//! What the kernel has to forget: filled by the tree, carried out by two threads of the session.
//!
//! Never carried out on the FUSE thread or the runtime's (contract fuse.md §2.3): the kernel may
//! want a lock that is held until one of them answers. Two threads, because a name's invalidation
//! waits for a lookup in its folder, which may wait for a provider, and pages must not wait for that.
//!
//! The queues are sets, so they are bounded by the inodes and names that exist; that of whole folders
//! has a bound of its own.

use crate::map::CompiledMap;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long pages outlive the last close, so that a loop of opens costs one notification in this
/// time and not one each.
const LINGER: Duration = Duration::from_millis(10);

/// Folders whose names wait to be forgotten. Beyond, the oldest is left to the kernel's own time: a name
/// of it may answer ESTALE once.
const MOST_LISTED: usize = 256;

/// Something about an inode that the kernel has to forget.
#[derive(Debug)]
pub enum InodeJob {
    /// Its pages, if nobody has it open.
    IdlePages(u64),
    /// Its pages and attributes, whoever has it open.
    Pages(u64),
    /// Its attributes.
    Attributes(u64),
    /// All before was carried out.
    Done(oneshot::Sender<()>),
}

/// Names that the kernel has to forget.
#[derive(Debug)]
pub enum EntryJob {
    /// A name in a folder.
    Name(u64, Box<str>),
    /// All names that a `dir:` folder had.
    Names(u64, Arc<Vec<String>>),
    /// Whatever differs between two maps.
    Changed(Box<(CompiledMap, CompiledMap)>),
    /// All before was carried out.
    #[cfg(feature = "test-hooks")]
    Done(oneshot::Sender<()>),
}

#[derive(Default)]
struct Inodes {
    urgent: BTreeSet<u64>,
    attributes: BTreeSet<u64>,
    idle: BTreeSet<u64>,
    waiting: Vec<oneshot::Sender<()>>,
    closed: bool,
}

#[derive(Default)]
struct Entries {
    names: BTreeSet<(u64, Box<str>)>,
    /// Of `dir:` folders that are to be asked for again.
    listed: VecDeque<(u64, Arc<Vec<String>>)>,
    /// From the oldest map that the kernel may remember to the newest.
    changed: Option<Box<(CompiledMap, CompiledMap)>>,
    #[cfg(feature = "test-hooks")]
    waiting: Vec<oneshot::Sender<()>>,
    closed: bool,
}

/// Both queues.
#[derive(Default)]
pub struct Invalidations {
    inodes: Mutex<Inodes>,
    inodes_wake: Condvar,
    entries: Mutex<Entries>,
    entries_wake: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Invalidations {
    /// The last handle was closed: forget its pages soon.
    pub(super) fn idle(&self, ino: u64) {
        let mut inodes = lock(&self.inodes);
        let first = inodes.idle.is_empty();
        inodes.idle.insert(ino);
        if first {
            self.inodes_wake.notify_one();
        }
    }

    /// The mode changed.
    pub(super) fn attributes(&self, ino: u64) {
        lock(&self.inodes).attributes.insert(ino);
        self.inodes_wake.notify_one();
    }

    /// Forget these inodes' pages at once, and say when that was done.
    pub(super) fn pages(&self, inos: Vec<u64>, done: oneshot::Sender<()>) {
        let mut inodes = lock(&self.inodes);
        if inodes.closed {
            let _ = done.send(());
            return;
        }
        inodes.urgent.extend(inos);
        inodes.waiting.push(done);
        self.inodes_wake.notify_one();
    }

    /// A name leads elsewhere.
    pub(super) fn name(&self, folder: u64, name: &str) {
        lock(&self.entries).names.insert((folder, name.into()));
        self.entries_wake.notify_one();
    }

    /// The names of a folder are not known any more. Those that the kernel remembers would be opened by
    /// numbers that lead nowhere until the folder is asked for again.
    pub(super) fn names(&self, folder: u64, names: Arc<Vec<String>>) {
        let mut entries = lock(&self.entries);
        if entries.listed.len() >= MOST_LISTED {
            entries.listed.pop_front();
        }
        entries.listed.push_back((folder, names));
        self.entries_wake.notify_one();
    }

    /// Another map is shown.
    pub(super) fn changed(&self, old: CompiledMap, new: CompiledMap) {
        let mut entries = lock(&self.entries);
        let old = match entries.changed.take() {
            Some(pending) => pending.0,
            None => old,
        };
        entries.changed = Some(Box::new((old, new)));
        self.entries_wake.notify_one();
    }

    /// Until the kernel has forgotten all that it has to forget by now. Nothing of the product waits for
    /// that; a test that compares each answer with the only one allowed does.
    #[cfg(feature = "test-hooks")]
    pub async fn settled(&self) {
        let (done, inodes) = oneshot::channel();
        self.pages(Vec::new(), done);
        let (done, names) = oneshot::channel();
        {
            let mut entries = lock(&self.entries);
            if !entries.closed {
                entries.waiting.push(done);
                self.entries_wake.notify_one();
            }
        }
        // A sender that was dropped says that the session has ended: nothing is left to be told.
        let _ = inodes.await;
        let _ = names.await;
    }

    /// What to do next; `None` without `wait` if there is nothing, with it when the session ended.
    pub fn next_inode(&self, wait: bool) -> Option<InodeJob> {
        let mut inodes = lock(&self.inodes);
        let mut lingered = !wait;
        loop {
            if let Some(ino) = inodes.urgent.pop_first() {
                return Some(InodeJob::Pages(ino));
            }
            if let Some(ino) = inodes.attributes.pop_first() {
                return Some(InodeJob::Attributes(ino));
            }
            if let Some(done) = inodes.waiting.pop() {
                return Some(InodeJob::Done(done));
            }
            if inodes.closed {
                return None;
            }
            if lingered && let Some(ino) = inodes.idle.pop_first() {
                return Some(InodeJob::IdlePages(ino));
            }
            if !wait {
                return None;
            }
            if inodes.idle.is_empty() {
                inodes = self
                    .inodes_wake
                    .wait(inodes)
                    .unwrap_or_else(PoisonError::into_inner);
            } else {
                let (guard, timeout) = self
                    .inodes_wake
                    .wait_timeout(inodes, LINGER)
                    .unwrap_or_else(PoisonError::into_inner);
                inodes = guard;
                lingered = timeout.timed_out();
            }
        }
    }

    /// The same for names.
    pub fn next_entry(&self, wait: bool) -> Option<EntryJob> {
        let mut entries = lock(&self.entries);
        loop {
            if let Some((folder, name)) = entries.names.pop_first() {
                return Some(EntryJob::Name(folder, name));
            }
            if let Some((folder, names)) = entries.listed.pop_front() {
                return Some(EntryJob::Names(folder, names));
            }
            if let Some(maps) = entries.changed.take() {
                return Some(EntryJob::Changed(maps));
            }
            #[cfg(feature = "test-hooks")]
            if let Some(done) = entries.waiting.pop() {
                return Some(EntryJob::Done(done));
            }
            if entries.closed || !wait {
                return None;
            }
            entries = self
                .entries_wake
                .wait(entries)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The session ended: the kernel has forgotten everything, and its threads end.
    pub fn close(&self) {
        let mut inodes = lock(&self.inodes);
        inodes.closed = true;
        inodes.urgent.clear();
        inodes.attributes.clear();
        inodes.idle.clear();
        for done in inodes.waiting.drain(..) {
            let _ = done.send(());
        }
        drop(inodes);
        let mut entries = lock(&self.entries);
        entries.closed = true;
        entries.names.clear();
        entries.listed.clear();
        entries.changed = None;
        #[cfg(feature = "test-hooks")]
        entries.waiting.clear();
        drop(entries);
        self.inodes_wake.notify_all();
        self.entries_wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_lock_go_before_everything_and_are_reported_done() {
        let queue = Invalidations::default();
        queue.idle(2);
        queue.attributes(3);
        let (sender, mut receiver) = oneshot::channel();
        queue.pages(vec![4], sender);
        assert!(matches!(queue.next_inode(false), Some(InodeJob::Pages(4))));
        assert!(matches!(
            queue.next_inode(false),
            Some(InodeJob::Attributes(3))
        ));
        let Some(InodeJob::Done(done)) = queue.next_inode(false) else {
            panic!("the report was due");
        };
        assert!(receiver.try_recv().is_err());
        let _ = done.send(());
        assert!(receiver.try_recv().is_ok());
        assert!(matches!(
            queue.next_inode(false),
            Some(InodeJob::IdlePages(2))
        ));
        assert!(queue.next_inode(false).is_none());
    }

    #[test]
    fn one_inode_closed_often_is_one_job() {
        let queue = Invalidations::default();
        for _ in 0..1_000 {
            queue.idle(2);
            queue.name(1, "a");
        }
        assert!(matches!(
            queue.next_inode(true),
            Some(InodeJob::IdlePages(2))
        ));
        assert!(queue.next_inode(false).is_none());
        assert!(matches!(queue.next_entry(true), Some(EntryJob::Name(1, _))));
        assert!(queue.next_entry(false).is_none());
    }

    #[test]
    fn folders_to_be_forgotten_do_not_pile_up_where_the_kernel_does_not_answer() {
        let queue = Invalidations::default();
        let names = Arc::new(vec!["a".to_owned()]);
        for folder in 0..1_000 {
            queue.names(folder, Arc::clone(&names));
        }
        let mut left = Vec::new();
        while let Some(EntryJob::Names(folder, _)) = queue.next_entry(false) {
            left.push(folder);
        }
        assert_eq!(left, (744..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_lock_after_the_end_of_the_session_does_not_wait_for_it() {
        let queue = Invalidations::default();
        queue.close();
        let (sender, mut receiver) = oneshot::channel();
        queue.pages(vec![4], sender);
        assert!(receiver.try_recv().is_ok());
        assert!(queue.next_inode(true).is_none());
        assert!(queue.next_entry(true).is_none());
    }
}
