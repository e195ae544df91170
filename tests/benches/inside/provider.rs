//! A provider that has every secret at once, so that what is measured is the cache's.

use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{
    Answer, BoxFuture, Context, CredentialOffer, Fetched, FolderReference, Health, Host,
    HostAnswer, HostError, HostRequest, Provider, ProviderError, Reference, Wanted,
};
use std::sync::Arc;

pub(crate) const LEN: usize = 3072;

pub(crate) struct AtOnce;

impl Provider for AtOnce {
    fn kind(&self) -> &'static str {
        "at-once"
    }

    fn origin(&self) -> String {
        "bench://".into()
    }

    fn fetch<'a>(
        &'a self,
        _: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(async {
            let mut writer = cx.pool.writer(Some(LEN), LEN);
            writer.append(&[b'x'; LEN]).expect("room");
            Ok(Answer::Value(Fetched {
                value: writer.finish().expect("room"),
                modified: None,
                validator: None,
                max_age: None,
            }))
        })
    }

    fn member(&self, _: &FolderReference, _: &str) -> Reference {
        unreachable!("there is no folder")
    }

    fn check<'a>(
        &'a self,
        _: &'a Reference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async { Ok(()) })
    }

    fn supply(&self, _: CredentialOffer, _: &Arc<SealedPool>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn health(&self) -> Health {
        Health::Unknown
    }

    fn forget(&self) {}
}

/// A helper that is never asked.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn ask(&self, _: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async { Err(HostError::NoAnswer) })
    }
}
