//! Starting flights: one for each secret, alone or as a part of its place's list.

use super::config::{Config, Source};
use super::fetch::Order;
use super::flight::Flight;
use super::gather::PlaceKey;
use super::job::Job;
use super::store::State;
use super::{Cache, Snapshot};
use crate::error::OpenError;
use crate::map::{EntryId, EntryPlan, ValueKey};
use secretfs_providers::Hints;
use std::sync::Arc;
use std::time::Instant;

/// The most secrets that one list request keeps.
const MAX_LISTED: usize = 1000;
/// What one of them takes of the locked heap while it is under way: plan, reference, flight, and what
/// the provider needs to find it …
const LISTED_HEAP: usize = 2048;
/// … and what must be left for everybody else meanwhile.
const SPARE_HEAP: usize = 256 << 10;

/// A flight in the air. Dropped, it takes the flights down: a panic or a lock may end the task
/// anywhere, and nobody may wait for what does not come.
pub(super) struct Landing {
    cache: Arc<Cache>,
    pub(super) epoch: u64,
    flights: Vec<(ValueKey, Arc<Flight<Snapshot>>)>,
    place: Option<(PlaceKey, bool)>,
}

impl Landing {
    /// Ends the flight of this key.
    pub(super) fn land(&mut self, key: ValueKey, outcome: Result<Snapshot, OpenError>) {
        if let Some(at) = self.flights.iter().position(|(of, _)| *of == key) {
            let (_, flight) = self.flights.swap_remove(at);
            forget(&mut self.cache.guard(), key, &flight);
            flight.finish(outcome);
        }
    }

    /// The flight of this key.
    pub(super) fn flight(&self, key: ValueKey) -> Option<&Arc<Flight<Snapshot>>> {
        let found = self.flights.iter().find(|(of, _)| *of == key);
        found.map(|(_, flight)| flight)
    }

    /// Hands the flight of this key over to a request of its own.
    pub(super) fn hand_over(&mut self, key: ValueKey) -> Option<Self> {
        let at = self.flights.iter().position(|(of, _)| *of == key)?;
        let flight = self.flights.swap_remove(at);
        let place = self.place.as_ref().map(|(place, _)| (place.clone(), false));
        if let Some((place, _)) = &place {
            let now = self.cache.clock.now();
            self.cache.guard().places.start(place, false, now);
        }
        Some(Self {
            cache: Arc::clone(&self.cache),
            epoch: self.epoch,
            flights: vec![flight],
            place,
        })
    }

    /// The place cannot be listed.
    pub(super) fn mark_unlistable(&self) {
        if let Some((place, _)) = &self.place {
            let now = self.cache.clock.now();
            self.cache.guard().places.unlistable(place, now);
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let outcome = match self.cache.still(self.epoch) {
            Ok(()) => OpenError::Internal("the request ended without an answer"),
            Err(locked) => locked,
        };
        let mut state = self.cache.guard();
        if let Some((place, list)) = &self.place {
            state.places.end(place, *list);
        }
        for (key, flight) in self.flights.drain(..) {
            forget(&mut state, key, &flight);
            flight.finish(Err(outcome.clone()));
        }
    }
}

/// Takes a flight off the board, if it is still the one there.
fn forget(state: &mut State, key: ValueKey, flight: &Arc<Flight<Snapshot>>) {
    for board in [&mut state.flights, &mut state.fallbacks] {
        if board.get(&key).is_some_and(|on| Arc::ptr_eq(on, flight)) {
            board.remove(&key);
        }
    }
}

impl Cache {
    /// The flight of this plan's secret: the one under way, or a new one.
    pub(super) fn board(
        self: &Arc<Self>,
        epoch: u64,
        plan: &Arc<EntryPlan>,
    ) -> Result<Arc<Flight<Snapshot>>, OpenError> {
        let config = self.config();
        let source = config
            .source(plan.provider)
            .ok_or(OpenError::Internal("the entry's provider is gone"))?;
        let place = match &plan.source {
            crate::map::Source::Secret(reference) => Some(source.place(reference.place())),
            crate::map::Source::Rendered { .. } => None,
            crate::map::Source::Listed { .. } => {
                return Err(OpenError::Internal("a folder was opened as a file"));
            }
        };
        let now = self.clock.now();
        let mut state = self.guard();
        self.still(epoch)?;
        if let Some(flight) = state.flights.get(&plan.key) {
            return Ok(Arc::clone(flight));
        }
        let mut jobs = vec![state.job(Arc::clone(plan), now)];
        let brings_all = source.provider.brings_whole_places();
        if let Some(place) = &place
            && (state.places.should_list(place, now)
                || (brings_all && state.places.may_list(place, now)))
            && !state.loners.has(plan.key, now)
        {
            self.neighbours(&config, &state, plan, now, &mut jobs);
        }
        let mark = source.provider.hints().map(Hints::mark);
        for job in &mut jobs {
            job.mark.clone_from(&mark);
        }
        // A list of one would fetch the whole folder for one secret.
        let list = jobs.len() > 1;
        if let Some(place) = &place {
            state.places.start(place, list, now);
        }
        let mut flights = Vec::with_capacity(jobs.len());
        for job in &jobs {
            let flight = Arc::new(Flight::new());
            state.flights.insert(job.key, Arc::clone(&flight));
            flights.push((job.key, flight));
        }
        let (_, own) = flights
            .first()
            .ok_or(OpenError::Internal("a flight without a passenger"))?;
        let own = Arc::clone(own);
        drop(state);
        let landing = Landing {
            cache: Arc::clone(self),
            epoch,
            flights,
            place: place.map(|place| (place, list)),
        };
        self.launch(source.clone(), jobs, landing, true);
        Ok(own)
    }

    /// The flight of this plan's fallback.
    pub(super) fn board_fallback(
        self: &Arc<Self>,
        epoch: u64,
        source: &Source,
        plan: EntryPlan,
    ) -> Result<Arc<Flight<Snapshot>>, OpenError> {
        let mut state = self.guard();
        self.still(epoch)?;
        if let Some(flight) = state.fallbacks.get(&plan.key) {
            return Ok(Arc::clone(flight));
        }
        let flight = Arc::new(Flight::new());
        state.fallbacks.insert(plan.key, Arc::clone(&flight));
        drop(state);
        let landing = Landing {
            cache: Arc::clone(self),
            epoch,
            flights: vec![(plan.key, Arc::clone(&flight))],
            place: None,
        };
        let job = Job {
            key: plan.key,
            plan: Arc::new(plan),
            prior: None,
            mark: None,
            asked: self.clock.now(),
        };
        self.launch(source.clone(), vec![job], landing, false);
        Ok(flight)
    }

    /// What else of the place is worth having: what is mapped there, not fresh, not under way, and
    /// not known to be missing. From the opened entry on, because `cat *` goes that way.
    fn neighbours(
        &self,
        config: &Config,
        state: &State,
        plan: &EntryPlan,
        now: Instant,
        jobs: &mut Vec<Job>,
    ) {
        let crate::map::Source::Secret(reference) = &plan.source else {
            return;
        };
        let mut add = |key: ValueKey, neighbour: &mut dyn FnMut() -> Option<EntryPlan>| {
            if jobs.len() >= MAX_LISTED
                || !secretfs_memory::heap::has_room(SPARE_HEAP + jobs.len() * LISTED_HEAP)
            {
                return false;
            }
            if key != plan.key
                && state.is_wanting(key, now)
                && let Some(neighbour) = neighbour()
            {
                jobs.push(state.job(Arc::new(neighbour), now));
            }
            true
        };
        let ids = config
            .map
            .entries_of_place(plan.provider, &reference.place());
        let at = ids.iter().position(|id| id.0 == plan.id).unwrap_or(0);
        let (before, after) = ids.split_at_checked(at).unwrap_or_default();
        for id in after.iter().chain(before) {
            let Some(key) = config.map.entry_key(*id) else {
                continue;
            };
            if !add(key, &mut || config.map.entry(*id)) {
                return;
            }
        }
        // A file of a `dir:` folder: its siblings, as far as they were listed.
        let Some(folder) = super::member::folder_of(config, plan) else {
            return;
        };
        let names = state.listings.names(folder.key).unwrap_or_default();
        let at = names
            .iter()
            .position(|name| Self::member_key(folder.key, name) == plan.key)
            .unwrap_or(0);
        let (before, after) = names.split_at_checked(at).unwrap_or_default();
        for name in after.iter().chain(before) {
            let key = Self::member_key(folder.key, name);
            if !add(key, &mut || super::member::plan(config, &folder, name)) {
                return;
            }
        }
    }

    fn launch(self: &Arc<Self>, source: Source, jobs: Vec<Job>, landing: Landing, keep: bool) {
        let order = Order { source, keep };
        let cache = Arc::clone(self);
        self.runtime.spawn(Box::pin(async move {
            cache.fly(order, jobs, landing).await;
        }));
    }

    /// Hands jobs of a list over to requests of their own.
    pub(super) fn relaunch(self: &Arc<Self>, order: &Order, mut job: Job, landing: Landing) {
        job.asked = self.clock.now();
        self.launch(order.source.clone(), vec![job], landing, order.keep);
    }

    /// The plan of the folder that the entry of this id is, if it is one.
    pub(super) fn listed_plan(config: &Config, id: u32) -> Option<EntryPlan> {
        let plan = config.map.entry(EntryId(id))?;
        matches!(plan.source, crate::map::Source::Listed { .. }).then_some(plan)
    }
}

impl State {
    fn job(&self, plan: Arc<EntryPlan>, asked: Instant) -> Job {
        let held = self.values.peek(&plan.key);
        Job {
            key: plan.key,
            prior: held.filter(|held| held.validator.is_some()).cloned(),
            plan,
            mark: None,
            asked,
        }
    }

    /// Whether a list should bring this value too.
    fn is_wanting(&self, key: ValueKey, now: Instant) -> bool {
        let held = self.values.peek(&key);
        let fresh = held.is_some_and(|held| held.is_fresh(now) && !held.is_ageing(now));
        !fresh
            && !self.flights.contains_key(&key)
            && !self.loners.has(key, now)
            && self.negative(key, now).is_none()
    }
}
