//! Credentials on their way from a command to a provider. The helper passed the socket on without
//! reading it.

use crate::cache::Cache;
use crate::link::credentials::{Outcome, Server};
use crate::link::wire::WireError;
use secretfs_providers::{ErrorKind, Provider, ProviderError};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for one step of a command that holds a channel open. It has its credentials
/// before it opens one.
const STEP: Duration = Duration::from_secs(10);

/// The providers by name, as they were when the channel came.
pub(super) type Named = Vec<(String, Arc<dyn Provider>)>;

/// Takes every offer of one channel, and answers each.
pub(super) async fn take(socket: OwnedFd, providers: Named, cache: Arc<Cache>) {
    if let Err(error) = offers(socket, &providers, &cache).await {
        tracing::warn!(%error, "a command's credential channel broke");
    }
}

async fn offers(socket: OwnedFd, providers: &Named, cache: &Cache) -> Result<(), WireError> {
    let mut server = Server::new(socket)?;
    while let Some(offer) = server.next(STEP).await? {
        let provider = providers.iter().find(|(name, _)| *name == offer.provider);
        let outcome = match provider {
            Some((_, provider)) => outcome(provider.supply(offer, cache.pool())),
            None => outcome(Err(unknown(&offer.provider))),
        };
        if matches!(outcome, Outcome::Accepted) {
            cache.credential_supplied();
        }
        server.answer(&outcome, STEP).await?;
    }
    Ok(())
}

fn outcome(supplied: Result<(), ProviderError>) -> Outcome {
    match supplied {
        Ok(()) => Outcome::Accepted,
        Err(ProviderError { message, help, .. }) => Outcome::Refused { message, help },
    }
}

fn unknown(name: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Missing,
        format!("the map of this mount has no provider {name}"),
        "see `secretfs status` for its providers",
    )
}
