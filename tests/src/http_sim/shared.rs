//! What the test's threads and the serving one have in common.

use super::fault::Faults;
use super::record::Seen;
use super::site::Site;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Shared<S: Site> {
    site: Mutex<S>,
    state: Mutex<State<S::Route>>,
    /// Notified after every change of the state: for threads.
    changed: Condvar,
    /// The same, for the requests that hang.
    pub(super) woken: Notify,
}

#[derive(Debug)]
pub(super) struct State<R> {
    pub(super) faults: Faults<R>,
    pub(super) log: Vec<Seen<R>>,
    /// How many lines of the log were forgotten.
    pub(super) forgotten: usize,
    pub(super) violations: Vec<String>,
    /// How many requests of a route wait at a hang.
    pub(super) held: BTreeMap<R, usize>,
    /// How often a route was released: what hangs waits for the next time.
    releases: BTreeMap<R, u64>,
    all_releases: u64,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) peak: usize,
    pub(super) cancelled: usize,
    pub(super) closed: bool,
}

impl<S: Site> Shared<S> {
    pub(super) fn new(site: S) -> Self {
        Self {
            site: Mutex::new(site),
            state: Mutex::new(State {
                faults: Faults::new(),
                log: Vec::new(),
                forgotten: 0,
                violations: Vec::new(),
                held: BTreeMap::new(),
                releases: BTreeMap::new(),
                all_releases: 0,
                connections: 0,
                in_flight: 0,
                peak: 0,
                cancelled: 0,
                closed: false,
            }),
            changed: Condvar::new(),
            woken: Notify::new(),
        }
    }

    pub(super) fn site(&self) -> MutexGuard<'_, S> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<S::Route>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State<S::Route>) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        self.woken.notify_waiters();
        result
    }

    /// Waits until `until` holds; panics when it never does.
    pub(super) fn wait(&self, what: &str, until: impl Fn(&State<S::Route>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while !until(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let log = state.log.clone();
                drop(state);
                panic!("waited in vain for {what}; asked so far: {log:#?}");
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl<R: Copy + Ord> State<R> {
    pub(super) fn released(&mut self, route: R) {
        *self.releases.entry(route).or_default() += 1;
    }

    pub(super) fn released_all(&mut self) {
        self.all_releases += 1;
    }

    /// Differs after a release.
    pub(super) fn releases(&self, route: R) -> u64 {
        self.releases.get(&route).copied().unwrap_or_default() + self.all_releases
    }
}
