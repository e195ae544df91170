//! When a miss is answered by the list of its place. The first miss of a folder or item is fetched
//! at once, alone; a second one within 2 s of it, or during its flight, by one request for all that
//! the map has there. No delay is ever added before a request, and no place has two lists under way.
//!
//! Where a provider's answer for one secret has its whole place in it anyway (1Password's item), the
//! first miss takes all of it: 20 files of one item are one request.

use crate::map::ValueKey;
use secretfs_providers::Place;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long after a miss a second one of the same place means that more will come.
const WINDOW: Duration = Duration::from_secs(2);
/// How long a place that refused to be listed is asked one by one.
const NO_LIST: Duration = Duration::from_secs(60);
/// From how many places on those without anything under way are dropped.
const MANY: usize = 64;

/// How long a secret that a list could not give is fetched by itself.
const LONER: Duration = Duration::from_secs(10 * 60);
/// How many of them are remembered.
const MAX_LONERS: usize = 4096;

/// A place of a provider, which is named by the address of its object: the same over a reload that
/// keeps the object, another for another definition.
pub(super) type PlaceKey = (usize, Place);

/// What is under way for one place.
#[derive(Debug)]
struct Traffic {
    missed: Option<Instant>,
    singles: u32,
    listing: bool,
    unlistable_until: Option<Instant>,
}

impl Traffic {
    fn is_recent(&self, now: Instant) -> bool {
        self.missed
            .is_some_and(|missed| now.saturating_duration_since(missed) < WINDOW)
    }

    fn is_unlistable(&self, now: Instant) -> bool {
        self.unlistable_until.is_some_and(|until| now < until)
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.singles == 0 && !self.listing && !self.is_recent(now) && !self.is_unlistable(now)
    }
}

/// All places with something under way or lately missed.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<PlaceKey, Traffic>);

impl Places {
    /// Whether a miss of this place should be answered by its list.
    pub(super) fn should_list(&self, place: &PlaceKey, now: Instant) -> bool {
        self.0.get(place).is_some_and(|traffic| {
            (traffic.singles > 0 || traffic.is_recent(now))
                && !traffic.listing
                && !traffic.is_unlistable(now)
        })
    }

    /// Whether it could be, where the list costs no more than the one secret.
    pub(super) fn may_list(&self, place: &PlaceKey, now: Instant) -> bool {
        self.0
            .get(place)
            .is_none_or(|traffic| !traffic.listing && !traffic.is_unlistable(now))
    }

    /// A request starts.
    pub(super) fn start(&mut self, place: &PlaceKey, list: bool, now: Instant) {
        if self.0.len() >= MANY {
            self.0.retain(|_, traffic| !traffic.is_idle(now));
        }
        let traffic = self.0.entry(place.clone()).or_insert(Traffic {
            missed: None,
            singles: 0,
            listing: false,
            unlistable_until: None,
        });
        traffic.missed = Some(now);
        if list {
            traffic.listing = true;
        } else {
            traffic.singles = traffic.singles.saturating_add(1);
        }
    }

    /// A request ended.
    pub(super) fn end(&mut self, place: &PlaceKey, list: bool) {
        if let Some(traffic) = self.0.get_mut(place) {
            if list {
                traffic.listing = false;
            } else {
                traffic.singles = traffic.singles.saturating_sub(1);
            }
        }
    }

    /// The provider does not list this place, though it may answer for single secrets.
    pub(super) fn unlistable(&mut self, place: &PlaceKey, now: Instant) {
        if let Some(traffic) = self.0.get_mut(place) {
            traffic.unlistable_until = Some(now + NO_LIST);
        }
    }
}

/// The secrets that a list could not give. They are left out of lists, or each of them would cost a
/// list beside its own request.
#[derive(Debug, Default)]
pub(super) struct Loners(HashMap<ValueKey, Instant>);

impl Loners {
    pub(super) fn add(&mut self, key: ValueKey, now: Instant) {
        if self.0.len() >= MAX_LONERS {
            self.0.retain(|_, since| is_loner(*since, now));
        }
        if self.0.len() < MAX_LONERS {
            self.0.insert(key, now);
        }
    }

    pub(super) fn has(&self, key: ValueKey, now: Instant) -> bool {
        self.0.get(&key).is_some_and(|since| is_loner(*since, now))
    }

    pub(super) fn drop_keys(&mut self, mut gone: impl FnMut(ValueKey) -> bool) {
        self.0.retain(|key, _| !gone(*key));
    }
}

fn is_loner(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < LONER
}
