//! What happens to all values at once: lock, unlock, refresh, reload; and what status tells.

use super::config::Config;
use super::member::tag;
use super::{Cache, EntryState};
use crate::map::{CompiledMap, EntryId, ValueKey};
use secretfs_providers::Provider;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

impl Cache {
    /// Refuses, wipes, and makes the providers forget. Waits for nothing but copies under way; no
    /// flight that ends later publishes anything, and whoever waits is answered at once.
    pub fn lock(&self) {
        self.epoch.send_modify(|epoch| {
            if epoch.is_multiple_of(2) {
                *epoch += 1;
            }
        });
        // The pool first: it makes every value unreadable without looking at what holds it.
        self.pool.release();
        self.guard().clear();
        for provider in self.config().providers() {
            provider.forget();
        }
    }

    /// Serves again.
    pub fn unlock(&self) {
        // Before anybody needs it, so that it is said here where it is missing.
        if let Err(error) = self.pool.restore() {
            tracing::warn!(%error, "the sealed memory cannot be had again: opens answer ENOMEM until it can");
        }
        self.epoch.send_modify(|epoch| {
            if !epoch.is_multiple_of(2) {
                *epoch += 1;
            }
        });
    }

    /// Whether no request is under way that anybody could still wait for.
    #[cfg(feature = "test-hooks")]
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let state = self.guard();
        state.flights.is_empty() && state.fallbacks.is_empty() && state.listings.is_idle()
    }

    /// Whether it is locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        !self.epoch.borrow().is_multiple_of(2)
    }

    /// `refresh`: drops values, stale and negative entries, and listings, of these keys (a `dir:`
    /// key: of all its members), or of all. What is under way still answers those who wait for it,
    /// but is not kept. Returns how many values were dropped.
    pub fn forget(&self, keys: Option<&[ValueKey]>) -> u32 {
        let Some(keys) = keys else {
            return self.guard().drop_keys(|_| true);
        };
        let named: HashSet<ValueKey> = keys.iter().copied().collect();
        // A file of a `dir:` folder has the folder's tag, too; only an entry's own key means all of them.
        let map = self.config().map.clone();
        let entries = (0..map.entry_count()).filter_map(|id| map.entry_key(EntryId(id)));
        let tags: HashSet<u32> = entries.filter(|key| named.contains(key)).map(tag).collect();
        self.guard()
            .drop_keys(|key| named.contains(&key) || tags.contains(&tag(key)))
    }

    /// How often values were dropped by a `refresh` or a reload.
    #[must_use]
    pub fn drops(&self) -> u64 {
        self.guard().drops
    }

    /// A credential was supplied: failures for want of one are no longer believed.
    pub fn credential_supplied(&self) {
        self.guard().retry_credentials();
    }

    /// A reload: keys that both maps have keep their values; the values of others are dropped, but
    /// for those who hold them. `providers`: the object for each of the new map's providers, the
    /// same one as before where its definition did not change.
    pub fn set_map(&self, map: CompiledMap, providers: Vec<Arc<dyn Provider>>) {
        let config = Arc::new(Config::new(map, providers));
        let map = config.map.clone();
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = config;
        let mut state = self.guard();
        // By what is known, not by the map, which may be far larger than the locked heap. Members of
        // a `dir:` folder are found by the tag that they share with it.
        let mut known: Vec<u32> = state.known().map(tag).collect();
        known.sort_unstable();
        known.dedup();
        let mut present = vec![false; known.len()];
        for id in 0..map.entry_count() {
            if let Some(key) = map.entry_key(EntryId(id))
                && let Ok(at) = known.binary_search(&tag(key))
                && let Some(present) = present.get_mut(at)
            {
                *present = true;
            }
        }
        let keeps = |key: ValueKey| {
            let at = known.binary_search(&tag(key)).ok();
            at.and_then(|at| present.get(at)).copied().unwrap_or(false)
        };
        state.drop_keys(|key| !keeps(key));
        state.identity.retain(keeps);
    }

    /// What is known of a key; `None`: nothing.
    #[must_use]
    pub fn state(&self, key: ValueKey) -> Option<EntryState> {
        let now = self.clock.now();
        let state = self.guard();
        let mut told = EntryState {
            size: state
                .identity
                .size(key)
                .and_then(|size| size.try_into().ok()),
            last_error: state.last_error(key),
            left_out: state.left_out(key),
            ..EntryState::default()
        };
        if let Some(held) = state.values.peek(&key) {
            told.cached = true;
            told.stale = !held.is_fresh(now);
            told.age = Some(held.age(now));
            told.ttl = Some(held.ttl);
        } else if let Some(listing) = state.listings.get(key) {
            told.cached = true;
            told.stale = !listing.is_fresh(now);
            told.age = Some(now.saturating_duration_since(listing.fetched));
            told.ttl = Some(listing.ttl);
            told.left_out.clone_from(&listing.left_out);
        }
        (told != EntryState::default()).then_some(told)
    }
}
