//! A flight: one request to a provider, and what becomes of its answers.

use super::config::Source;
use super::job::{Failed, Got, Job};
use super::takeoff::Landing;
use super::{Cache, Snapshot};
use crate::error::OpenError;
use secretfs_providers::{ErrorKind, ProviderError, Wanted};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// From which size on a value is large.
const LARGE: usize = 64 << 10;
/// What is evicted first when a value of unknown size found no room.
const FIRST_EVICTION: usize = 64 << 10;

/// Whom to ask, and whether what comes is kept.
pub(super) struct Order {
    pub(super) source: Source,
    pub(super) keep: bool,
}

impl Order {
    /// How long it may take.
    fn limit(&self, job: &Job) -> Duration {
        let open = Duration::from_millis(job.plan.open_timeout_ms);
        // A fallback's value is of no use when its openers have left.
        if self.keep {
            self.source.flight.max(open)
        } else {
            open
        }
    }

    fn timed_out(&self, limit: Duration) -> OpenError {
        OpenError::Provider(ProviderError::new(
            ErrorKind::TimedOut,
            format!(
                "provider {} did not answer within {} s",
                self.source.name,
                limit.as_secs()
            ),
            "see `secretfs status` for the provider's health",
        ))
    }
}

impl Cache {
    /// Carries the jobs out, until a lock.
    pub(super) async fn fly(
        self: &Arc<Self>,
        order: Order,
        mut jobs: Vec<Job>,
        mut landing: Landing,
    ) {
        let epoch = landing.epoch;
        tokio::select! {
            biased;
            () = self.ended(epoch) => {}
            () = async {
                if jobs.len() == 1 && let Some(job) = jobs.pop() {
                    self.fly_alone(&order, &job, &mut landing).await;
                } else {
                    self.fly_together(&order, jobs, &mut landing).await;
                }
            } => {}
        }
    }

    async fn fly_alone(&self, order: &Order, job: &Job, landing: &mut Landing) {
        let limit = order.limit(job);
        let work = self.fetch_alone(order, job, landing);
        let outcome = match tokio::time::timeout(limit, work).await {
            Ok(outcome) => outcome,
            Err(_) if is_hungry(landing, job) => Err(OpenError::NoMemory),
            Err(_) => Err(order.timed_out(limit)),
        };
        self.settle(order, job, outcome, landing);
    }

    /// Asks until there is room for the answer.
    async fn fetch_alone(
        &self,
        order: &Order,
        job: &Job,
        landing: &Landing,
    ) -> Result<Got, OpenError> {
        let known = self.guard().identity.size(job.key);
        self.make_room_for(known.unwrap_or(0));
        let mut evict = known.unwrap_or(0).max(FIRST_EVICTION);
        loop {
            match self.ask(order, job, known).await {
                Ok(got) => return Ok(got),
                Err(Failed::Open(error)) => return Err(error),
                Err(Failed::Alone) => return Err(not_alone(order)),
                Err(Failed::Full) => {
                    set_hungry(landing, job, true);
                    self.wait_for_room(evict).await;
                    set_hungry(landing, job, false);
                    evict = job.max_size().max(FIRST_EVICTION);
                }
            }
        }
    }

    /// One request for one value.
    async fn ask(&self, order: &Order, job: &Job, known: Option<usize>) -> Result<Got, Failed> {
        let provider = &order.source.provider;
        let context = self.context(order.limit(job));
        match &job.plan.source {
            crate::map::Source::Secret(reference) => {
                let _turn = match known {
                    Some(size) if size > LARGE => Some(self.turn().await?),
                    _ => None,
                };
                let wanted = job.wanted(reference);
                let answer = provider.fetch(&wanted, &context).await?;
                job.accept(&self.pool, answer)
            }
            crate::map::Source::Rendered { folder, format } => {
                let _turn = self.turn().await?;
                let secrets = provider
                    .fetch_folder(folder, job.max_size(), &context)
                    .await?;
                job.render(&self.pool, *format, &secrets)
            }
            crate::map::Source::Listed { .. } => Err(Failed::Open(OpenError::Internal(
                "a folder was opened as a file",
            ))),
        }
    }

    /// A turn at decoding something large.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Failed> {
        self.large
            .acquire()
            .await
            .map_err(|_| Failed::Open(OpenError::Internal("the queue of large values is closed")))
    }

    /// One request for all of them.
    async fn fly_together(self: &Arc<Self>, order: &Order, jobs: Vec<Job>, landing: &mut Landing) {
        let wanted: Vec<Wanted> = jobs
            .iter()
            .filter_map(|job| match &job.plan.source {
                crate::map::Source::Secret(reference) => Some(job.wanted(reference)),
                _ => None,
            })
            .collect();
        // The first one is the opened one, with its own patience. An open that was served at once does not
        // wait for it; what becomes of it is told and remembered all the same.
        let opened = jobs.first().map(|job| job.key);
        let limit = jobs
            .first()
            .map_or(order.source.flight, |job| order.limit(job));
        let context = self.context(limit);
        let request = order.source.provider.fetch_many(&wanted, &context);
        let answers = match tokio::time::timeout(limit, request).await {
            Ok(Ok(answers)) if answers.len() == jobs.len() => answers,
            Ok(Ok(_)) => {
                return self.one_by_one(order, jobs, &miscounted(order), landing);
            }
            Ok(Err(error)) => {
                return self.one_by_one(order, jobs, &OpenError::Provider(error), landing);
            }
            Err(_) => {
                return self.one_by_one(order, jobs, &order.timed_out(limit), landing);
            }
        };
        for (job, answer) in jobs.into_iter().zip(answers) {
            let got = answer
                .map_err(Failed::from)
                .and_then(|answer| job.accept(&self.pool, answer));
            match got {
                Ok(got) => self.settle(order, &job, Ok(got), landing),
                // No room: it is fetched again for those who wait, and left out for those who don't.
                Err(Failed::Full) => {
                    if is_awaited(landing, &job)
                        && let Some(landing) = landing.hand_over(job.key)
                    {
                        self.relaunch(order, job, landing);
                    } else {
                        landing.land(job.key, Err(OpenError::NoMemory));
                    }
                }
                // From now on it is fetched by itself; at once, if somebody waits.
                Err(Failed::Alone) => {
                    let now = self.clock.now();
                    self.guard().loners.add(job.key, now);
                    if (opened == Some(job.key) || is_awaited(landing, &job))
                        && let Some(landing) = landing.hand_over(job.key)
                    {
                        self.relaunch(order, job, landing);
                    } else {
                        landing.land(job.key, Err(not_alone(order)));
                    }
                }
                Err(Failed::Open(error)) => self.settle(order, &job, Err(error), landing),
            }
        }
    }

    /// The list failed. Where that may be the list's own fault (a credential that may read but not
    /// list, one value that breaks it), the opened one and those who wait get a request each.
    fn one_by_one(
        self: &Arc<Self>,
        order: &Order,
        jobs: Vec<Job>,
        error: &OpenError,
        landing: &mut Landing,
    ) {
        let retry = match error {
            OpenError::Provider(error) => match error.kind {
                // One by one would be the same request again.
                _ if order.source.provider.brings_whole_places() => false,
                ErrorKind::Missing
                | ErrorKind::Denied
                | ErrorKind::TooLarge
                | ErrorKind::NoMemory
                | ErrorKind::Ambiguous
                | ErrorKind::Protocol
                | ErrorKind::Unsupported => true,
                ErrorKind::Refused
                | ErrorKind::Expired
                | ErrorKind::NoCredential
                | ErrorKind::Unreachable
                | ErrorKind::TimedOut
                | ErrorKind::Limited { .. }
                | ErrorKind::Server => false,
            },
            _ => false,
        };
        if retry {
            landing.mark_unlistable();
        }
        let opened = jobs.first().map(|job| job.key);
        for job in jobs {
            if opened != Some(job.key) && !is_awaited(landing, &job) {
                landing.land(job.key, Err(error.clone()));
            } else if retry && let Some(landing) = landing.hand_over(job.key) {
                self.relaunch(order, job, landing);
            } else {
                self.settle(order, &job, Err(error.clone()), landing);
            }
        }
    }

    /// Publishes an answer, or remembers a failure, and lets the waiters know.
    fn settle(
        &self,
        order: &Order,
        job: &Job,
        outcome: Result<Got, OpenError>,
        landing: &mut Landing,
    ) {
        let orphan = landing
            .flight(job.key)
            .is_none_or(|flight| flight.orphan.load(Ordering::Relaxed));
        let keep = order.keep && !orphan;
        let outcome = match outcome {
            Ok(got) => match self.newer(job, keep) {
                Some(newer) => Ok(newer),
                None => self.publish(landing.epoch, job, got, keep),
            },
            Err(error) => {
                if keep {
                    self.record(landing.epoch, job.key, &error, self.clock.now());
                }
                Err(error)
            }
        };
        landing.land(job.key, outcome);
    }

    /// What is fresh already, for an answer that will not be kept: a fallback's, or one that a
    /// `refresh` overtook. It must not follow something newer.
    fn newer(&self, job: &Job, keep: bool) -> Option<Snapshot> {
        if keep {
            return None;
        }
        let now = self.clock.now();
        self.guard().fresh(job.key, now).map(|held| held.snapshot())
    }
}

fn is_awaited(landing: &Landing, job: &Job) -> bool {
    landing
        .flight(job.key)
        .is_some_and(|flight| flight.is_awaited())
}

fn is_hungry(landing: &Landing, job: &Job) -> bool {
    landing
        .flight(job.key)
        .is_some_and(|flight| flight.hungry.load(Ordering::Relaxed))
}

fn set_hungry(landing: &Landing, job: &Job, hungry: bool) {
    if let Some(flight) = landing.flight(job.key) {
        flight.hungry.store(hungry, Ordering::Relaxed);
    }
}

fn not_alone(order: &Order) -> OpenError {
    OpenError::Provider(ProviderError::new(
        ErrorKind::Protocol,
        format!(
            "provider {} has no answer to a request for one secret",
            order.source.name
        ),
        "",
    ))
}

fn miscounted(order: &Order) -> OpenError {
    OpenError::Provider(ProviderError::new(
        ErrorKind::Protocol,
        format!(
            "provider {} answered another number of secrets than was asked for",
            order.source.name
        ),
        "",
    ))
}
