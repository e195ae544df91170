//! The rate limiter of the cloud: plain self-hosted servers have none, and no headers (contract §6).

use super::refusal::Refusal;
use super::route::Route;
use crate::http_sim::{Answer, Request};
use std::collections::BTreeMap;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// How many requests a client address may make in a minute, by group of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Reads of secrets.
    pub secrets: u32,
    /// Other reads.
    pub reads: u32,
    /// Sign-ins.
    pub logins: u32,
}

impl Default for Limits {
    /// The cloud without the data of a plan.
    fn default() -> Self {
        Self {
            secrets: 40,
            reads: 60,
            logins: 200,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Secrets,
    Reads,
    Logins,
}

#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    /// The start of the window, and how many there were in it.
    counts: BTreeMap<(Group, String), (Duration, u32)>,
}

/// What the limiter says of one request.
#[derive(Debug)]
pub(super) struct Limited {
    limit: u32,
    remaining: u32,
    /// Seconds to the end of the window, not a time.
    reset: u64,
    pub(super) is_over: bool,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn count(&mut self, route: Route, request: &Request, now: Duration) -> Limited {
        let (group, limit) = match route {
            Route::SecretSingle | Route::SecretById | Route::SecretList => {
                (Group::Secrets, self.limits.secrets)
            }
            Route::Login | Route::MachineLogin | Route::Renew | Route::Revoke => {
                (Group::Logins, self.limits.logins)
            }
            _ => (Group::Reads, self.limits.reads),
        };
        // By the client's address, which the server believes a proxy.
        let client = request.header("x-forwarded-for").unwrap_or("127.0.0.1");
        let entry = self.counts.entry((group, client.to_owned()));
        let (start, count) = entry.or_insert((now, 0));
        if now >= *start + WINDOW {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        let left = (*start + WINDOW).saturating_sub(now);
        Limited {
            limit,
            remaining: limit.saturating_sub(*count),
            reset: u64::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u64::MAX),
            is_over: *count > limit,
        }
    }
}

impl Limited {
    pub(super) fn refusal(&self) -> Refusal {
        let message = format!(
            "Rate limit exceeded. Please try again in {} seconds",
            self.reset
        );
        Refusal::new(429, "RateLimitExceeded", message)
    }

    pub(super) fn mark(&self, answer: Answer) -> Answer {
        let answer = answer
            .with("x-ratelimit-limit", self.limit.to_string())
            .with("x-ratelimit-remaining", self.remaining.to_string())
            .with("x-ratelimit-reset", self.reset.to_string());
        if self.is_over {
            return answer.with("retry-after", self.reset.to_string());
        }
        answer
    }
}
