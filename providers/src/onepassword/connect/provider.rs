//! The trait.

use super::call::Call;
use super::known::Known;
use super::token::Token;
use crate::credential::{Credential, CredentialOffer, Kept};
use crate::error::{ErrorKind, ProviderError};
use crate::health::Seen;
use crate::http::{Budget, Endpoint, HttpClient, Proxies};
use crate::onepassword::wish::{Files, Outcome, member};
use crate::provider::{Answer, BoxFuture, Context, Health, Provider, Survey, Wanted};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::SealedPool;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The provider's name for itself.
const KIND: &str = "onepassword";

/// What the map says of a Connect server.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Without a trailing `/`; a path prefix is kept.
    pub connect_host: String,
    /// Whether the map names a CA bundle.
    pub ca_file: bool,
    /// Plain http beyond this machine.
    pub allow_insecure_http: bool,
    /// How long it waits before it tries again.
    pub pauses: Pauses,
}

/// Pauses before another try.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// The first, doubled for each after it.
    pub short: Duration,
    /// For what has to come from 1Password's cloud first (contract onepassword.md §4.8).
    pub long: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            short: Duration::from_millis(100),
            long: Duration::from_secs(1),
        }
    }
}

/// 1Password, through a Connect server.
#[derive(Debug)]
pub struct Connect {
    settings: Settings,
    pub(super) http: HttpClient,
    pub(super) token: Token,
    pub(super) health: Seen,
    known: Mutex<Known>,
    pace: Mutex<Pace>,
    /// Held by the one who looks for a vault by its name …
    pub(super) naming: tokio::sync::Mutex<()>,
    /// … and by the one who asks whether a vault has changed.
    pub(super) checking: tokio::sync::Mutex<()>,
    dice: (std::hash::RandomState, AtomicU64),
}

/// What holds requests up.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) limited_until: Option<Instant>,
}

impl Connect {
    /// The provider `name` at `index` of the map. No I/O.
    #[must_use]
    pub fn new(name: &str, index: u16, settings: Settings) -> Self {
        let endpoint = Endpoint::new(
            name,
            index,
            &settings.connect_host,
            settings.ca_file,
            settings.allow_insecure_http,
        );
        Self {
            http: HttpClient::new(endpoint),
            token: Token::none(name),
            health: Seen::nothing(),
            known: Mutex::default(),
            pace: Mutex::default(),
            naming: tokio::sync::Mutex::new(()),
            checking: tokio::sync::Mutex::new(()),
            dice: (std::hash::RandomState::new(), AtomicU64::new(0)),
            settings,
        }
    }

    /// The same, through one of these proxies, if its server is reached through one.
    #[must_use]
    pub fn through(mut self, proxies: &Arc<Proxies>) -> Self {
        self.http = self.http.through(proxies);
        self
    }

    pub(super) fn name(&self) -> &str {
        self.http.endpoint().provider()
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pauses(&self) -> Pauses {
        self.settings.pauses
    }

    /// A number that nobody can foretell. Not for keys.
    pub(super) fn chance(&self) -> u32 {
        let count = self.dice.1.fetch_add(1, Ordering::Relaxed);
        u32::try_from(self.dice.0.hash_one(count) >> 32).unwrap_or_default()
    }

    /// Makes one call, when it is its turn, and remembers how it went.
    pub(super) async fn call(
        &self,
        wanted: &[Wanted],
        files: Files,
        cx: &Context,
    ) -> Result<Vec<Outcome>, ProviderError> {
        let called = async {
            let turn = self.http.turn(Budget::of(cx)).await?;
            let call = Call { of: self, cx, turn };
            Box::pin(call.fetch(wanted, files)).await
        };
        let outcome = called.await;
        self.health.note(&outcome);
        outcome
    }

    async fn one(&self, wanted: &Wanted, files: Files, cx: &Context) -> Outcome {
        let outcomes = self.call(std::slice::from_ref(wanted), files, cx).await?;
        // One wish, one outcome.
        outcomes
            .into_iter()
            .next()
            .unwrap_or_else(|| Err(self.no_outcome()))
    }

    fn no_outcome(&self) -> ProviderError {
        let message = format!("provider {}: nothing was answered", self.name());
        ProviderError::new(ErrorKind::Protocol, message, "")
    }
}

impl Provider for Connect {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn origin(&self) -> String {
        self.http.endpoint().origin()
    }

    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(self.one(wanted, Files::First, cx))
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Outcome>, ProviderError>> {
        Box::pin(async move {
            if wanted.is_empty() {
                return Ok(Vec::new());
            }
            self.call(wanted, Files::First, cx).await
        })
    }

    fn brings_whole_places(&self) -> bool {
        true
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        member(folder, name)
    }

    fn check<'a>(
        &'a self,
        reference: &'a Reference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let answers = self.check_all(std::slice::from_ref(reference), cx).await;
            answers
                .into_iter()
                .next()
                .unwrap_or_else(|| Err(self.no_outcome()))
        })
    }

    fn check_many<'a>(
        &'a self,
        references: &'a [Reference],
        cx: &'a Context,
    ) -> BoxFuture<'a, Vec<Result<(), ProviderError>>> {
        Box::pin(self.check_all(references, cx))
    }

    fn survey<'a>(
        &'a self,
        of: &'a str,
        seen: &'a (dyn Fn(usize, usize) + Send + Sync),
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Survey, ProviderError>> {
        Box::pin(async move {
            let surveyed = async {
                let turn = self.http.turn(Budget::of(cx)).await?;
                let call = Call { of: self, cx, turn };
                call.survey(of, seen).await
            };
            let surveyed = surveyed.await;
            self.health.note(&surveyed);
            surveyed
        })
    }

    fn supply(&self, offer: CredentialOffer, pool: &Arc<SealedPool>) -> Result<(), ProviderError> {
        let refused = |what: &str, help: &str| {
            let message = format!("provider {}: {what}", self.name());
            Err(ProviderError::new(ErrorKind::Refused, message, help))
        };
        let origin = self.origin();
        if offer.origin != origin {
            return refused(
                &format!("a credential for {} is not sent to {origin}", offer.origin),
                "give the credential of this server, or mend `connect_host` in the map",
            );
        }
        let Credential::Token(token) = offer.credential else {
            return refused(
                "this kind of credential is not what a Connect server takes",
                "give a Connect token",
            );
        };
        self.token.supply(Kept::keep(&token, pool, "the token")?);
        Ok(())
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    fn forget(&self) {
        self.token.forget();
        self.http.forget();
        self.health.forget();
        *self.known() = Known::default();
        *self.pace() = Pace::default();
    }
}
