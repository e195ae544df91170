//! Stands in for a provider that this version has no client for. A map that names one is valid and
//! its other files are served; an open of such a file fails at once and says why.

use crate::credential::CredentialOffer;
use crate::error::{ErrorKind, ProviderError};
use crate::provider::{Answer, BoxFuture, Context, Fetched, Health, Provider, Wanted};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::SealedPool;
use std::sync::Arc;

/// A provider without a client.
#[derive(Debug)]
pub struct Absent {
    kind: &'static str,
    name: String,
    origin: String,
}

impl Absent {
    /// Stands in for the provider `name` of type `kind` at `origin`.
    #[must_use]
    pub fn new(kind: &'static str, name: String, origin: String) -> Self {
        Self { kind, name, origin }
    }

    fn error(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::Unsupported,
            format!(
                "provider {}: this version of secretfs has no client for type {}",
                self.name, self.kind
            ),
            "use a provider of type local, or a later version",
        )
    }
}

impl Provider for Absent {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn fetch<'a>(
        &'a self,
        _: &'a Wanted,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(async { Err(self.error()) })
    }

    fn fetch_folder<'a>(
        &'a self,
        _: &'a FolderReference,
        _: usize,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(async { Err(self.error()) })
    }

    fn list<'a>(
        &'a self,
        _: &'a FolderReference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async { Err(self.error()) })
    }

    fn member(&self, folder: &FolderReference, name: &str) -> Reference {
        // Never asked: `list` names nothing.
        Reference::Local(crate::local::Reference {
            name: format!("{}/{name}", folder.path),
        })
    }

    fn check<'a>(
        &'a self,
        _: &'a Reference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async { Err(self.error()) })
    }

    fn supply(&self, _: CredentialOffer, _: &Arc<SealedPool>) -> Result<(), ProviderError> {
        Err(self.error())
    }

    fn health(&self) -> Health {
        Health::Failing(self.error())
    }

    fn forget(&self) {}
}
