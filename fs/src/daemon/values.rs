//! The cache as the tree sees it, and the tree as the cache's listener: each holds the other, so one
//! of the ways is weak.

use crate::cache::{Cache, CacheListener, Peek, Snapshot};
use crate::error::OpenError;
use crate::map::{EntryPlan, ValueKey};
use crate::tree::{SecretFs, Values};
use secretfs_providers::BoxFuture;
use std::sync::{Arc, OnceLock, Weak};

/// Tells the tree of new versions, once there is a tree.
#[derive(Default)]
pub struct Listener {
    tree: OnceLock<Weak<SecretFs>>,
}

impl Listener {
    /// From now on `tree` is told. Called once.
    pub fn tell(&self, tree: &Arc<SecretFs>) {
        let _ = self.tree.set(Arc::downgrade(tree));
    }
}

impl CacheListener for Listener {
    fn published(&self, key: ValueKey, snapshot: &Snapshot) {
        if let Some(tree) = self.tree.get().and_then(Weak::upgrade) {
            tree.published(key, snapshot);
        }
    }
}

/// The cache behind the tree's trait.
pub struct CacheValues(pub Arc<Cache>);

impl Values for CacheValues {
    fn peek(&self, key: ValueKey) -> Peek {
        self.0.peek(key)
    }

    fn open(&self, plan: Arc<EntryPlan>) -> BoxFuture<'static, Result<Snapshot, OpenError>> {
        let cache = Arc::clone(&self.0);
        Box::pin(async move { cache.open(plan).await })
    }

    fn drops(&self) -> u64 {
        self.0.drops()
    }

    fn refresh_ahead(&self, plan: Arc<EntryPlan>) {
        self.0.refresh_ahead(plan);
    }

    fn peek_list(&self, key: ValueKey) -> Option<Arc<Vec<String>>> {
        self.0.peek_list(key)
    }

    fn list(
        &self,
        plan: Arc<EntryPlan>,
    ) -> BoxFuture<'static, Result<Arc<Vec<String>>, OpenError>> {
        let cache = Arc::clone(&self.0);
        Box::pin(async move { cache.list(plan).await })
    }

    fn member(&self, folder: &EntryPlan, name: &str) -> Option<Arc<EntryPlan>> {
        self.0.member_plan(folder, name).map(Arc::new)
    }

    fn lock(&self) {
        self.0.lock();
    }

    fn unlock(&self) {
        self.0.unlock();
    }
}
