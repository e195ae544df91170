//! What the cache is given: time, memory, providers, the map, and whom it tells.

use super::Snapshot;
use crate::error::OpenError;
use crate::map::{CompiledMap, ValueKey};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{Clock, Host, Provider};
use std::sync::Arc;

/// Everything that a cache needs from outside.
pub struct CacheDeps {
    /// Time: for ttl, stale, negative entries. Waits use the runtime's timer.
    pub clock: Arc<dyn Clock>,
    /// Where values rest. Shared with nobody who would wipe it but through [`super::Cache::lock`].
    pub pool: Arc<SealedPool>,
    /// The mount-helper, handed to providers.
    pub host: Arc<dyn Host>,
    /// A current-thread runtime, which runs the flights.
    pub runtime: tokio::runtime::Handle,
    /// One object for each of the map's providers, in the map's order.
    pub providers: Vec<Arc<dyn Provider>>,
    /// The compiled map.
    pub map: CompiledMap,
    /// Local vaults and fallbacks only: no provider that needs a network is asked.
    pub offline: bool,
    /// Whom to tell.
    pub listener: Arc<dyn CacheListener>,
}

/// Who is told what the flights bring. Called on the runtime's thread, with no lock of the cache
/// held, and must not wait.
pub trait CacheListener: Send + Sync {
    /// A version that differs from the one before it (or the first one). Called before
    /// [`super::Cache::peek`] shows it and before its openers are answered. A flight that is
    /// publishing while [`super::Cache::lock`] runs may still call this once: ignore it unless
    /// serving.
    fn published(&self, key: ValueKey, snapshot: &Snapshot);

    /// A fetch or listing failed; [`super::Cache::state`] tells it from now on.
    fn failed(&self, key: ValueKey, error: &OpenError) {
        let _ = (key, error);
    }

    /// A `dir:` folder's names were listed, and differ from those before.
    fn listed(&self, key: ValueKey, names: &Arc<Vec<String>>) {
        let _ = (key, names);
    }
}
