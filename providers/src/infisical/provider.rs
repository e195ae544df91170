//! The trait.

use super::api::{self, Version};
use super::auth::Auth;
use super::call::Call;
use super::refusal::Refusal;
use super::secrets::{Collector, Opened, Origin, Reader, Secret, Value};
use crate::credential::{Credential, CredentialOffer, Kept};
use crate::error::{ErrorKind, ProviderError};
use crate::health::Seen;
use crate::http::{Budget, Endpoint, HttpClient, Response};
use crate::json::{JsonError, Stopped, Tokenizer};
use crate::provider::{
    Answer, BoxFuture, Context, Fetched, Health, Provider, Validator, Wanted, unsupported,
};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::{SealedPool, SealedWriter};
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
    /// Whether references are expanded in folders that do not say.
    pub expand_references: bool,
    /// Whether imports are included.
    pub include_imports: bool,
    /// Whether personal overrides win.
    pub personal: bool,
    /// Whether the map names a CA bundle.
    pub ca_file: bool,
    /// Plain http beyond this machine.
    pub allow_insecure_http: bool,
}

/// An Infisical project.
#[derive(Debug)]
pub struct Infisical {
    pub(super) settings: Settings,
    pub(super) http: HttpClient,
    pub(super) auth: Auth,
    pub(super) health: Seen,
    state: Mutex<State>,
    dice: (std::hash::RandomState, AtomicU64),
}

/// What was learnt of the server.
#[derive(Debug, Default)]
pub(super) struct State {
    version: Option<Version>,
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
            http: HttpClient::new(endpoint),
            auth: Auth::new(name),
            health: Seen::nothing(),
            state: Mutex::default(),
            dice: (std::hash::RandomState::new(), AtomicU64::new(0)),
            settings,
        }
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

    fn version(&self) -> Version {
        let known = self.limits().version;
        known.unwrap_or_else(|| self.settings.first_version())
    }

    /// Why nothing can be asked at all, whatever it is.
    fn usable(&self) -> Result<(), ProviderError> {
        match self.settings.auth.as_deref() {
            None | Some("universal" | "token") => Ok(()),
            Some(other) => Err(ProviderError::new(
                ErrorKind::Unsupported,
                format!(
                    "provider {}: this version of secretfs cannot sign in with `auth: {other}`",
                    self.name()
                ),
                "use `auth: universal` or `auth: token`",
            )),
        }
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
            self.usable()?;
            let turn = self.http.turn(Budget::of(cx)).await?;
            Box::pin(make(Call { of: self, cx, turn })).await
        };
        let outcome = called.await;
        self.health.note(&outcome);
        outcome
    }
}

impl Call<'_> {
    async fn single(self, wanted: &Wanted) -> Result<Answer, ProviderError> {
        let call = self;
        let Reference::Infisical(of) = &wanted.reference else {
            return Err(unsupported(KIND, "read another provider's reference"));
        };
        if !api::has_route(&of.name) {
            return Err(unsupported(KIND, "fetch a name that no address can carry"));
        }
        let etag = wanted.validator.as_ref().map(|validator| &*validator.0);
        let mut response = call.secret(of, etag).await?;
        if response.status() == 304 {
            return Ok(Answer::Unchanged);
        }
        let validator = response.etag().map(Validator);
        let one = One {
            pool: &call.cx.pool,
            name: &of.name,
            max: wanted.max_size,
            found: None,
        };
        let limit = answer_limit(wanted.max_size);
        let one = call.read(&mut response, limit, one).await?;
        let secret = one.found.ok_or_else(|| call.nonsense("to a request"))?;
        // A personal override was not asked for.
        if secret.name.as_deref() != Some(&of.name) || secret.personal {
            return Err(call.nonsense("with another secret than the one asked for"));
        }
        let value = call.value(secret.value, &of.name)?;
        Ok(Answer::Value(Fetched {
            value,
            modified: secret.modified,
            validator,
            max_age: None,
        }))
    }
}

/// The most bytes of an answer with one secret of so many: each byte may be an escape of six, and
/// comment and metadata come beside it.
fn answer_limit(max_size: usize) -> u64 {
    let value = u64::try_from(max_size).unwrap_or(u64::MAX);
    value.saturating_mul(6).saturating_add(8 << 20)
}

impl Call<'_> {
    /// The answer with one secret. Finds out which routes the server has, where that is not known.
    async fn secret(
        &self,
        of: &super::Reference,
        etag: Option<&str>,
    ) -> Result<Response, ProviderError> {
        let first = self.of.version();
        for version in [first, Version::V3] {
            let route = self.of.settings.single(version, of);
            match self.get(&route.path, &route.query, etag).await? {
                Ok(response) => {
                    self.of.limits().version = Some(version);
                    return Ok(response);
                }
                Err(Refusal::NoRoute) if version == Version::V4 => {
                    self.of.limits().version = Some(Version::V3);
                }
                Err(refusal) => {
                    if refusal != Refusal::NoRoute {
                        self.of.limits().version = Some(version);
                    }
                    return Err(self.about(&refusal, of));
                }
            }
        }
        Err(self.failed(&Refusal::NoRoute, ""))
    }

    /// What a refusal means for one secret.
    fn about(&self, refusal: &Refusal, of: &super::Reference) -> ProviderError {
        let place = format!("{:?} in {:?} of {:?}", of.name, of.path, of.environment);
        match refusal {
            Refusal::Missing => self.error(
                ErrorKind::Missing,
                &format!("there is no secret {place}"),
                "check name, path, environment and project in the map",
            ),
            Refusal::Denied => self.error(
                ErrorKind::Denied,
                &format!("the identity may not read {place}"),
                "give it a role that may read the values of this folder",
            ),
            other => self.failed(other, "read secrets"),
        }
    }

    /// Reads the secrets of an answer.
    async fn read<C: Collector>(
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

    fn unread(&self, stopped: &Stopped<super::secrets::Malformed>) -> ProviderError {
        match stopped {
            // The length that was announced came: it is the server that wrote half a document.
            Stopped::Json(JsonError::Truncated { .. }) => self.nonsense("ends early, and"),
            Stopped::Json(_) => self.nonsense("is not JSON, and"),
            Stopped::Sink(_) => self.nonsense("to a request"),
        }
    }

    /// A value that may be served, or why there is none.
    fn value(
        &self,
        value: Value,
        name: &str,
    ) -> Result<secretfs_memory::sealed::Sealed, ProviderError> {
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
}

/// Takes the one secret of an answer.
struct One<'a> {
    pool: &'a Arc<SealedPool>,
    name: &'a str,
    max: usize,
    found: Option<Secret>,
}

impl Collector for One<'_> {
    fn writer(&mut self, of: &Opened<'_>) -> Option<SealedWriter> {
        let is_it = of.name.is_none_or(|name| name == self.name);
        (is_it && of.origin == Origin::Single).then(|| self.pool.writer(None, self.max))
    }

    fn take(&mut self, secret: Secret) {
        if secret.origin == Origin::Single {
            self.found = Some(secret);
        }
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
        Box::pin(async move { self.call(cx, |call| call.single(wanted)).await })
    }

    fn fetch_folder<'a>(
        &'a self,
        _: &'a FolderReference,
        _: usize,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(async { Err(unsupported(KIND, "render a folder")) })
    }

    fn list<'a>(
        &'a self,
        _: &'a FolderReference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async { Err(unsupported(KIND, "list a folder")) })
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
            let wanted = Wanted {
                reference: reference.clone(),
                max_size: usize::MAX,
                validator: None,
            };
            self.fetch(&wanted, cx).await.map(drop)
        })
    }

    fn supply(&self, offer: CredentialOffer, pool: &Arc<SealedPool>) -> Result<(), ProviderError> {
        let refused = |what: String, help: &str| {
            let message = format!("provider {}: {what}", self.name());
            Err(ProviderError::new(ErrorKind::Refused, message, help))
        };
        if offer.origin != self.origin() {
            return refused(
                format!(
                    "a credential for {} is not sent to {}",
                    offer.origin,
                    self.origin()
                ),
                "give the credential of this server, or mend `site_url` in the map",
            );
        }
        match (offer.credential, self.settings.auth.as_deref()) {
            (Credential::ClientSecret { id, secret }, None | Some("universal")) => {
                let id = Kept::keep(&id, pool, "the client id")?;
                let secret = Kept::keep(&secret, pool, "the client secret")?;
                self.auth.supply_client(id, secret);
                Ok(())
            }
            (Credential::Token(token), None | Some("token")) => {
                let kept = Kept::keep(&token, pool, "the token")?;
                self.auth.supply_token(&token, kept);
                Ok(())
            }
            (_, auth) => refused(
                format!(
                    "this kind of credential is not what `auth: {}` takes",
                    auth.unwrap_or("universal")
                ),
                "give a client id and secret, or a token, as `auth` in the map says",
            ),
        }
    }

    fn health(&self) -> Health {
        self.health.get()
    }

    fn forget(&self) {
        self.auth.forget();
        self.http.forget();
        self.health.forget();
        *self.limits() = State::default();
    }
}
