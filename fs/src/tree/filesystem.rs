//! The file system, as the daemon holds it: its state, reload, lock and unlock.

use super::crowd::Crowds;
use super::deps::TreeDeps;
use super::invalidate::Invalidations;
use super::limiter::Limiter;
use super::listing::Listing;
use super::readdir::OpenFolder;
use super::signals::is_signalled;
use super::tickets::Tickets;
use super::versions::{FileId, Shown, Versions};
use super::waiters::{Signalled, Waiters};
use crate::cache::{CacheListener, Snapshot};
use crate::error::OpenError;
use crate::map::{CompiledMap, EntryPlan, ValueKey};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Instant, SystemTime};
use tokio::sync::oneshot;

/// What one more file, handle or ticket may need of the heap, by far.
pub(super) const ONE_MORE: usize = 16 << 10;

/// The number of a folder, and a name in it.
pub(super) type Place = (u64, Box<str>);

/// An open file.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) ino: u64,
    /// `None` after a lock.
    pub(super) snapshot: Option<Snapshot>,
}

/// What is remembered of a `dir:` folder.
#[derive(Debug, Default)]
pub(super) struct FolderState {
    pub(super) listing: Option<Arc<Listing>>,
    pub(super) error: Option<OpenError>,
}

/// Everything that changes. Its lock is only held for a few look-ups in memory.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) locked: bool,
    /// How often it was locked: a value fetched before a lock is not served after it.
    pub(super) locks: u64,
    /// How often the map was replaced: positions in it are of one map alone.
    pub(super) maps: u64,
    pub(super) audit: bool,
    pub(super) map: CompiledMap,
    /// What the last open that had to wait was given, of which map and file, for as long as it waits.
    pub(super) latest_plan: Option<(u64, FileId, Weak<EntryPlan>)>,
    pub(super) started: SystemTime,
    /// When a file was last opened, or the mount began to serve.
    pub(super) last_open: Instant,
    pub(super) versions: Versions,
    pub(super) tickets: Tickets,
    pub(super) purging: bool,
    pub(super) handles: BTreeMap<u64, Handle>,
    pub(super) open_folders: BTreeMap<u64, OpenFolder>,
    pub(super) next_handle: u64,
    /// By the folder's inode number.
    pub(super) folders: BTreeMap<u64, FolderState>,
}

/// One mount's files.
pub struct SecretFs {
    pub(super) deps: TreeDeps,
    pub(super) inner: Mutex<Inner>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) crowds: Mutex<Crowds>,
    /// Opens and listings that wait for something.
    pub(super) waiting: AtomicUsize,
    /// Those of them that have not begun.
    pub(super) boarding: AtomicUsize,
    pub(super) limiter: Limiter,
    invalidations: Arc<Invalidations>,
}

impl SecretFs {
    /// Opens and listings that may wait at once; one more is answered EBUSY.
    pub const MAX_WAITING: usize = 4_096;
    /// Handles that may be open at once; one more is answered ENFILE.
    pub const MAX_HANDLES: usize = 65_536;

    /// The files of `deps.map`, serving.
    #[must_use]
    pub fn new(deps: TreeDeps) -> Arc<Self> {
        Self::with_signals(deps, is_signalled)
    }

    /// The same with another way to learn of signals: for tests.
    pub(super) fn with_signals(deps: TreeDeps, signalled: Signalled) -> Arc<Self> {
        let inner = Inner {
            locked: false,
            locks: 0,
            maps: 0,
            audit: deps.map.settings().audit,
            map: deps.map.clone(),
            latest_plan: None,
            started: deps.clock.wall(),
            last_open: deps.clock.now(),
            versions: Versions::new(),
            tickets: Tickets::default(),
            purging: false,
            handles: BTreeMap::new(),
            open_folders: BTreeMap::new(),
            next_handle: 1,
            folders: BTreeMap::new(),
        };
        Arc::new(Self {
            limiter: Limiter::new(Arc::clone(&deps.clock)),
            deps,
            inner: Mutex::new(inner),
            waiters: Waiters::new(signalled),
            crowds: Mutex::default(),
            waiting: AtomicUsize::new(0),
            boarding: AtomicUsize::new(0),
            invalidations: Arc::default(),
        })
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the kernel has to forget.
    #[must_use]
    pub fn invalidations(&self) -> &Arc<Invalidations> {
        &self.invalidations
    }

    /// Shows another map. Files that stay keep their versions; open handles keep what they had.
    pub fn reload(&self, map: CompiledMap) {
        let mut inner = self.inner();
        // Where everything is that the kernel may know, before that is forgotten.
        let known: Vec<(FileId, Option<ValueKey>, Option<Place>)> = inner
            .versions
            .known()
            .map(|id| {
                let file = inner.file(id);
                let key = file.as_ref().and_then(|file| self.key_of(&inner.map, file));
                (id, key, file.and_then(|file| inner.place(&file)))
            })
            .collect();
        let old = std::mem::replace(&mut inner.map, map);
        inner.maps += 1;
        inner.audit = inner.map.settings().audit;
        let moved = inner.forget_moved_listings(&old);
        self.forget_names_of(moved);
        for (id, before, place) in known {
            let file = inner.file(id);
            let now = file.and_then(|file| self.key_of(&inner.map, &file));
            if now.is_some() && now == before {
                // The mode may have changed.
                self.invalidations.attributes(inner.versions.ino(id));
                continue;
            }
            inner.versions.reset(id, before);
            if let Some((folder, name)) = place {
                self.invalidations.name(folder, &name);
            }
        }
        let new = inner.map.clone();
        drop(inner);
        self.invalidations.changed(old, new);
    }

    /// Refuses, wipes, forgets every version, and has the kernel forget them too. The receiver
    /// resolves when the kernel holds no page any more; wait for it with a deadline.
    pub fn lock(&self) -> oneshot::Receiver<()> {
        {
            let mut inner = self.inner();
            inner.locked = true;
            inner.locks += 1;
        }
        self.deps.cache.lock();
        let mut inner = self.inner();
        for handle in inner.handles.values_mut() {
            handle.snapshot = None;
        }
        let tickets = inner.tickets.take_all();
        self.give_back(&mut inner, tickets);
        let (files, inodes) = inner.versions.wipe();
        for file in files.into_iter().filter_map(|id| inner.file(id)) {
            if let Some((folder, name)) = inner.place(&file) {
                self.invalidations.name(folder, &name);
            }
        }
        self.forget_names_of(std::mem::take(&mut inner.folders));
        drop(inner);
        let (sender, receiver) = oneshot::channel();
        self.invalidations.pages(inodes, sender);
        receiver
    }

    /// Has the kernel forget what these folders had listed.
    fn forget_names_of(&self, folders: BTreeMap<u64, FolderState>) {
        for (ino, state) in folders {
            if let Some(listing) = state.listing {
                self.invalidations.names(ino, listing.names());
            }
        }
    }

    /// Serves again.
    pub fn unlock(&self) {
        self.deps.cache.unlock();
        let mut inner = self.inner();
        inner.locked = false;
        inner.last_open = self.deps.clock.now();
    }

    /// When a file was last opened, or serving began; `None`: it is locked.
    pub fn last_open(&self) -> Option<Instant> {
        let inner = self.inner();
        (!inner.locked).then_some(inner.last_open)
    }

    /// Publishes a version of a file, and has the kernel forget the one before. Gives its inode;
    /// `None`: there is no memory to remember it with.
    pub(super) fn publish(
        &self,
        inner: &mut Inner,
        id: FileId,
        snapshot: &Snapshot,
    ) -> Option<u64> {
        if !secretfs_memory::heap::has_room(ONE_MORE) {
            return None;
        }
        let shown = Shown {
            version: snapshot.version,
            size: u64::try_from(snapshot.value.len()).unwrap_or(u64::MAX),
            modified: snapshot.modified,
        };
        let published = inner.versions.publish(id, shown);
        if !published.same {
            for _ in 0..inner.tickets.published(id, published.ino, snapshot) {
                inner.versions.opened(published.ino, snapshot);
            }
        }
        if published.replaced
            && let Some((folder, name)) = inner.file(id).and_then(|file| inner.place(&file))
        {
            self.invalidations.name(folder, &name);
        }
        Some(published.ino)
    }

    /// Opens and listings that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Handles that are open now.
    #[must_use]
    pub fn open_handles(&self) -> usize {
        self.inner().handles.len()
    }
}

impl CacheListener for SecretFs {
    fn published(&self, key: ValueKey, snapshot: &Snapshot) {
        let mut inner = self.inner();
        if inner.locked {
            return;
        }
        for id in inner.versions.files_of(key) {
            self.publish(&mut inner, id, snapshot);
        }
    }
}
