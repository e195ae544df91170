//! The names of `dir:` folders: one names-only call, kept for the entry's ttl.

use super::Cache;
use super::flight::Flight;
use super::member::is_file_name;
use super::store::{MAX_LEFT_OUT, NEGATIVE};
use crate::error::OpenError;
use crate::map::{EntryPlan, Source, ValueKey};
use secretfs_providers::{Hints, Mark};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The most names of one folder.
const MAX_NAMES: usize = 65_536;
/// The most bytes of all listings together, with what the heap takes for them.
const MAX_BYTES: usize = 4 << 20;
/// What a name takes beside its bytes.
const NAME_COST: usize = 40;

type Names = Arc<Vec<String>>;

/// One folder's names.
pub(super) struct Listing {
    pub(super) names: Names,
    pub(super) left_out: Vec<String>,
    pub(super) fetched: Instant,
    pub(super) ttl: Duration,
    cost: usize,
    mark: Option<Mark>,
}

impl Listing {
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.fetched) < self.ttl
            && !self.mark.as_ref().is_some_and(Mark::is_over)
    }
}

/// All of them. Bounded by the map's entries, and in bytes.
#[derive(Default)]
pub(super) struct Listings {
    held: HashMap<ValueKey, Listing>,
    flights: HashMap<ValueKey, Arc<Flight<Names>>>,
    /// When a folder that was listed before failed last: the earlier listing stands in for a while.
    failed: HashMap<ValueKey, Instant>,
}

impl Listings {
    pub(super) fn get(&self, key: ValueKey) -> Option<&Listing> {
        self.held.get(&key)
    }

    pub(super) fn names(&self, key: ValueKey) -> Option<Names> {
        Some(Arc::clone(&self.held.get(&key)?.names))
    }

    /// Whether no list is under way.
    #[cfg(feature = "test-hooks")]
    pub(super) fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ValueKey> + '_ {
        self.held.keys().chain(self.flights.keys()).copied()
    }

    fn fresh(&self, key: ValueKey, now: Instant) -> Option<Names> {
        let listing = self.held.get(&key)?;
        let spared = self
            .failed
            .get(&key)
            .is_some_and(|at| now.saturating_duration_since(*at) < NEGATIVE);
        (listing.is_fresh(now) || spared).then(|| Arc::clone(&listing.names))
    }

    fn keep(&mut self, key: ValueKey, listing: Listing) {
        self.failed.remove(&key);
        self.held.remove(&key);
        let mut total: usize = self.held.values().map(|one| one.cost).sum();
        while total.saturating_add(listing.cost) > MAX_BYTES {
            let oldest = self.held.iter().min_by_key(|(_, one)| one.fetched);
            let Some((oldest, cost)) = oldest.map(|(key, one)| (*key, one.cost)) else {
                break;
            };
            self.held.remove(&oldest);
            total = total.saturating_sub(cost);
        }
        self.held.insert(key, listing);
    }

    pub(super) fn drop_keys(&mut self, gone: &mut dyn FnMut(ValueKey) -> bool) {
        self.held.retain(|key, _| !gone(*key));
        self.failed.retain(|key, _| !gone(*key));
        self.flights.retain(|key, flight| {
            let orphan = gone(*key);
            if orphan {
                flight.orphan.store(true, Ordering::Relaxed);
            }
            !orphan
        });
    }
}

/// Takes the flight down, whatever way its task ends.
struct Landing {
    cache: Arc<Cache>,
    epoch: u64,
    key: ValueKey,
    flight: Arc<Flight<Names>>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.cache.guard();
        let board = &mut state.listings.flights;
        if board
            .get(&self.key)
            .is_some_and(|on| Arc::ptr_eq(on, &self.flight))
        {
            board.remove(&self.key);
        }
        drop(state);
        let outcome = match self.cache.still(self.epoch) {
            Ok(()) => OpenError::Internal("the listing ended without an answer"),
            Err(locked) => locked,
        };
        self.flight.finish(Err(outcome));
    }
}

impl Cache {
    /// The names of a `dir:` entry if they are fresh, without waiting: for the FUSE thread. Sorted,
    /// without duplicates, and only names that can be file names.
    #[must_use]
    pub fn peek_list(&self, key: ValueKey) -> Option<Arc<Vec<String>>> {
        self.serving().ok()?;
        self.guard().listings.fresh(key, self.clock.now())
    }

    /// The names of a `dir:` entry, kept for its ttl. Where the provider fails, the earlier ones.
    ///
    /// # Errors
    /// Nothing was ever listed, and the provider failed or did not answer within `open_timeout`; or
    /// [`OpenError::Locked`].
    pub async fn list(
        self: &Arc<Self>,
        plan: Arc<EntryPlan>,
    ) -> Result<Arc<Vec<String>>, OpenError> {
        let epoch = self.serving()?;
        let outcome = tokio::select! {
            biased;
            () = self.ended(epoch) => Err(OpenError::Locked),
            outcome = self.find_names(epoch, &plan) => outcome,
        };
        self.still(epoch)?;
        outcome
    }

    async fn find_names(
        self: &Arc<Self>,
        epoch: u64,
        plan: &Arc<EntryPlan>,
    ) -> Result<Names, OpenError> {
        let key = plan.key;
        let now = self.clock.now();
        let (negative, earlier) = {
            let state = self.guard();
            if let Some(names) = state.listings.fresh(key, now) {
                return Ok(names);
            }
            (state.negative(key, now).cloned(), state.listings.names(key))
        };
        let outcome = match (negative, self.reachable(plan.provider)) {
            (Some(error), _) => return earlier.ok_or(error),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => {
                let flight = self.board_listing(epoch, plan)?;
                let patience = Duration::from_millis(plan.open_timeout_ms);
                match tokio::time::timeout(patience, flight.wait()).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(self.listing_timed_out(plan)),
                }
            }
        };
        outcome.or_else(|error| {
            // The value that the flight would have had is told here: it may still be in the air.
            let now = self.clock.now();
            self.record(epoch, key, &error, now);
            let names = self.guard().listings.names(key);
            if names.is_some() {
                self.guard().listings.failed.insert(key, now);
            }
            names.ok_or(error)
        })
    }

    fn listing_timed_out(&self, plan: &EntryPlan) -> OpenError {
        OpenError::TimedOut {
            provider: self
                .config()
                .source(plan.provider)
                .map_or("?", |source| &source.name)
                .to_owned(),
            seconds: plan.open_timeout_ms.div_ceil(1000),
        }
    }

    fn board_listing(
        self: &Arc<Self>,
        epoch: u64,
        plan: &Arc<EntryPlan>,
    ) -> Result<Arc<Flight<Names>>, OpenError> {
        let config = self.config();
        let source = config
            .source(plan.provider)
            .ok_or(OpenError::Internal("the entry's provider is gone"))?
            .clone();
        let mut state = self.guard();
        self.still(epoch)?;
        if let Some(flight) = state.listings.flights.get(&plan.key) {
            return Ok(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::new());
        state.listings.flights.insert(plan.key, Arc::clone(&flight));
        drop(state);
        let landing = Landing {
            cache: Arc::clone(self),
            epoch,
            key: plan.key,
            flight: Arc::clone(&flight),
        };
        let plan = Arc::clone(plan);
        let cache = Arc::clone(self);
        self.runtime.spawn(async move {
            let landing = landing;
            let Source::Listed { folder } = &plan.source else {
                return;
            };
            let limit = source
                .flight
                .max(Duration::from_millis(plan.open_timeout_ms));
            let context = cache.context(limit);
            let mark = source.provider.hints().map(Hints::mark);
            let request = source.provider.list(folder, &context);
            let outcome = tokio::select! {
                biased;
                () = cache.ended(epoch) => return,
                outcome = tokio::time::timeout(limit, request) => outcome,
            };
            let outcome = match outcome {
                Ok(Ok(names)) => cache.keep_names(&landing, &plan, names, mark),
                Ok(Err(error)) => Err(OpenError::Provider(error)),
                Err(_) => Err(cache.listing_timed_out(&plan)),
            };
            landing.flight.finish(outcome);
        });
        Ok(flight)
    }

    fn keep_names(
        &self,
        landing: &Landing,
        plan: &EntryPlan,
        mut names: Vec<String>,
        mark: Option<Mark>,
    ) -> Result<Names, OpenError> {
        let cost: usize = names.iter().map(|name| name.len() + NAME_COST).sum();
        if names.len() > MAX_NAMES || cost > MAX_BYTES {
            return Err(OpenError::TooLarge { max: MAX_BYTES });
        }
        let mut left_out = Vec::new();
        names.retain(|name| {
            let kept = is_file_name(name);
            if !kept && left_out.len() < MAX_LEFT_OUT {
                left_out.push(name.clone());
            }
            kept
        });
        names.sort_unstable();
        names.dedup();
        let names = Arc::new(names);
        let mut state = self.guard();
        self.still(landing.epoch)?;
        if landing.flight.orphan.load(Ordering::Relaxed) {
            return Ok(names);
        }
        let changed = state
            .listings
            .names(plan.key)
            .is_none_or(|old| old != names);
        state.succeed(plan.key, Vec::new());
        state.listings.keep(
            plan.key,
            Listing {
                names: Arc::clone(&names),
                left_out,
                fetched: self.clock.now(),
                ttl: Duration::from_millis(plan.ttl_ms),
                cost,
                mark,
            },
        );
        drop(state);
        if changed {
            self.listener.listed(plan.key, &names);
        }
        Ok(names)
    }
}
