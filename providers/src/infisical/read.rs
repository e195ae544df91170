//! Requests for secrets, and what their answers mean: which routes the server has, the stream of an
//! answer, a value that may be served.

use super::api::{Folder, Route, Version};
use super::call::Call;
use super::provider::Infisical;
use super::refusal::Refusal;
use super::secrets::{Collector, Malformed, Reader, Value};
use crate::error::{ErrorKind, ProviderError};
use crate::http::Response;
use crate::json::{JsonError, Stopped, Tokenizer};
use secretfs_memory::sealed::Sealed;
use std::sync::atomic::Ordering;
use tokio::sync::MutexGuard;

impl Call<'_> {
    /// The answer of a route that both versions have. Finds out which of them the server has, where
    /// that is not known.
    pub(super) async fn ask<'a>(
        &self,
        route: impl Fn(Version) -> Route<'a>,
        etag: Option<&str>,
    ) -> Result<Result<Response, Refusal>, ProviderError> {
        // One finds out; a hundred that open at once would ask a hundred times for what is not there.
        let _searching = match self.of.version() {
            Some(_) => None,
            None => self.searching().await?,
        };
        let first = self.of.version();
        let first = first.unwrap_or_else(|| self.of.settings.first_version());
        for version in [first, Version::V3] {
            let route = route(version);
            // Boxed, as every step below a call of the trait is: what is nested lies on the locked stack
            // as a whole while it is made.
            let answer = Box::pin(self.get(&route.path, &route.query, etag)).await?;
            match answer {
                Err(Refusal::NoRoute) if version == Version::V4 => {
                    self.of.limits().version = Some(Version::V3);
                }
                Err(Refusal::NoRoute) => break,
                answer => {
                    self.of.limits().version = Some(version);
                    return Ok(answer);
                }
            }
        }
        Err(self.failed(&Refusal::NoRoute, ""))
    }

    /// The turn to find out; `None`: somebody did meanwhile, or tried in vain. Then all who waited go
    /// on at once: behind each other they would be told in turn that a server is broken.
    async fn searching(&self) -> Result<Option<Searching<'_>>, ProviderError> {
        let tried = self.of.searches.load(Ordering::Relaxed);
        let until = self.turn.budget.until();
        let turn = tokio::time::timeout_at(until, self.of.search.lock()).await;
        let turn = turn.map_err(|_| {
            self.error(
                ErrorKind::TimedOut,
                "the server did not answer the first request in time",
                "see `secretfs status` for the provider's health",
            )
        })?;
        let in_vain = self.of.searches.load(Ordering::Relaxed) != tried;
        Ok(
            (self.of.version().is_none() && !in_vain).then_some(Searching {
                of: self.of,
                _turn: turn,
            }),
        )
    }

    /// Reads the secrets of an answer.
    pub(super) async fn read<C: Collector>(
        &self,
        response: &mut Response,
        limit: u64,
        collector: C,
    ) -> Result<C, ProviderError> {
        if !response.is_json() {
            return Err(self.failed(&Refusal::Stranger, ""));
        }
        let mut tokenizer = Tokenizer::new();
        let mut reader = Reader::new(collector);
        while let Some(chunk) = response.chunk(limit).await? {
            let read = tokenizer.push(&chunk, |token| reader.token(token));
            read.map_err(|stopped| self.unread(&stopped))?;
        }
        let read = tokenizer.finish(|token| reader.token(token));
        read.map_err(|stopped| self.unread(&stopped))?;
        reader.finish().map_err(|_| self.nonsense("to a request"))
    }

    fn unread(&self, stopped: &Stopped<Malformed>) -> ProviderError {
        match stopped {
            // The length that was announced came: it is the server that wrote half a document.
            Stopped::Json(JsonError::Truncated { .. }) => self.nonsense("ends early, and"),
            Stopped::Json(_) => self.nonsense("is not JSON, and"),
            Stopped::Sink(_) => self.nonsense("to a request"),
        }
    }

    /// A value that may be served, or why there is none.
    pub(super) fn value(&self, value: Value, name: &str) -> Result<Sealed, ProviderError> {
        match value {
            Value::Whole(value) => Ok(value),
            Value::Failed(error) => Err(ProviderError::sealed(
                error,
                format_args!("provider {}: the value of {name:?}", self.of.name()),
            )),
            Value::Hidden => Err(self.error(
                ErrorKind::Denied,
                &format!("the identity may know of {name:?}, but not read its value"),
                "give it a role that may read values",
            )),
            Value::Absent | Value::Dropped => Err(self.nonsense("has no value, and")),
        }
    }

    /// What a refusal means for one secret.
    pub(super) fn about(&self, refusal: &Refusal, name: &str, of: Folder<'_>) -> ProviderError {
        match refusal {
            Refusal::Missing | Refusal::MissingSecret => self.missing(name, of),
            Refusal::Denied => self.error(
                ErrorKind::Denied,
                &format!("the identity may not read {name:?} in {}", place(of)),
                "give it a role that may read the values of this folder",
            ),
            other => self.about_folder(other, of),
        }
    }

    /// There is no such secret.
    pub(super) fn missing(&self, name: &str, of: Folder<'_>) -> ProviderError {
        self.error(
            ErrorKind::Missing,
            &format!("there is no secret {name:?} in {}", place(of)),
            "check name, path, environment and project in the map; `secretfs check --online` tells what there is",
        )
    }

    /// What a refusal means for a folder.
    pub(super) fn about_folder(&self, refusal: &Refusal, of: Folder<'_>) -> ProviderError {
        match refusal {
            Refusal::Missing | Refusal::MissingSecret | Refusal::MissingFolder => self.error(
                ErrorKind::Missing,
                &format!("there is no folder {}", place(of)),
                "check path, environment and project in the map; `secretfs check --online` tells what there is",
            ),
            Refusal::Denied => self.error(
                ErrorKind::Denied,
                &format!("the identity may not read the secrets of {}", place(of)),
                "give it a role that may read the values of this folder",
            ),
            other => self.failed(other, "read secrets"),
        }
    }
}

/// One who finds out which routes the server has.
struct Searching<'a> {
    of: &'a Infisical,
    _turn: MutexGuard<'a, ()>,
}

impl Drop for Searching<'_> {
    /// Also where the call was given up: what waited behind it must not wait for another one.
    fn drop(&mut self) {
        if self.of.version().is_none() {
            self.of.searches.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A folder, for people.
pub(super) fn place(of: Folder<'_>) -> String {
    format!("{:?} of {:?}", of.path, of.environment)
}
