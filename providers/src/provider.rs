//! The trait that every provider implements.
//!
//! # To add a provider
//! 1. A module here with its `Reference` (pure, parsed when the map loads) and its client.
//! 2. A variant in [`Reference`], and a `type:` in `fs/src/map/`.
//! 3. `impl Provider`, and its line in `fs/src/daemon/registry.rs`.
//! 4. A strict simulator in `tests/src/`, and tests through it.
//!
//! # Who owns which rule
//! * The *provider* owns: names and wire formats, credentials and their renewal, retries inside the
//!   deadline (never of a refused credential), bounds on what it reads, redirects, TLS.
//! * The *cache* owns: one flight per secret, gathering, ttl, negative answers, stale, fallback.
//! * The *tree* owns: file names, sizes, inodes, permissions.
//!
//! # Threads
//! All calls are made on one current-thread runtime. A method must not block it: no synchronous
//! I/O, no long computation without a yield. Methods may run concurrently.
//!
//! # Cancellation and lock
//! Every future may be dropped at any await. At lock [`Provider::forget`] is called and the pool is
//! wiped; a fetch that goes on finds its writer refused and ends with an error.

use crate::clock::Clock;
use crate::credential::CredentialOffer;
use crate::error::{ErrorKind, ProviderError};
use crate::hints::Hints;
use crate::host::Host;
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::{Sealed, SealedPool};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A boxed future, so that the trait can be made into an object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What every call is given.
#[derive(Clone)]
pub struct Context {
    /// Where values are written, as they arrive.
    pub pool: Arc<SealedPool>,
    /// When this call must have ended. The caller drops it then; a provider that can tell more
    /// (which step was waiting) ends before.
    pub deadline: Instant,
    /// The mount-helper.
    pub host: Arc<dyn Host>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What one call can answer together: an Infisical folder, a 1Password item, a vault file. Equal
/// places of one provider are fetched with one request where several secrets are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(pub String);

/// What a later request can be made conditional on: an `ETag`, a version. Not a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator(pub Box<str>);

/// One secret that is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which.
    pub reference: Reference,
    /// The most bytes that its value may have ([`ErrorKind::TooLarge`] beyond).
    pub max_size: usize,
    /// What the cached value came with, where there is one.
    pub validator: Option<Validator>,
}

/// A value, and what is known about it.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The exact bytes: nothing trimmed, nothing appended.
    pub value: Sealed,
    /// When the provider says that it changed last.
    pub modified: Option<SystemTime>,
    /// For the next conditional request.
    pub validator: Option<Validator>,
    /// Keep it no longer than this, whatever the map's ttl (one-time passwords).
    pub max_age: Option<Duration>,
}

/// The answer for one secret.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A value.
    Value(Fetched),
    /// The value that the validator came with is still current.
    Unchanged,
    /// Of [`Provider::fetch_many`] alone: what came together is not good enough to be served, or it takes
    /// a request of its own that is not made for what nobody may be waiting for. The secret has to be
    /// fetched by itself.
    Alone,
}

/// What [`Provider::survey`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// What a map could name.
    pub references: Vec<Surveyed>,
    /// What no reference can express, in words for people.
    pub left_out: Vec<String>,
    /// There is more than was looked at.
    pub is_cut: bool,
    /// Why no more was looked at, where something failed on the way.
    pub stopped: Option<ProviderError>,
}

/// One secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// How a map names it.
    pub reference: Reference,
    /// What it is a part of, by name: an item.
    pub place: String,
    /// Its own name.
    pub name: String,
}

/// How a provider is doing, from what it saw last. Never a reason to make a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Nothing was asked of it yet.
    Unknown,
    /// The last request worked.
    Good,
    /// It waits for a credential.
    NeedsCredential,
    /// The last request failed.
    Failing(ProviderError),
}

/// A place where secrets live. See the module's documentation for the rules.
pub trait Provider: Send + Sync {
    /// The `type:` in the map, as a stable token: `local`, `infisical`, `onepassword`.
    fn kind(&self) -> &'static str;

    /// What credentials are bound to: `https://host:port`, `file:///…/vault.age`. No I/O.
    fn origin(&self) -> String;

    /// Fetches one secret.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>>;

    /// Whether a request for one secret brings its whole place anyway, so that asking for all that is
    /// mapped there costs no more. The cache does so from the first miss on.
    fn brings_whole_places(&self) -> bool {
        false
    }

    /// Fetches several secrets of one place with as few requests as it can. The answers come in the
    /// order of `wanted`, one each; values of secrets that are not wanted are dropped unread. The first
    /// one is what somebody opened.
    ///
    /// The default asks for each by itself, one after the other.
    ///
    /// # Errors
    /// One that holds for all of them; what concerns one secret alone is in its own answer.
    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Result<Answer, ProviderError>>, ProviderError>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(wanted.len());
            for one in wanted {
                answers.push(self.fetch(one, cx).await);
            }
            Ok(answers)
        })
    }

    /// Fetches every secret of a folder, for a rendered file: name and value, in a stable order.
    /// `max_size` bounds the sum of the values.
    ///
    /// # Errors
    /// Any [`ErrorKind`]. The default knows no folders: [`ErrorKind::Unsupported`].
    fn fetch_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        max_size: usize,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        let _ = (folder, max_size, cx);
        let refused = unsupported(self.kind(), "render a folder");
        Box::pin(async { Err(refused) })
    }

    /// Lists the names of a folder, without values, for `dir:` entries.
    ///
    /// # Errors
    /// Any [`ErrorKind`]. The default knows no folders: [`ErrorKind::Unsupported`].
    fn list<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        let _ = (folder, cx);
        let refused = unsupported(self.kind(), "list a folder");
        Box::pin(async { Err(refused) })
    }

    /// The names of the folders in a folder, for a first map. The default knows none.
    ///
    /// # Errors
    /// Any [`ErrorKind`].
    fn folders<'a>(
        &'a self,
        folder: &'a FolderReference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        let _ = (folder, cx);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The reference to one secret of a folder that [`Provider::list`] named. No I/O.
    fn member(&self, folder: &FolderReference, name: &str) -> Reference;

    /// Whether the secret exists and may be read, without its value leaving the provider's client.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`], [`ErrorKind::Denied`], or why it cannot be told.
    fn check<'a>(
        &'a self,
        reference: &'a Reference,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// The same for several secrets, in the order of `references`, with as few requests as it can. What
    /// is missing may cost some more, to tell what there is instead: this answers a person.
    ///
    /// The default asks for each by itself.
    fn check_many<'a>(
        &'a self,
        references: &'a [Reference],
        cx: &'a Context,
    ) -> BoxFuture<'a, Vec<Result<(), ProviderError>>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(references.len());
            for reference in references {
                answers.push(self.check(reference, cx).await);
            }
            answers
        })
    }

    /// Whether a folder can be listed, and with `values`, whether all of its secrets may be read.
    ///
    /// # Errors
    /// As [`Provider::check`].
    fn check_folder<'a>(
        &'a self,
        folder: &'a FolderReference,
        values: bool,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        let _ = values;
        Box::pin(async move { self.list(folder, cx).await.map(drop) })
    }

    /// References to what there is in a place that a person names (a 1Password vault), for a first map:
    /// names alone, no value is kept. `seen` is told how many of how many parts were looked at.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; [`ErrorKind::Unsupported`] where the provider has no such places.
    fn survey<'a>(
        &'a self,
        of: &'a str,
        seen: &'a (dyn Fn(usize, usize) + Send + Sync),
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Survey, ProviderError>> {
        let _ = (of, seen, cx);
        Box::pin(async { Err(unsupported(self.kind(), "list a vault")) })
    }

    /// Takes a credential, if it is bound to this provider's origin. Tried at first use, but for
    /// what can be checked without a request. It rests in `pool` ([`crate::credential::Kept`]).
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] for another origin or an unusable credential.
    fn supply(&self, offer: CredentialOffer, pool: &Arc<SealedPool>) -> Result<(), ProviderError>;

    /// How it is doing. No I/O.
    fn health(&self) -> Health;

    /// What counts the hints that something may have changed, where the provider listens for them. To
    /// be asked for by what keeps values: a provider that nobody asks for it does not listen.
    fn hints(&self) -> Option<&Hints> {
        None
    }

    /// What there is to know of it beside its health, in one line: a setting that has no effect with
    /// this server, say. No I/O.
    fn note(&self) -> Option<String> {
        None
    }

    /// Lock: drops credentials, connections and everything parsed. Must not wait.
    fn forget(&self);
}

/// The error of a call that this provider does not know.
#[must_use]
pub fn unsupported(kind: &str, what: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Unsupported,
        format!("a provider of type {kind} cannot {what}"),
        "name the secrets one by one with `name:`",
    )
}
