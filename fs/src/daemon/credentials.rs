//! Credentials on their way from a command to a provider. The helper passed the socket on without
//! reading it.

use crate::cache::Cache;
use crate::link::credentials::{Outcome, Server};
use crate::link::wire::WireError;
use secretfs_providers::http::Proxies;
use secretfs_providers::{Credential, CredentialOffer, ErrorKind, Provider, ProviderError};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for one step of a command that holds a channel open. It has its credentials
/// before it opens one.
const STEP: Duration = Duration::from_secs(10);

/// The providers by name, as they were when the channel came.
pub(super) type Named = Vec<(String, Arc<dyn Provider>)>;

/// Who takes credentials.
pub(super) struct Takers {
    pub(super) providers: Named,
    pub(super) proxies: Arc<Proxies>,
    pub(super) cache: Arc<Cache>,
}

/// Takes every offer of one channel, and answers each.
pub(super) async fn take(socket: OwnedFd, takers: Takers) {
    if let Err(error) = offers(socket, &takers).await {
        tracing::warn!(%error, "a command's credential channel broke");
    }
}

async fn offers(socket: OwnedFd, takers: &Takers) -> Result<(), WireError> {
    let mut server = Server::new(socket)?;
    while let Some(offer) = server.next(STEP).await? {
        let outcome = match takers.supply(offer) {
            Ok(()) => Outcome::Accepted,
            Err(ProviderError { message, help, .. }) => Outcome::Refused { message, help },
        };
        server.answer(&outcome, STEP).await?;
    }
    Ok(())
}

impl Takers {
    fn supply(&self, offer: CredentialOffer) -> Result<(), ProviderError> {
        // A lock forgets credentials, and gives the memory back that they rest in.
        if self.cache.is_locked() {
            return Err(locked());
        }
        let pool = self.cache.pool();
        if let Credential::Proxy(user) = &offer.credential {
            // Another command's proxies are not this mount's: those are the same until it ends.
            if !self.proxies.supply(&offer.origin, user, pool)? {
                tracing::info!("a user of a proxy that this mount does not use was dropped");
            }
            return Ok(());
        }
        let named = |(name, _): &&(String, _)| *name == offer.provider;
        let found = self.providers.iter().find(named);
        let (_, provider) = found.ok_or_else(|| unknown(&offer.provider))?;
        provider.supply(offer, pool)?;
        self.cache.credential_supplied();
        Ok(())
    }
}

fn locked() -> ProviderError {
    ProviderError::new(
        ErrorKind::NoCredential,
        "the mount is locked, and takes no credential",
        "run `secretfs unlock`",
    )
}

fn unknown(name: &str) -> ProviderError {
    ProviderError::new(
        ErrorKind::Missing,
        format!("the map of this mount has no provider {name}"),
        "see `secretfs status` for its providers",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheDeps;
    use crate::daemon::clock::DaemonClock;
    use crate::daemon::helper::Helper;
    use crate::daemon::outbox::outbox;
    use crate::daemon::registry::Registry;
    use crate::daemon::values::Listener;
    use secretfs_memory::sealed::SealedPool;
    use secretfs_providers::Credential;

    fn offer() -> CredentialOffer {
        CredentialOffer {
            provider: "v".into(),
            origin: "file:///v.age".into(),
            credential: Credential::Token("no identity".into()),
        }
    }

    #[tokio::test]
    async fn a_locked_mount_takes_no_credential_and_no_memory_for_one() {
        let map = crate::map::compile_text(
            "providers: {v: {type: local, file: /v.age}}\nsecrets: [{name: A, file: a}]\n",
        )
        .unwrap();
        let mut registry = Registry::default();
        registry.update(map.providers());
        let cache = Cache::new(CacheDeps {
            clock: Arc::new(DaemonClock::default()),
            pool: SealedPool::new(64 << 10, true).unwrap(),
            host: Arc::new(Helper::new(outbox().0)),
            runtime: tokio::runtime::Handle::current(),
            providers: registry.providers(),
            map,
            offline: false,
            listener: Arc::new(Listener::default()),
        });
        let takers = Takers {
            providers: registry.named(),
            proxies: Arc::default(),
            cache: Arc::clone(&cache),
        };
        let refused = || takers.supply(offer()).unwrap_err();
        assert_eq!(refused().kind, ErrorKind::Refused, "by the provider");
        cache.lock();
        assert_eq!(refused().kind, ErrorKind::NoCredential);
        assert_eq!(cache.pool().mapped(), 0);
        cache.unlock();
        assert_eq!(refused().kind, ErrorKind::Refused);
    }
}
