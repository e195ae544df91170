//! The file system, as the daemon holds it.

use super::deps::TreeDeps;
use crate::cache::{Snapshot, VersionId};
use crate::error::OpenError;
use crate::map::{CompiledMap, EntryId, ValueKey};
use std::sync::Arc;

/// One mount's files.
pub struct SecretFs {
    deps: TreeDeps,
}

/// What is known of a file that was opened, published, or failed.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The entry in the current map.
    pub entry: EntryId,
    /// The name below a `dir:` folder, where it is one.
    pub member: Option<String>,
    /// What the cache knows it by.
    pub key: ValueKey,
    /// The published version.
    pub version: Option<VersionId>,
    /// Its size.
    pub size: Option<u64>,
    /// Why the last open failed; `None` after one that worked.
    pub last_error: Option<OpenError>,
    /// For a `dir:` folder: names that cannot be file names.
    pub left_out: Vec<String>,
}

#[expect(
    unused_variables,
    clippy::needless_pass_by_value,
    reason = "signatures first"
)]
impl SecretFs {
    /// The files of `deps.map`, serving.
    #[must_use]
    pub fn new(deps: TreeDeps) -> Arc<Self> {
        Arc::new(Self { deps })
    }

    /// Shows another map. Files that stay keep their versions; open handles keep what they had.
    pub fn reload(&self, map: CompiledMap) {}

    /// Refuses, wipes, forgets every version, and has the kernel forget them too. The receiver
    /// resolves when the kernel holds no page any more; wait for it with a deadline.
    pub fn lock(&self) -> tokio::sync::oneshot::Receiver<()> {
        self.deps.cache.lock();
        tokio::sync::oneshot::channel().1
    }

    /// Serves again.
    pub fn unlock(&self) {
        self.deps.cache.unlock();
    }

    /// A value has a new version (the cache's listener).
    pub fn published(&self, key: ValueKey, snapshot: &Snapshot) {}

    /// Every file with something to tell, from this entry on, at most `max`, in the map's order.
    #[must_use]
    pub fn reports(&self, from: EntryId, max: usize) -> Vec<FileReport> {
        Vec::new()
    }

    /// What the cache knows a path by: a file's key, or those of all files below a folder.
    #[must_use]
    pub fn keys_of(&self, path: &str) -> Vec<ValueKey> {
        Vec::new()
    }

    /// Handles that are open now.
    #[must_use]
    pub fn open_handles(&self) -> usize {
        0
    }
}
