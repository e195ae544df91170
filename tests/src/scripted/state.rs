//! What the test scripted and what was asked, shared between the test and the serving threads.

use secretfs_providers::ErrorKind;
use secretfs_providers::scripted::wire::Request;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Notified after every change of the state.
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) scripts: BTreeMap<String, Script>,
    pub(super) refuse: Option<ErrorKind>,
    pub(super) token: Option<String>,
    pub(super) delay: Duration,
    /// Counts the values that were set: validators are never used twice.
    pub(super) versions: u64,
    pub(super) log: Vec<Request>,
    pub(super) unexpected: Vec<String>,
    pub(super) cancelled: usize,
    pub(super) in_flight: usize,
    pub(super) peak: usize,
    pub(super) closed: bool,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Script {
    pub(super) outcome: Outcome,
    pub(super) validator: Option<String>,
    pub(super) modified: Option<SystemTime>,
    pub(super) max_age: Option<Duration>,
    pub(super) fault: Fault,
    /// Wait after that many bytes.
    pub(super) hold_at: Option<usize>,
    /// How many requests wait there.
    pub(super) held: usize,
}

#[derive(Debug, Default, Clone)]
pub(super) enum Outcome {
    #[default]
    Unset,
    Value(Arc<[u8]>),
    Error(ErrorKind),
    Folder,
}

#[derive(Debug, Default, Clone)]
pub(super) enum Fault {
    #[default]
    None,
    Truncate(usize),
    Lie(String),
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `until` holds; panics when it never does.
    #[expect(clippy::panic, reason = "a panic here is the test's report")]
    pub(super) fn wait(&self, what: &str, until: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.lock();
        while !until(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let log = state.log.clone();
                drop(state);
                panic!("waited in vain for {what}; asked so far: {log:?}");
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl State {
    /// The names below `path`, which starts with `/`.
    pub(super) fn members(&self, path: &str) -> Vec<String> {
        let place = path.trim_matches('/');
        self.scripts
            .iter()
            .filter(|(name, script)| {
                let in_place = match name.rsplit_once('/') {
                    Some((of, _)) => of == place,
                    None => place.is_empty(),
                };
                in_place && matches!(script.outcome, Outcome::Value(_))
            })
            .map(|(name, _)| name.clone())
            .collect()
    }
}
