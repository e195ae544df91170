//! What is held: values, failures, requests under way. All of it behind one mutex that is never
//! held across a wait, nor while anybody else's code runs.

use super::flight::Flight;
use super::gather::{Loners, Places};
use super::identity::Identity;
use super::list::Listings;
use super::{Snapshot, VersionId};
use crate::error::OpenError;
use crate::map::ValueKey;
use lru::LruCache;
use secretfs_memory::sealed::Sealed;
use secretfs_providers::{ErrorKind, Mark, Validator};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

/// How long an answer that says no is believed.
pub(super) const NEGATIVE: Duration = Duration::from_secs(5);
/// How many failures are remembered for `status`; the least recent go first.
const MAX_FAILURES: NonZeroUsize = NonZeroUsize::new(2048).unwrap();
/// What the locked heap must be able to give before one more failure is remembered.
const FAILURE_HEAP: usize = 64 << 10;
/// How many left-out names of one key are remembered for `status`.
pub(super) const MAX_LEFT_OUT: usize = 1024;

/// A value that was fetched.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) value: Sealed,
    pub(super) version: VersionId,
    pub(super) modified: SystemTime,
    /// When it was asked for, or for its confirmation.
    pub(super) fetched: Instant,
    /// How long it is fresh from then.
    pub(super) ttl: Duration,
    /// The provider's own limit: kept no longer than that, not even stale.
    pub(super) max_age: Option<Duration>,
    pub(super) validator: Option<Validator>,
    /// When an open asked for it ahead of its end.
    pub(super) ahead: Option<Instant>,
    /// When it was asked for, by the provider's hints: one since then ends its ttl.
    pub(super) mark: Option<Mark>,
}

impl Held {
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            value: self.value.clone(),
            version: self.version,
            modified: self.modified,
        }
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.fetched)
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.age(now) < self.ttl && !self.mark.as_ref().is_some_and(Mark::is_over)
    }

    /// In the last fifth of its ttl (or past it).
    pub(super) fn is_ageing(&self, now: Instant) -> bool {
        self.age(now) >= self.ttl / 5 * 4
    }

    /// Whether it may stand in for `stale` after its ttl.
    pub(super) fn may_stand_in(&self, now: Instant, stale: Duration) -> bool {
        let age = self.age(now);
        age < self.ttl.saturating_add(stale) && self.max_age.is_none_or(|max| age < max)
    }
}

/// A failure, and until when it is an answer by itself.
pub(super) struct Failure {
    pub(super) error: OpenError,
    pub(super) until: Option<Instant>,
}

/// Everything that changes.
pub(super) struct State {
    pub(super) values: LruCache<ValueKey, Held>,
    pub(super) identity: Identity,
    failures: LruCache<ValueKey, Failure>,
    left_out: HashMap<ValueKey, Vec<String>>,
    pub(super) flights: HashMap<ValueKey, Arc<Flight<Snapshot>>>,
    pub(super) fallbacks: HashMap<ValueKey, Arc<Flight<Snapshot>>>,
    pub(super) places: Places,
    pub(super) loners: Loners,
    pub(super) listings: Listings,
    /// How often keys were dropped.
    pub(super) drops: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            values: LruCache::unbounded(),
            identity: Identity::default(),
            failures: LruCache::new(MAX_FAILURES),
            left_out: HashMap::new(),
            flights: HashMap::new(),
            fallbacks: HashMap::new(),
            places: Places::default(),
            loners: Loners::default(),
            listings: Listings::default(),
            drops: 0,
        }
    }

    /// A value within its ttl; marks it as used.
    pub(super) fn fresh(&mut self, key: ValueKey, now: Instant) -> Option<&Held> {
        self.values.get(&key).filter(|held| held.is_fresh(now))
    }

    /// A value past its ttl that may still stand in.
    pub(super) fn stale(
        &mut self,
        key: ValueKey,
        now: Instant,
        stale: Duration,
    ) -> Option<Snapshot> {
        let held = self.values.get(&key)?;
        held.may_stand_in(now, stale).then(|| held.snapshot())
    }

    /// A failure that is still believed.
    pub(super) fn negative(&self, key: ValueKey, now: Instant) -> Option<&OpenError> {
        let failure = self.failures.peek(&key)?;
        failure
            .until
            .is_some_and(|until| now < until)
            .then_some(&failure.error)
    }

    /// Remembers a failure. One that says something about the secret is believed for a while, and
    /// ends the value that it contradicts.
    pub(super) fn fail(&mut self, key: ValueKey, error: &OpenError, now: Instant) {
        if contradicts(error) {
            self.values.pop(&key);
        }
        let until = is_negative(error).then(|| now + NEGATIVE);
        self.note(key, error, until);
    }

    /// Remembers a failure for `status`, believed until then.
    pub(super) fn note(&mut self, key: ValueKey, error: &OpenError, until: Option<Instant>) {
        while !secretfs_memory::heap::has_room(FAILURE_HEAP) && self.failures.pop_lru().is_some() {}
        let error = error.clone();
        self.failures.put(key, Failure { error, until });
    }

    /// Something was fetched: the last failure is history.
    pub(super) fn succeed(&mut self, key: ValueKey, left_out: Vec<String>) {
        self.failures.pop(&key);
        self.set_left_out(key, left_out);
    }

    pub(super) fn set_left_out(&mut self, key: ValueKey, mut names: Vec<String>) {
        names.truncate(MAX_LEFT_OUT);
        if names.is_empty() {
            self.left_out.remove(&key);
        } else {
            self.left_out.insert(key, names);
        }
    }

    pub(super) fn left_out(&self, key: ValueKey) -> Vec<String> {
        self.left_out.get(&key).cloned().unwrap_or_default()
    }

    pub(super) fn last_error(&self, key: ValueKey) -> Option<OpenError> {
        Some(self.failures.peek(&key)?.error.clone())
    }

    /// Forgets failures for want of a credential.
    pub(super) fn retry_credentials(&mut self) {
        for (_, failure) in self.failures.iter_mut() {
            if let OpenError::Provider(error) = &failure.error
                && matches!(
                    error.kind,
                    ErrorKind::NoCredential | ErrorKind::Expired | ErrorKind::Refused
                )
            {
                failure.until = None;
            }
        }
    }

    /// Drops everything that is known of these keys but which version their bytes are. What is
    /// under way for them stays with its waiters. Returns how many values were dropped.
    pub(super) fn drop_keys(&mut self, mut gone: impl FnMut(ValueKey) -> bool) -> u32 {
        self.drops += 1;
        let doomed: Vec<ValueKey> = self
            .values
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| gone(*key))
            .collect();
        for key in &doomed {
            self.values.pop(key);
        }
        let failed: Vec<ValueKey> = self
            .failures
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| gone(*key))
            .collect();
        for key in &failed {
            self.failures.pop(key);
        }
        self.left_out.retain(|key, _| !gone(*key));
        self.loners.drop_keys(&mut gone);
        for flights in [&mut self.flights, &mut self.fallbacks] {
            flights.retain(|key, flight| {
                let orphan = gone(*key);
                if orphan {
                    flight.orphan.store(true, Ordering::Relaxed);
                }
                !orphan
            });
        }
        self.listings.drop_keys(&mut gone);
        u32::try_from(doomed.len()).unwrap_or(u32::MAX)
    }

    /// Every key of which anything is known.
    pub(super) fn known(&self) -> impl Iterator<Item = ValueKey> + '_ {
        let values = self.values.iter().map(|(key, _)| *key);
        let failures = self.failures.iter().map(|(key, _)| *key);
        let flights = self.flights.keys().chain(self.fallbacks.keys()).copied();
        values
            .chain(failures)
            .chain(flights)
            .chain(self.identity.keys())
            .chain(self.listings.keys())
    }

    /// Lock: nothing is known any more. What is under way ends by itself and finds nothing.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.identity.clear();
        self.failures.clear();
        self.left_out.clear();
        self.flights.clear();
        self.fallbacks.clear();
        self.places = Places::default();
        self.loners = Loners::default();
        self.listings = Listings::default();
    }
}

/// Whether a failure is an answer about the secret, which is believed for a while. Not those that
/// say nothing about it, and not a missing credential, which may be supplied the next moment.
fn is_negative(error: &OpenError) -> bool {
    match error {
        OpenError::Provider(error) => match error.kind {
            ErrorKind::Missing
            | ErrorKind::Denied
            | ErrorKind::Refused
            | ErrorKind::Expired
            | ErrorKind::TooLarge
            | ErrorKind::Ambiguous
            | ErrorKind::Unsupported => true,
            ErrorKind::NoCredential
            | ErrorKind::Unreachable
            | ErrorKind::TimedOut
            | ErrorKind::Limited { .. }
            | ErrorKind::Server
            | ErrorKind::NoMemory
            | ErrorKind::Protocol => false,
        },
        OpenError::Empty | OpenError::Undecodable | OpenError::TooLarge { .. } => true,
        OpenError::Locked
        | OpenError::NotAllowed
        | OpenError::TimedOut { .. }
        | OpenError::NoMemory
        | OpenError::Interrupted
        | OpenError::Wiped
        | OpenError::Busy
        | OpenError::TooManyHandles
        | OpenError::Internal(_) => false,
    }
}

/// Whether a failure takes back the value that was fetched before: stale never serves for missing,
/// denied or refused, not even when the provider is unreachable later.
fn contradicts(error: &OpenError) -> bool {
    match error {
        OpenError::Provider(error) => matches!(
            error.kind,
            ErrorKind::Missing | ErrorKind::Denied | ErrorKind::Refused
        ),
        OpenError::Empty | OpenError::Undecodable | OpenError::TooLarge { .. } => true,
        _ => false,
    }
}

/// Whether a stale value or a fallback may stand in.
pub(super) fn allows_stale(error: &OpenError) -> bool {
    match error {
        OpenError::Provider(error) => error.kind.allows_stale(),
        OpenError::TimedOut { .. } => true,
        _ => false,
    }
}
