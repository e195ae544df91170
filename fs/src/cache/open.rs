//! One open, in this order: fresh, the provider, the entry's own stale value, its fallback, errno.

use super::flight::Flight;
use super::store::allows_stale;
use super::{Cache, Snapshot};
use crate::error::OpenError;
use crate::map::{EntryPlan, Source};
use secretfs_providers::{ErrorKind, Health, ProviderError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// What an open waits for.
struct Waits {
    /// The provider's flight, until it failed.
    primary: Result<Arc<Flight<Snapshot>>, OpenError>,
    /// The fallback's.
    fallback: Fallback,
}

enum Fallback {
    /// Not asked yet.
    Idle,
    /// Asked.
    Asked(Arc<Flight<Snapshot>>),
    /// There is none, or it failed.
    None,
}

impl Cache {
    /// Finds or fetches: fresh, then the provider, then the entry's stale value, then its fallback.
    /// Ends at the entry's `open_timeout`; the flight may go on and fills the cache. Dropping the
    /// future is how an open is interrupted.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::NotAllowed`] and [`OpenError::Interrupted`].
    pub async fn open(self: &Arc<Self>, plan: Arc<EntryPlan>) -> Result<Snapshot, OpenError> {
        let epoch = self.serving()?;
        let outcome = tokio::select! {
            biased;
            () = self.ended(epoch) => Err(OpenError::Locked),
            outcome = Box::pin(self.find(epoch, &plan)) => outcome,
        };
        self.still(epoch)?;
        outcome
    }

    /// Starts a flight for a value that is still fresh; nobody waits for it. From any thread.
    #[expect(clippy::needless_pass_by_value, reason = "as `open` takes it")]
    pub fn refresh_ahead(self: &Arc<Self>, plan: Arc<EntryPlan>) {
        let Ok(epoch) = self.serving() else {
            return;
        };
        let now = self.clock.now();
        if let Some(held) = self.guard().values.peek_mut(&plan.key) {
            held.ahead = Some(now);
        }
        if self.reachable(plan.provider).is_ok() {
            // A failure to start is found again by the next open that has to wait.
            let _ = self.board(epoch, &plan);
        }
    }

    async fn find(
        self: &Arc<Self>,
        epoch: u64,
        plan: &Arc<EntryPlan>,
    ) -> Result<Snapshot, OpenError> {
        let now = self.clock.now();
        {
            let mut state = self.guard();
            if let Some(held) = state.fresh(plan.key, now) {
                return Ok(held.snapshot());
            }
            if let Some(error) = state.negative(plan.key, now) {
                return Err(error.clone());
            }
        }
        let primary = match self.reachable(plan.provider) {
            Ok(()) => Ok(self.board(epoch, plan)?),
            Err(error) => {
                self.record(epoch, plan.key, &error, now);
                Err(error)
            }
        };
        let fallback = match &plan.fallback {
            Some(fallback) if self.reachable(fallback.provider).is_ok() => Fallback::Idle,
            _ => Fallback::None,
        };
        let outcome = self.wait(epoch, plan, Waits { primary, fallback }).await;
        if let Err(error) = &outcome
            && matches!(error, OpenError::TimedOut { .. } | OpenError::NoMemory)
        {
            // The flight that goes on has not told yet.
            self.record(epoch, plan.key, error, self.clock.now());
        }
        outcome
    }

    async fn wait(
        self: &Arc<Self>,
        epoch: u64,
        plan: &Arc<EntryPlan>,
        mut waits: Waits,
    ) -> Result<Snapshot, OpenError> {
        let timeout = Duration::from_millis(plan.open_timeout_ms);
        let start = Instant::now();
        let deadline = tokio::time::sleep_until(start + timeout);
        let half = tokio::time::sleep_until(start + timeout / 2);
        let mut deadline = std::pin::pin!(deadline);
        let mut half = std::pin::pin!(half);
        loop {
            if let Err(error) = &waits.primary {
                if !allows_stale(error) {
                    return Err(error.clone());
                }
                if let Some(stale) = self.stale(plan) {
                    return Ok(stale);
                }
                if matches!(waits.fallback, Fallback::Idle) {
                    waits.fallback = self.ask_fallback(epoch, plan);
                }
                if matches!(waits.fallback, Fallback::None) {
                    return Err(error.clone());
                }
            }
            tokio::select! {
                // An answer that is there wins over the time that is over.
                biased;
                outcome = arrive(waits.primary.as_ref().ok()) => match outcome {
                    Ok(snapshot) => return Ok(snapshot),
                    Err(error) => waits.primary = Err(error),
                },
                outcome = arrive(waits.fallback.asked()) => match outcome {
                    Ok(snapshot) => return Ok(snapshot),
                    Err(_) => waits.fallback = Fallback::None,
                },
                () = &mut deadline => return self.time_out(epoch, plan, &waits),
                () = &mut half, if matches!(waits.fallback, Fallback::Idle) && !half.is_elapsed() => {
                    // The stale value comes first, and waits for the provider to the end.
                    if self.stale(plan).is_none() {
                        waits.fallback = self.ask_fallback(epoch, plan);
                    }
                }
            }
        }
    }

    fn stale(&self, plan: &EntryPlan) -> Option<Snapshot> {
        let now = self.clock.now();
        let stale = Duration::from_millis(plan.stale_ms);
        self.guard().stale(plan.key, now, stale)
    }

    /// The open's time is over.
    fn time_out(&self, epoch: u64, plan: &EntryPlan, waits: &Waits) -> Result<Snapshot, OpenError> {
        let flight = match &waits.primary {
            Ok(flight) => flight,
            Err(error) => return Err(error.clone()),
        };
        if flight.hungry.load(Ordering::Relaxed) {
            return Err(OpenError::NoMemory);
        }
        let config = self.config();
        let source = config.source(plan.provider);
        let error = match source.map(|source| source.provider.health()) {
            // It waits for as long as its provider asked it to: EBUSY, not ETIMEDOUT.
            Some(Health::Failing(error)) if matches!(error.kind, ErrorKind::Limited { .. }) => {
                OpenError::Provider(error)
            }
            _ => OpenError::TimedOut {
                provider: source.map_or("?", |source| &source.name).to_owned(),
                seconds: plan.open_timeout_ms.div_ceil(1000),
            },
        };
        if let Some(stale) = self.stale(plan) {
            self.record(epoch, plan.key, &error, self.clock.now());
            return Ok(stale);
        }
        Err(error)
    }

    fn ask_fallback(self: &Arc<Self>, epoch: u64, plan: &EntryPlan) -> Fallback {
        let Some(fallback) = &plan.fallback else {
            return Fallback::None;
        };
        let config = self.config();
        let Some(source) = config.source(fallback.provider) else {
            return Fallback::None;
        };
        let plan = EntryPlan {
            provider: fallback.provider,
            source: Source::Secret(fallback.reference.clone()),
            fallback: None,
            ..plan.clone()
        };
        self.board_fallback(epoch, source, plan)
            .map_or(Fallback::None, Fallback::Asked)
    }

    /// Whether this provider may be asked at all.
    pub(super) fn reachable(&self, provider: u16) -> Result<(), OpenError> {
        let config = self.config();
        let source = config
            .source(provider)
            .ok_or(OpenError::Internal("the entry's provider is gone"))?;
        if self.offline && source.network {
            return Err(OpenError::Provider(ProviderError::new(
                ErrorKind::Unreachable,
                format!("provider {} is not asked with --offline", source.name),
                "mount without --offline, or give the entry a `fallback`",
            )));
        }
        Ok(())
    }
}

impl Fallback {
    fn asked(&self) -> Option<&Arc<Flight<Snapshot>>> {
        match self {
            Self::Asked(flight) => Some(flight),
            Self::Idle | Self::None => None,
        }
    }
}

/// The outcome of a flight; never, if there is none.
async fn arrive(flight: Option<&Arc<Flight<Snapshot>>>) -> Result<Snapshot, OpenError> {
    match flight {
        Some(flight) => flight.wait().await,
        None => std::future::pending().await,
    }
}
