//! Asking the map's providers from a command, without a mount: `check --online`, `init`,
//! `run --inject`.

mod here;

use crate::credentials::Collector;
use crate::error::{CliError, Status};
use crate::map::Map;
use here::Here;
use secretfs_fs::cache::{Cache, CacheDeps, CacheListener, Snapshot};
use secretfs_fs::map::{CompiledMap, ValueKey};
use secretfs_memory::sealed::SealedPool;
use secretfs_mount_helper::programs::Programs;
use secretfs_providers::clock::SystemClock;
use secretfs_providers::http::{Proxies, ProxySettings};
use secretfs_providers::{Context, Credential, CredentialOffer, Host, Provider, ProviderError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Values never stay, so this is for one at a time.
const SEALED: usize = 1 << 20;

/// A map's providers, with the credentials that there are. To be made where secrets are protected.
pub(crate) struct Online {
    /// In the order of the map.
    pub(crate) providers: Vec<Arc<dyn Provider>>,
    pool: Arc<SealedPool>,
    host: Arc<dyn Host>,
}

impl Online {
    /// Takes the credentials of the map's providers from where they are, and gives them to them.
    pub(crate) fn of(map: &Map, passphrase_file: Option<&Path>) -> Result<Self, CliError> {
        let without = "give it with --passphrase-file, or run this on a terminal";
        let mut from_environment = crate::proxies::Proxies::default();
        let proxies = from_environment.settings(map.providers(), false)?;
        let offers = Collector::new(passphrase_file, without).collect(map, false)?;
        Self::made(map, offers, &from_environment, proxies)
    }

    /// Gives the map's providers these credentials and no other.
    pub(crate) fn with(map: &Map, offers: Vec<CredentialOffer>) -> Result<Self, CliError> {
        let mut from_environment = crate::proxies::Proxies::default();
        let proxies = from_environment.settings(map.providers(), false)?;
        Self::made(map, offers, &from_environment, proxies)
    }

    fn made(
        map: &Map,
        mut offers: Vec<CredentialOffer>,
        from_environment: &crate::proxies::Proxies,
        proxies: ProxySettings,
    ) -> Result<Self, CliError> {
        offers.extend(from_environment.offers(&proxies));
        let settings = proxies.clone();
        let proxies = Arc::new(Proxies::new(proxies));
        let providers: Vec<_> = (0..)
            .zip(map.providers())
            .map(|(index, spec)| secretfs_fs::daemon::registry::make(index, spec, &proxies))
            .collect();
        let pool = SealedPool::new(SEALED, false)
            .map_err(|error| CliError::new(Status::Other, error.to_string(), error.help()))?;
        let refused = |refused: ProviderError| {
            CliError::new(Status::Credential, refused.message, refused.help)
        };
        for offer in offers {
            if let Credential::Proxy(user) = &offer.credential {
                let taken = proxies.supply(&offer.origin, user, &pool);
                taken.map_err(refused)?;
                continue;
            }
            let at = map
                .providers()
                .iter()
                .position(|spec| spec.name == offer.provider);
            if let Some(provider) = at.and_then(|at| providers.get(at)) {
                provider.supply(offer, &pool).map_err(refused)?;
            }
        }
        Ok(Self {
            providers,
            pool,
            host: Arc::new(Here {
                specs: map.providers().to_vec(),
                programs: Programs::new(Path::new("/dev/null"), false),
                proxies: settings,
            }),
        })
    }

    /// A cache of its own, for values as an open gets them. To be called on the runtime.
    pub(crate) fn cache(&self, map: CompiledMap) -> Arc<Cache> {
        Cache::new(CacheDeps {
            clock: Arc::new(SystemClock),
            pool: Arc::clone(&self.pool),
            host: Arc::clone(&self.host),
            runtime: tokio::runtime::Handle::current(),
            providers: self.providers.clone(),
            map,
            offline: false,
            listener: Arc::new(Nobody),
        })
    }

    /// What a call is given, by how long it may take.
    pub(crate) fn contexts(&self) -> impl Fn(Duration) -> Context {
        let (pool, host) = (Arc::clone(&self.pool), Arc::clone(&self.host));
        move |timeout| Context {
            pool: Arc::clone(&pool),
            deadline: Instant::now() + timeout,
            host: Arc::clone(&host),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Nobody is told.
struct Nobody;

impl CacheListener for Nobody {
    fn published(&self, _: ValueKey, _: &Snapshot) {}
}

/// What the calls run on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("cannot start a runtime: {error}");
            CliError::new(Status::Other, message, "")
        })
}
