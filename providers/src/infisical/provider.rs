//! The trait.

use super::api::Version;
use super::auth::Auth;
use super::call::Call;
use super::events::Events;
use crate::credential::CredentialOffer;
use crate::error::ProviderError;
use crate::health::Seen;
use crate::hints::Hints;
use crate::http::{Budget, Endpoint, HttpClient, Proxies};
use crate::provider::{Answer, BoxFuture, Context, Fetched, Health, Provider, Wanted};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::SealedPool;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The provider's name for itself.
const KIND: &str = "infisical";

/// What the map says of an Infisical.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Without a trailing `/`; a path prefix is kept.
    pub site_url: String,
    /// The project, by its id …
    pub project_id: Option<String>,
    /// … or its slug.
    pub project_slug: Option<String>,
    /// The environment of folders that name none.
    pub environment: String,
    /// `auth:`, where given.
    pub auth: Option<String>,
    /// `identity_id:`, where given.
    pub identity_id: Option<String>,
    /// Whether there is a `jwt_file:`.
    pub jwt_file: bool,
    /// Whether references are expanded in folders that do not say.
    pub expand_references: bool,
    /// Whether imports are included.
    pub include_imports: bool,
    /// Whether personal overrides win.
    pub personal: bool,
    /// Whether the server is asked to tell when something changes.
    pub events: bool,
    /// Whether the map names a CA bundle.
    pub ca_file: bool,
    /// Plain http beyond this machine.
    pub allow_insecure_http: bool,
}

/// An Infisical project.
#[derive(Debug)]
pub struct Infisical {
    pub(super) settings: Settings,
    pub(super) http: Arc<HttpClient>,
    pub(super) auth: Arc<Auth>,
    events: Events,
    pub(super) health: Seen,
    state: Mutex<State>,
    /// Held by the one who finds out which routes the server has.
    pub(super) search: tokio::sync::Mutex<()>,
    /// How often that was in vain.
    pub(super) searches: AtomicU64,
    dice: (std::hash::RandomState, AtomicU64),
}

/// What was learnt of the server.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) version: Option<Version>,
    pub(super) limited_until: Option<Instant>,
}

impl Infisical {
    /// The provider `name` at `index` of the map. No I/O.
    #[must_use]
    pub fn new(name: &str, index: u16, settings: Settings) -> Self {
        let endpoint = Endpoint::new(
            name,
            index,
            &settings.site_url,
            settings.ca_file,
            settings.allow_insecure_http,
        );
        Self {
            http: Arc::new(HttpClient::new(endpoint)),
            auth: Arc::new(Auth::new(name, index)),
            events: Events::new(name, &settings),
            health: Seen::nothing(),
            state: Mutex::default(),
            search: tokio::sync::Mutex::default(),
            searches: AtomicU64::new(0),
            dice: (std::hash::RandomState::new(), AtomicU64::new(0)),
            settings,
        }
    }

    /// The same, through one of these proxies, if its server is reached through one.
    #[must_use]
    pub fn through(mut self, proxies: &Arc<Proxies>) -> Self {
        let endpoint = self.http.endpoint().clone();
        self.http = Arc::new(HttpClient::new(endpoint).through(proxies));
        self
    }

    pub(super) fn name(&self) -> &str {
        self.http.endpoint().provider()
    }

    pub(super) fn limits(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nobody can foretell. Not for keys.
    pub(super) fn chance(&self) -> u32 {
        let count = self.dice.1.fetch_add(1, Ordering::Relaxed);
        u32::try_from(self.dice.0.hash_one(count) >> 32).unwrap_or_default()
    }

    pub(super) fn version(&self) -> Option<Version> {
        self.limits().version
    }

    /// Makes one call, when it is its turn, and remembers how it went.
    async fn call<'a, T, F>(
        &'a self,
        cx: &'a Context,
        make: impl FnOnce(Call<'a>) -> F,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>>,
    {
        let called = async {
            let turn = self.http.turn(Budget::of(cx)).await?;
            Box::pin(make(Call { of: self, cx, turn })).await
        };
        let outcome = called.await;
        self.health.note(&outcome);
        if outcome.is_ok() {
            self.events.ensure(&self.http, &self.auth, cx);
        }
        outcome
    }
}

impl Provider for Infisical {
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
        Box::pin(async move {
            let asked = self.call(
                cx,
                |call| async move { Box::pin(call.single(wanted)).await },
            );
            asked.await
        })
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Result<Answer, ProviderError>>, ProviderError>> {
        Box::pin(async move {
            let asked = self.call(cx, |call| async move { Box::pin(call.many(wanted)).await });
            asked.await
        })
    }

    fn fetch_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        max_size: usize,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(async move {
            let asked = self.call(cx, |call| async move {
                Box::pin(call.folder(folder, max_size)).await
            });
            asked.await
        })
    }

    fn list<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async move {
            let folder = self.settings.folder(folder);
            let asked = self.call(cx, |call| async move { Box::pin(call.names(folder)).await });
            asked.await
        })
    }

    fn folders<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async move {
            let folder = self.settings.folder(folder);
            let asked = self.call(
                cx,
                |call| async move { Box::pin(call.folders(folder)).await },
            );
            asked.await
        })
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        Reference::Infisical(super::Reference {
            name: name.to_owned(),
            path: folder.path.clone(),
            environment: folder
                .environment
                .clone()
                .unwrap_or_else(|| self.settings.environment.clone()),
            expand_references: folder
                .expand_references
                .unwrap_or(self.settings.expand_references),
        })
    }

    fn check<'a>(
        &'a self,
        reference: &'a Reference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let mut answers = self.check_many(std::slice::from_ref(reference), cx).await;
            answers.pop().unwrap_or(Ok(()))
        })
    }

    fn check_many<'a>(
        &'a self,
        references: &'a [Reference],
        cx: &'a Context,
    ) -> BoxFuture<'a, Vec<Result<(), ProviderError>>> {
        Box::pin(async move {
            let asked = self.call(cx, |call| async move {
                Box::pin(call.check_many(references)).await
            });
            match asked.await {
                Ok(answers) => answers,
                Err(error) => references.iter().map(|_| Err(error.clone())).collect(),
            }
        })
    }

    fn check_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        values: bool,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let folder = self.settings.folder(folder);
            let asked = self.call(cx, |call| async move {
                Box::pin(call.check_folder(folder, values)).await
            });
            asked.await
        })
    }

    fn supply(&self, offer: CredentialOffer, pool: &Arc<SealedPool>) -> Result<(), ProviderError> {
        self.take(offer, &self.origin(), pool)
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    fn hints(&self) -> Option<&Hints> {
        self.events.hints()
    }

    fn note(&self) -> Option<String> {
        self.events.note()
    }

    fn forget(&self) {
        self.events.forget();
        self.auth.forget();
        self.http.forget();
        self.health.forget();
        *self.limits() = State::default();
    }
}
