//! From an answer to a version that openers see. Nothing is published that a lock overtook.

use super::job::{Got, Job};
use super::store::Held;
use super::{Cache, Snapshot};
use crate::error::OpenError;
use crate::map::ValueKey;
use std::time::{Duration, Instant};

impl Cache {
    /// Makes `got` the value of the job's key and tells the listener if it differs. `keep`: whether
    /// it stays (a fallback's value does not). Runs without a wait, on the runtime's one thread, so
    /// no other value of this key can come in between.
    pub(super) fn publish(
        &self,
        epoch: u64,
        job: &Job,
        got: Got,
        keep: bool,
    ) -> Result<Snapshot, OpenError> {
        let mark = self
            .mark_key
            .mark(job.key, &got.value)
            .map_err(|_| OpenError::Locked)?;
        let modified = got.modified.unwrap_or_else(|| self.clock.wall());
        let mut state = self.guard();
        // Under the mutex: a lock bumps the epoch before it clears the state.
        self.still(epoch)?;
        let found = state
            .identity
            .identify(job.key, mark, got.value.len(), modified);
        // The same bytes again: those that handles already hold, so that they are held once.
        let value = match state.values.peek(&job.key) {
            Some(held) if held.version == found.version => held.value.clone(),
            _ => got.value,
        };
        drop(state);
        let snapshot = Snapshot {
            value,
            version: found.version,
            modified: found.modified,
        };
        if found.changed {
            self.listener.published(job.key, &snapshot);
        }
        let mut state = self.guard();
        self.still(epoch)?;
        state.succeed(job.key, got.left_out);
        if keep {
            self.make_heap_room(&mut state);
            let held = Held {
                value: snapshot.value.clone(),
                version: snapshot.version,
                modified: snapshot.modified,
                fetched: job.asked,
                ttl: self.effective_ttl(job, got.max_age),
                max_age: got.max_age,
                validator: got.validator,
                ahead: None,
                mark: job.mark.clone(),
            };
            state.values.put(job.key, held);
        }
        Ok(snapshot)
    }

    /// The map's ttl, capped by the provider's, and up to a tenth shorter for providers in a network.
    fn effective_ttl(&self, job: &Job, max_age: Option<Duration>) -> Duration {
        let ttl = Duration::from_millis(job.plan.ttl_ms);
        let jitter = self
            .config()
            .source(job.plan.provider)
            .is_some_and(|source| source.jitter);
        let ttl = if jitter {
            let share = self.jitter(job.key) % 1024;
            ttl.saturating_sub(ttl / 10 / 1024 * share)
        } else {
            ttl
        };
        max_age.map_or(ttl, |max| ttl.min(max))
    }

    /// A failed fetch: remembered, and told.
    pub(super) fn record(&self, epoch: u64, key: ValueKey, error: &OpenError, now: Instant) {
        let mut state = self.guard();
        if self.still(epoch).is_err() || matches!(error, OpenError::Locked) {
            return;
        }
        state.fail(key, error, now);
        drop(state);
        self.listener.failed(key, error);
    }
}
