//! One call of the trait: a budget of time, and GETs with the token. What is wrong for a moment is
//! tried again a little later, each kind of failure as often as §4.8 of the contract says; a rate
//! limit is waited for.

use super::provider::Connect;
use super::refusal::{self, Refusal, Told};
use crate::error::{ErrorKind, ProviderError};
use crate::http::{Request, Response, Turn};
use crate::provider::{BoxFuture, Context};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

/// How often a request is tried again where the connection broke, or for 502, 503 and 504. Few: a
/// stale value or a fallback waits behind it.
const RETRIES: u32 = 2;
/// How often for 408: each has taken the server its `OP_SYNC_TIMEOUT` already.
const SYNCING: u32 = 3;
/// How often for a 403 that comes and goes.
const SPORADIC: u32 = 2;
/// How often for what was not synchronised yet.
const UNSYNCED: u32 = 4;
/// How often for 429, whatever `Retry-After` says: a server that says 0 for ever is no reason to go on.
const LIMITS: u32 = 5;
/// Where a limit does not say how long it lasts.
const LIMITED: Duration = Duration::from_secs(5);

/// The header of every answer of a server later than 1.2.0.
const VERSION: &str = "1password-connect-version";

/// A call of the trait.
pub(super) struct Call<'a> {
    pub(super) of: &'a Connect,
    pub(super) cx: &'a Context,
    pub(super) turn: Turn<'a>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// A file's bytes rather than JSON.
    pub(super) is_file: bool,
}

/// What the server says no with; the one who asked knows what it means there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    /// There is no such thing, or what was asked with is no id.
    Missing,
    /// The token may not read it, or the id is unknown.
    Denied,
}

/// How often what was tried again.
#[derive(Debug, Default)]
struct Tries {
    broken: u32,
    syncing: u32,
    sporadic: u32,
    unsynced: u32,
    limits: u32,
}

impl Call<'_> {
    /// GETs. The answer is a 200 of the right type.
    ///
    /// In a box: this is where most of a call's state is, and the steps that ask are nested.
    pub(super) fn get<'a>(
        &'a self,
        ask: Ask<'a>,
    ) -> BoxFuture<'a, Result<Result<Response, No>, ProviderError>> {
        Box::pin(self.get_in_time(ask))
    }

    async fn get_in_time(&self, ask: Ask<'_>) -> Result<Result<Response, No>, ProviderError> {
        let mut tries = Tries::default();
        loop {
            self.wait_for_limit().await?;
            let (token, epoch) = self.of.token.ready(self.cx.clock.now())?;
            let request = Request {
                path: ask.path,
                query: ask.query,
                bearer: Some(&token),
                is_file: ask.is_file,
                ..Request::default()
            };
            let sent = self.of.http.send(request, &self.turn, self.cx).await;
            drop(token);
            let mut response = match sent {
                Ok(response) => response,
                Err(failure) if failure.is_passing => {
                    let short = self.of.pauses().short;
                    self.pause(&mut tries.broken, RETRIES, short, failure.error)
                        .await?;
                    continue;
                }
                Err(failure) => return Err(failure.error),
            };
            if response.status() == 200 {
                let is_right = if ask.is_file {
                    // A portal's page would be served as the file otherwise.
                    response.has(VERSION) || response.is_kind("application/octet-stream")
                } else {
                    response.is_json()
                };
                if !is_right {
                    return Err(self.failed(Refusal::Stranger));
                }
                self.of.token.worked();
                return Ok(Ok(response));
            }
            let refusal = self.refusal(&mut response).await?;
            drop(response);
            let no = match refusal {
                // Not an id: as the server would say of an unknown one.
                Refusal::Missing | Refusal::Invalid => No::Missing,
                Refusal::Denied { is_sporadic: false } => No::Denied,
                Refusal::Denied { is_sporadic: true } if tries.sporadic >= SPORADIC => No::Denied,
                Refusal::Token => {
                    return Err(self.of.token.refused(epoch, self.cx.clock.now()));
                }
                again => {
                    self.again(again, ask, &mut tries).await?;
                    continue;
                }
            };
            // It is well, and so is the token.
            self.of.token.worked();
            return Ok(Err(no));
        }
    }

    /// Waits before another try, or says why there is none.
    async fn again(
        &self,
        refusal: Refusal,
        ask: Ask<'_>,
        tries: &mut Tries,
    ) -> Result<(), ProviderError> {
        let error = self.failed(refusal);
        let pauses = self.of.pauses();
        match refusal {
            Refusal::Denied { .. } => {
                self.pause(&mut tries.sporadic, SPORADIC, pauses.short, error)
                    .await
            }
            Refusal::Syncing => {
                self.pause(&mut tries.syncing, SYNCING, pauses.short, error)
                    .await
            }
            Refusal::Limited(after) => {
                tries.limits += 1;
                if tries.limits > LIMITS {
                    return Err(error);
                }
                let wait = after.unwrap_or(LIMITED).max(pauses.short);
                self.of.pace().limited_until = Instant::now().checked_add(wait);
                Ok(())
            }
            // Of a file it means that its content has not come from the cloud yet.
            Refusal::Passing | Refusal::Server { .. } if ask.is_file => {
                self.pause(&mut tries.unsynced, UNSYNCED, pauses.long, error)
                    .await
            }
            Refusal::Server { is_syncing: true } => {
                self.pause(&mut tries.unsynced, UNSYNCED, pauses.long, error)
                    .await
            }
            Refusal::Passing => {
                self.pause(&mut tries.broken, RETRIES, pauses.short, error)
                    .await
            }
            _ => Err(error),
        }
    }

    /// What an answer without a result means.
    async fn refusal(&self, response: &mut Response) -> Result<Refusal, ProviderError> {
        let told = Told {
            status: response.status(),
            is_json: response.is_json(),
            has_version: response.has(VERSION),
            retry_after: response.retry_after(),
            body: &[],
        };
        let body = match response.small(refusal::MAX_BODY).await {
            Ok(body) => body,
            // A page too long to be the server's: the status has to do.
            Err(error) if error.kind == ErrorKind::TooLarge => Zeroizing::default(),
            Err(error) => return Err(error),
        };
        let status = told.status;
        tracing::info!(provider = %self.of.name(), status, "a request was answered with an error");
        Ok(refusal::read(Told {
            body: &body,
            ..told
        }))
    }

    /// Waits a little longer each time, unless it was often enough or the time is over: then the error
    /// stands.
    async fn pause(
        &self,
        count: &mut u32,
        most: u32,
        first: Duration,
        error: ProviderError,
    ) -> Result<(), ProviderError> {
        let pause = if first >= Duration::from_millis(500) {
            first
        } else {
            first * 2_u32.pow((*count).min(4))
        };
        let pause = pause + pause * (self.of.chance() % 256) / 1024;
        if *count >= most || pause * 2 >= self.turn.budget.left() {
            return Err(error);
        }
        *count += 1;
        // Told while it lasts.
        self.of.health.fails(&error);
        sleep(pause).await;
        Ok(())
    }

    /// Waits for the end of a rate limit, if that is before the end of the call.
    async fn wait_for_limit(&self) -> Result<(), ProviderError> {
        loop {
            let until = self.of.pace().limited_until;
            let Some(until) = until.filter(|until| *until > Instant::now()) else {
                return Ok(());
            };
            let wait = until.saturating_duration_since(Instant::now());
            let error = self.failed(Refusal::Limited(Some(wait)));
            // An open whose time ends in it is answered EBUSY, not ETIMEDOUT.
            self.of.health.fails(&error);
            if until >= self.turn.budget.until() {
                return Err(error);
            }
            sleep(wait).await;
        }
    }

    /// The error of a refusal that means the same whatever was asked.
    pub(super) fn failed(&self, refusal: Refusal) -> ProviderError {
        match refusal {
            Refusal::Syncing | Refusal::Server { is_syncing: true } => self.error(
                ErrorKind::Server,
                "the server has not synchronised with 1Password yet",
                "wait a little; its log, and `/health`, say whether it can reach 1Password",
            ),
            Refusal::Server { .. } => self.error(
                ErrorKind::Server,
                "the server failed",
                "see its log, and `/health`",
            ),
            Refusal::Passing => self.error(
                ErrorKind::Server,
                "the server, or a proxy in front of it, is not well",
                "see whether the server runs, and its log",
            ),
            Refusal::Limited(after) => {
                let wait = after.unwrap_or(LIMITED);
                let seconds = wait.as_millis().div_ceil(1000);
                self.error(
                    ErrorKind::Limited {
                        retry_after: Some(wait),
                    },
                    &format!("requests are limited for another {seconds} s"),
                    "wait, or raise `ttl`",
                )
            }
            Refusal::Denied { .. } => self.error(
                ErrorKind::Denied,
                "the token may not read this",
                "give the token access to the vault",
            ),
            Refusal::Missing => self.error(ErrorKind::Missing, "there is no such thing", ""),
            Refusal::Token => self.error(ErrorKind::Refused, "the server refuses the token", ""),
            Refusal::Invalid | Refusal::TooLarge => self.error(
                ErrorKind::Protocol,
                "the server does not accept the request",
                "check the reference in the map; ids work where a name does not",
            ),
            Refusal::Stranger => self.error(
                ErrorKind::Unreachable,
                "something that is no Connect server answers",
                "check `connect_host`, with its path prefix, and whether a proxy or a portal is in between",
            ),
        }
    }

    /// The error of an answer that makes no sense.
    pub(super) fn nonsense(&self, what: &str) -> ProviderError {
        self.error(
            ErrorKind::Protocol,
            &format!("the server's answer makes no sense: {what}"),
            "check `connect_host`, and whether a proxy is in between",
        )
    }

    pub(super) fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        ProviderError::new(kind, format!("provider {}: {what}", self.of.name()), help)
    }
}
