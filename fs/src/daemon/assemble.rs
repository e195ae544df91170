//! Puts the daemon together: helper, providers, cache, tree.

use super::clock::DaemonClock;
use super::helper::Helper;
use super::outbox::Outbox;
use super::prepare::Prepared;
use super::registry::Registry;
use super::values::{CacheValues, Listener};
use crate::cache::{Cache, CacheDeps};
use crate::map::CompiledMap;
use crate::tree::{SecretFs, TreeDeps};
use secretfs_memory::limit::Plan;
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::http::Proxies;
use secretfs_providers::{Clock, Host};
use std::sync::Arc;

/// The parts of a running daemon.
pub(super) struct Daemon {
    pub(super) outbox: Outbox,
    pub(super) helper: Arc<Helper>,
    pub(super) registry: Registry,
    pub(super) proxies: Arc<Proxies>,
    pub(super) cache: Arc<Cache>,
    pub(super) tree: Arc<SecretFs>,
    pub(super) pool: Arc<SealedPool>,
    pub(super) plan: Plan,
    pub(super) insecure: bool,
    pub(super) allow_root: bool,
    pub(super) map: CompiledMap,
    pub(super) generation: u64,
    pub(super) clock: Arc<DaemonClock>,
}

impl Daemon {
    /// Everything but the link and the session. To be called inside the runtime.
    pub(super) fn new(prepared: Prepared, outbox: Outbox) -> Self {
        let clock = Arc::new(DaemonClock::default());
        let helper = Arc::new(Helper::new(outbox.clone()));
        let proxies = Arc::new(Proxies::new(prepared.proxies));
        let mut registry = Registry::new(Arc::clone(&proxies));
        registry.update(prepared.map.providers());
        let listener = Arc::new(Listener::default());
        let runtime = tokio::runtime::Handle::current();
        let cache = Cache::new(CacheDeps {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            pool: Arc::clone(&prepared.pool),
            host: Arc::clone(&helper) as Arc<dyn Host>,
            runtime: runtime.clone(),
            providers: registry.providers(),
            map: prepared.map.clone(),
            offline: prepared.offline,
            listener: Arc::clone(&listener) as _,
        });
        let tree = SecretFs::new(TreeDeps {
            map: prepared.map.clone(),
            cache: Arc::new(CacheValues(Arc::clone(&cache))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            outside: Arc::clone(&helper) as _,
            runtime,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            allow_root: prepared.allow_root,
        });
        listener.tell(&tree);
        Self {
            outbox,
            helper,
            registry,
            proxies,
            cache,
            tree,
            pool: prepared.pool,
            plan: prepared.plan,
            insecure: prepared.insecure,
            allow_root: prepared.allow_root,
            map: prepared.map,
            generation: 1,
            clock,
        }
    }

    /// Shows another map.
    pub(super) fn reload(&mut self, map: CompiledMap, generation: u64) {
        self.registry.update(map.providers());
        self.cache.set_map(map.clone(), self.registry.providers());
        self.helper.set_generation(generation);
        self.tree.reload(map.clone());
        self.map = map;
        self.generation = generation;
    }
}
