//! One call of the trait: a budget of time, and requests with a token. What is wrong for a moment is
//! tried again a little later; a token that has ended is replaced, once; a rate limit is waited for.

use super::provider::Infisical;
use super::refusal::{self, Refusal};
use crate::error::{ErrorKind, ProviderError};
use crate::http::{Failure, Request, Response, Turn};
use crate::provider::Context;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often one request is tried again. Few: a stale value or a fallback waits behind it.
const RETRIES: u32 = 2;
/// The pause before the first of them, doubled for the second, each up to twice as long by chance.
const PAUSE: Duration = Duration::from_millis(100);
/// How often one request is asked again after a limit, whatever `Retry-After` says: a server that says 0
/// for ever is no reason to go on.
const LIMITS: u32 = 5;
/// Where a limit does not say how long it lasts.
const LIMITED: Duration = Duration::from_secs(5);

/// A call of the trait.
pub(super) struct Call<'a> {
    pub(super) of: &'a Infisical,
    pub(super) cx: &'a Context,
    pub(super) turn: Turn<'a>,
}

impl Call<'_> {
    /// GETs with a token. The answer is one of 200 or 304; of anything else it is told what it means,
    /// and [`Refusal::Token`], [`Refusal::Limited`] and [`Refusal::Server`] were dealt with.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        etag: Option<&str>,
    ) -> Result<Result<Response, Refusal>, ProviderError> {
        let mut attempt = 0;
        let mut limits = 0;
        let mut signed_in_again = false;
        loop {
            self.wait_for_limit().await?;
            let token =
                super::auth::token(&self.of.auth, &self.of.http, self.cx, &self.turn).await?;
            let text = token.show().map_err(|_| self.of.auth.missing())?;
            let request = Request {
                path,
                query,
                etag,
                bearer: Some(&text),
                ..Request::default()
            };
            let sent = Box::pin(self.send_once(request)).await;
            drop(text);
            let mut response = match sent {
                Ok(response) => response,
                Err(failure) if failure.is_passing => {
                    self.pause(&mut attempt, failure.error).await?;
                    continue;
                }
                Err(failure) => return Err(failure.error),
            };
            if matches!(response.status(), 200 | 304) {
                self.of.auth.worked(&token);
                return Ok(Ok(response));
            }
            match self.refusal(&mut response, "a request").await? {
                Refusal::Token { expired } => {
                    let now = self.cx.clock.now();
                    let error = self.of.auth.spoiled(&token, expired, now);
                    if !token.from_login || signed_in_again {
                        return Err(error);
                    }
                    signed_in_again = true;
                }
                Refusal::Limited(after) => {
                    let wait = after.unwrap_or(LIMITED).max(PAUSE);
                    self.limit(wait);
                    limits += 1;
                    if limits > LIMITS {
                        return Err(self.limited(wait));
                    }
                }
                other @ (Refusal::Server | Refusal::Stranger) => {
                    let error = self.failed(&other, "read secrets");
                    // A server that fails says so at once; one more try tells a hiccup from an outage.
                    if attempt >= 1 {
                        return Err(error);
                    }
                    self.pause(&mut attempt, error).await?;
                }
                other => return Ok(Err(other)),
            }
        }
    }

    /// One request, as it is.
    pub(super) async fn send_once(&self, request: Request<'_>) -> Result<Response, Failure> {
        self.of.http.send(request, &self.turn, self.cx).await
    }

    /// What an answer without a secret means. Its id goes into the log.
    pub(super) async fn refusal(
        &self,
        response: &mut Response,
        what: &str,
    ) -> Result<Refusal, ProviderError> {
        refusal::of(response, self.of.name(), what).await
    }

    /// Waits a little, unless it was often enough or the time is over: then the error stands.
    pub(super) async fn pause(
        &self,
        attempt: &mut u32,
        error: ProviderError,
    ) -> Result<(), ProviderError> {
        let pause = PAUSE * 2_u32.pow(*attempt);
        let pause = pause + pause * (self.of.chance() % 256) / 256;
        if *attempt >= RETRIES || pause * 2 >= self.turn.budget.left() {
            return Err(error);
        }
        *attempt += 1;
        sleep(pause).await;
        Ok(())
    }

    /// Remembers a limit: nobody asks before it is over.
    fn limit(&self, wait: Duration) {
        self.of.limits().limited_until = Instant::now().checked_add(wait);
    }

    /// Waits for the end of a rate limit, if that is before the end of the call.
    async fn wait_for_limit(&self) -> Result<(), ProviderError> {
        loop {
            let until = self.of.limits().limited_until;
            let Some(until) = until.filter(|until| *until > Instant::now()) else {
                return Ok(());
            };
            let wait = until.saturating_duration_since(Instant::now());
            let error = self.limited(wait);
            // Told while it lasts: an open whose time ends in it is answered EBUSY, not ETIMEDOUT.
            self.of.health.fails(&error);
            if until >= self.turn.budget.until() {
                return Err(error);
            }
            sleep(wait).await;
        }
    }

    fn limited(&self, wait: Duration) -> ProviderError {
        let kind = ErrorKind::Limited {
            retry_after: Some(wait),
        };
        let seconds = wait.as_millis().div_ceil(1000);
        self.error(
            kind,
            &format!("the server's rate limit is reached for another {seconds} s"),
            "wait, raise `ttl`, or put secrets that are used together into one folder",
        )
    }

    /// The error of a refusal that means the same whatever was asked.
    pub(super) fn failed(&self, refusal: &Refusal, to: &str) -> ProviderError {
        match refusal {
            Refusal::NoRoute => self.error(
                ErrorKind::Unreachable,
                "the server does not know the routes of Infisical",
                "check `site_url`: is it the address of an Infisical, with its path prefix?",
            ),
            Refusal::Missing | Refusal::MissingSecret | Refusal::MissingFolder => {
                self.error(ErrorKind::Missing, "there is no such thing", "")
            }
            Refusal::Token { .. } => self.error(
                ErrorKind::Refused,
                "the server refuses the credential",
                "give another one with `secretfs unlock`",
            ),
            Refusal::Denied => self.error(
                ErrorKind::Denied,
                &format!("the identity may not {to}"),
                "give it a role that may read these secrets",
            ),
            Refusal::Limited(after) => self.limited(after.unwrap_or(LIMITED)),
            Refusal::Invalid => self.error(
                ErrorKind::Protocol,
                "the server does not accept the request",
                "check project, environment, path and name in the map",
            ),
            Refusal::Server => self.error(
                ErrorKind::Server,
                "the server failed",
                "see its log; the id of the request is in the log of secretfs",
            ),
            Refusal::Stranger => self.error(
                ErrorKind::Unreachable,
                "something that is no Infisical answers",
                "check `site_url`, and whether a proxy or a portal is in between",
            ),
        }
    }

    /// The error of an answer that makes no sense.
    pub(super) fn nonsense(&self, to: &str) -> ProviderError {
        self.error(
            ErrorKind::Protocol,
            &format!("the server's answer {to} makes no sense"),
            "check `site_url`, and whether a proxy is in between",
        )
    }

    pub(super) fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        ProviderError::new(kind, format!("provider {}: {what}", self.of.name()), help)
    }
}
