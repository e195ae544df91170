//! The cache: when a provider is asked, and what stands in for it (product.md, "The cache").

use crate::error::OpenError;
use crate::map::{EntryPlan, ValueKey};
use secretfs_memory::sealed::Sealed;
use std::sync::Arc;
use std::time::SystemTime;

/// Which version of a value: equal while the bytes are equal, never reused after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionId(pub u64);

/// A value as it was at one moment. Holding it keeps its bytes, until a lock wipes them.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The bytes.
    pub value: Sealed,
    /// Which version.
    pub version: VersionId,
    /// When the provider says that it changed, else when this version was first seen.
    pub modified: SystemTime,
}

/// What a look at the cache found.
#[derive(Debug)]
pub enum Peek {
    /// Served at once. `refresh`: in the last fifth of its ttl, so call [`Cache::refresh_ahead`].
    Fresh {
        /// The value.
        snapshot: Snapshot,
        /// Whether to refresh ahead.
        refresh: bool,
    },
    /// A provider has to be asked: [`Cache::open`].
    Miss,
    /// Locked.
    Locked,
}

/// The values of one mount.
#[derive(Debug)]
pub struct Cache {}

#[expect(
    unused_variables,
    clippy::unused_self,
    clippy::unused_async,
    missing_docs,
    reason = "skeleton"
)]
impl Cache {
    /// Looks, without waiting for anything: called on the FUSE thread.
    pub fn peek(&self, key: ValueKey) -> Peek {
        Peek::Miss
    }
    /// Finds or fetches: fresh, then the provider, then the entry's stale value, then its fallback.
    /// Ends at the entry's `open_timeout`; the flight may go on and fills the cache.
    pub async fn open(self: &Arc<Self>, plan: Arc<EntryPlan>) -> Result<Snapshot, OpenError> {
        Err(OpenError::Locked)
    }
    /// Starts a flight for a value that is still fresh; nobody waits for it.
    pub fn refresh_ahead(self: &Arc<Self>, plan: Arc<EntryPlan>) {}
    /// The names of a `dir:` entry, kept for its ttl.
    pub async fn list(
        self: &Arc<Self>,
        plan: Arc<EntryPlan>,
    ) -> Result<Arc<Vec<String>>, OpenError> {
        Err(OpenError::Locked)
    }
}
