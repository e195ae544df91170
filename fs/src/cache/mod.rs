//! The cache: when a provider is asked, and what stands in for it (product.md, "The cache").

mod deps;
mod snapshot;
mod state;

pub use deps::{CacheDeps, CacheListener};
pub use snapshot::{Peek, Snapshot, VersionId};
pub use state::EntryState;

use crate::error::OpenError;
use crate::map::{CompiledMap, EntryPlan, ValueKey};
use secretfs_providers::{Health, Provider};
use std::sync::Arc;

/// The values of one mount.
pub struct Cache {}

#[expect(
    unused_variables,
    clippy::unused_self,
    clippy::unused_async,
    clippy::needless_pass_by_value,
    clippy::missing_errors_doc,
    reason = "bodies follow"
)]
impl Cache {
    /// An unlocked, empty cache.
    #[must_use]
    pub fn new(deps: CacheDeps) -> Arc<Self> {
        Arc::new(Self {})
    }
    /// Looks, without waiting for anything: called on the FUSE thread. A version just published is
    /// shown for 2 s whatever its ttl, so that the open that fetched it can be repeated on its inode.
    #[must_use]
    pub fn peek(&self, key: ValueKey) -> Peek {
        Peek::Miss
    }
    /// Finds or fetches: fresh, then the provider, then the entry's stale value, then its fallback.
    /// Ends at the entry's `open_timeout`; the flight may go on and fills the cache. Dropping the
    /// future is how an open is interrupted.
    pub async fn open(self: &Arc<Self>, plan: Arc<EntryPlan>) -> Result<Snapshot, OpenError> {
        Err(OpenError::Locked)
    }
    /// Starts a flight for a value that is still fresh; nobody waits for it. From any thread.
    pub fn refresh_ahead(self: &Arc<Self>, plan: Arc<EntryPlan>) {}
    /// The names of a `dir:` entry if they are fresh, without waiting: for the FUSE thread. Sorted,
    /// without duplicates, and only names that can be file names.
    #[must_use]
    pub fn peek_list(&self, key: ValueKey) -> Option<Arc<Vec<String>>> {
        None
    }
    /// The names of a `dir:` entry, kept for its ttl.
    pub async fn list(
        self: &Arc<Self>,
        plan: Arc<EntryPlan>,
    ) -> Result<Arc<Vec<String>>, OpenError> {
        Err(OpenError::Locked)
    }
    /// The plan of one secret of a `dir:` entry; `None` if the entry is none, or its provider is
    /// gone. No I/O.
    #[must_use]
    pub fn member_plan(&self, folder: &EntryPlan, name: &str) -> Option<EntryPlan> {
        None
    }
    /// The key of one secret of a `dir:` entry.
    #[must_use]
    pub fn member_key(folder: ValueKey, name: &str) -> ValueKey {
        folder
    }
    /// A reload: keys that both maps have keep their values.
    pub fn set_map(&self, map: CompiledMap, providers: Vec<Arc<dyn Provider>>) {}
    /// Refuses, wipes, and makes the providers forget. Waits for nothing but copies under way; no
    /// flight that ends later publishes anything.
    pub fn lock(&self) {}
    /// Serves again.
    pub fn unlock(&self) {}
    /// Whether it is locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        false
    }
    /// `refresh`: drops values, stale and negative entries, and listings, of these keys (a `dir:`
    /// key: of all its members), or of all. Returns how many values it concerned.
    pub fn forget(&self, keys: Option<&[ValueKey]>) -> u32 {
        0
    }
    /// A credential was supplied: failures for want of one are no longer remembered.
    pub fn credential_supplied(&self) {}
    /// Remembers a failure that others found (`allow`, say) for `status`.
    pub fn note_failure(&self, key: ValueKey, error: &OpenError) {}
    /// What is known of a key; `None`: nothing.
    #[must_use]
    pub fn state(&self, key: ValueKey) -> Option<EntryState> {
        None
    }
    /// How the provider of this index is doing, from what it saw last.
    #[must_use]
    pub fn provider_health(&self, provider: u16) -> Option<Health> {
        None
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}
