//! The cache: when a provider is asked, and what stands in for it (product.md, "The cache").
//!
//! | file | idea |
//! |---|---|
//! | `open` | the order: fresh, provider, stale, fallback, errno |
//! | `takeoff` | one flight a secret; alone, or as a part of its place's list (`gather`) |
//! | `fetch`, `job` | a flight, and what its answer becomes |
//! | `publish`, `identity` | versions |
//! | `store`, `room` | what is held, and what makes way |
//! | `list`, `member` | `dir:` folders |
//! | `lifecycle` | lock, unlock, refresh, reload |
//!
//! # Hints
//! A provider may learn that something has changed ([`secretfs_providers::hints`]). What was asked for
//! before that counts as old, and the next open asks again; nothing is fetched for the hint itself.
//!
//! # Locks
//! One mutex around all state, one around the configuration; neither is ever held across an await,
//! while a listener runs, or while a provider is called. The epoch is even while serving and odd
//! while locked: a lock bumps it first, and whatever began in another epoch publishes nothing.

mod config;
mod decode;
mod deps;
mod fetch;
mod flight;
mod gather;
mod identity;
mod job;
mod lifecycle;
mod list;
mod member;
mod open;
mod publish;
mod room;
mod snapshot;
mod state;
mod store;
mod takeoff;
#[cfg(test)]
mod tests;

pub use deps::{CacheDeps, CacheListener};
pub use snapshot::{Peek, Snapshot, VersionId};
pub use state::EntryState;

use crate::error::OpenError;
use crate::map::ValueKey;
use crate::sync::{AtomicU64, Mutex, MutexGuard};
use config::Config;
use identity::MarkKey;
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{Clock, Context, Host};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use store::State;
use tokio::sync::{Semaphore, watch};

/// How many large values are decoded at once.
const LARGE_DECODES: usize = 2;

/// The values of one mount.
pub struct Cache {
    clock: Arc<dyn Clock>,
    pool: Arc<SealedPool>,
    host: Arc<dyn Host>,
    runtime: tokio::runtime::Handle,
    offline: bool,
    listener: Arc<dyn CacheListener>,
    mark_key: MarkKey,
    jitter: (std::hash::RandomState, AtomicU64),
    epoch: watch::Sender<u64>,
    config: Mutex<Arc<Config>>,
    state: Mutex<State>,
    large: Semaphore,
}

impl Cache {
    /// An unlocked, empty cache.
    #[must_use]
    pub fn new(deps: CacheDeps) -> Arc<Self> {
        Arc::new(Self {
            clock: deps.clock,
            pool: deps.pool,
            host: deps.host,
            runtime: deps.runtime,
            offline: deps.offline,
            listener: deps.listener,
            mark_key: MarkKey::random(),
            jitter: (std::hash::RandomState::new(), AtomicU64::new(0)),
            epoch: watch::Sender::new(0),
            config: Mutex::new(Arc::new(Config::new(deps.map, deps.providers))),
            state: Mutex::new(State::new()),
            large: Semaphore::new(LARGE_DECODES),
        })
    }

    /// Looks, without waiting for anything: called on the FUSE thread.
    #[must_use]
    pub fn peek(&self, key: ValueKey) -> Peek {
        if self.is_locked() {
            return Peek::Locked;
        }
        let now = self.clock.now();
        let mut state = self.guard();
        let busy = state.flights.contains_key(&key);
        match state.fresh(key, now) {
            Some(held) => Peek::Fresh {
                snapshot: held.snapshot(),
                // One that was asked for and failed is not asked for with each open.
                refresh: !busy
                    && held.is_ageing(now)
                    && held
                        .ahead
                        .is_none_or(|at| now.saturating_duration_since(at) >= store::NEGATIVE),
            },
            None => Peek::Miss,
        }
    }

    fn guard(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self) -> Arc<Config> {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&config)
    }

    /// The epoch, if it is one of serving.
    fn serving(&self) -> Result<u64, OpenError> {
        let epoch = *self.epoch.borrow();
        if epoch.is_multiple_of(2) {
            Ok(epoch)
        } else {
            Err(OpenError::Locked)
        }
    }

    /// Whether it is still that epoch.
    fn still(&self, epoch: u64) -> Result<(), OpenError> {
        if *self.epoch.borrow() == epoch {
            Ok(())
        } else {
            Err(OpenError::Locked)
        }
    }

    /// Resolves when that epoch is over.
    async fn ended(&self, epoch: u64) {
        // An error would mean that the sender is gone, which is `self`.
        let mut epochs = self.epoch.subscribe();
        let _ = epochs.wait_for(|now| *now != epoch).await;
    }

    /// Where values and credentials rest.
    pub fn pool(&self) -> &Arc<SealedPool> {
        &self.pool
    }

    fn context(&self, limit: Duration) -> Context {
        Context {
            pool: Arc::clone(&self.pool),
            deadline: self.clock.now() + limit,
            host: Arc::clone(&self.host),
            clock: Arc::clone(&self.clock),
        }
    }

    /// A number that nobody can foretell. Not for keys.
    fn jitter(&self, key: ValueKey) -> u32 {
        use std::hash::BuildHasher;
        let count = self.jitter.1.fetch_add(1, Ordering::Relaxed);
        let hash = self.jitter.0.hash_one((key, count));
        u32::try_from(hash >> 32).unwrap_or_default()
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("epoch", &*self.epoch.borrow())
            .finish_non_exhaustive()
    }
}
