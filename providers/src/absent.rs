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
    /// What it is that cannot be read, and what to use instead.
    what: &'static str,
    help: &'static str,
    name: String,
    origin: String,
}

impl Absent {
    /// Stands in for the provider `name`, a 1Password that is read through `op`.
    #[must_use]
    pub fn op(name: String) -> Self {
        Self {
            kind: "onepassword",
            what: "1Password through the `op` program",
            help: "use `backend: connect` with a Connect server, or another provider",
            name,
            origin: String::new(),
        }
    }

    fn error(&self) -> ProviderError {
        ProviderError::new(
            ErrorKind::Unsupported,
            format!(
                "provider {}: this version of secretfs cannot read {}",
                self.name, self.what
            ),
            self.help,
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
