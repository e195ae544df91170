//! The map and its providers, as the cache needs them. Swapped as a whole by a reload.

use crate::map::{CompiledMap, ProviderSettings};
use secretfs_providers::{Place, Provider};
use std::sync::Arc;
use std::time::Duration;

/// How long a flight may go on when its openers have left.
const FLIGHT: Duration = Duration::from_secs(30);
/// The same where `op` may be prompting somebody.
const FLIGHT_OP: Duration = Duration::from_secs(60);

/// One provider.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) name: Arc<str>,
    /// Whether it needs a network: not asked with `--offline`.
    pub(super) network: bool,
    /// Whether what it brings expires a little earlier at random, so that what was fetched together
    /// is not fetched together again.
    pub(super) jitter: bool,
    pub(super) flight: Duration,
}

impl Source {
    /// The key of one of its places.
    pub(super) fn place(&self, place: Place) -> super::gather::PlaceKey {
        (Arc::as_ptr(&self.provider).cast::<()>().addr(), place)
    }
}

/// The map and its providers.
pub(super) struct Config {
    pub(super) map: CompiledMap,
    sources: Vec<Source>,
}

impl Config {
    pub(super) fn new(map: CompiledMap, providers: Vec<Arc<dyn Provider>>) -> Self {
        let specs = map.providers();
        let sources = providers
            .into_iter()
            .enumerate()
            .map(|(at, provider)| {
                let spec = specs.get(at);
                let settings = spec.map(|spec| &spec.settings);
                Source {
                    name: spec.map_or("?", |spec| spec.name.as_str()).into(),
                    network: settings.is_none_or(needs_network),
                    jitter: settings.is_some_and(expires_at_random),
                    flight: match settings {
                        Some(ProviderSettings::OnePassword { op: true, .. }) => FLIGHT_OP,
                        _ => FLIGHT,
                    },
                    provider,
                }
            })
            .collect();
        Self { map, sources }
    }

    /// The provider of this index.
    pub(super) fn source(&self, provider: u16) -> Option<&Source> {
        self.sources.get(usize::from(provider))
    }

    /// All providers.
    pub(super) fn providers(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.sources.iter().map(|source| &source.provider)
    }
}

fn needs_network(settings: &ProviderSettings) -> bool {
    match settings {
        ProviderSettings::Local { .. } => false,
        ProviderSettings::Infisical { .. } | ProviderSettings::OnePassword { .. } => true,
        #[cfg(feature = "test-hooks")]
        ProviderSettings::Scripted { .. } => true,
    }
}

fn expires_at_random(settings: &ProviderSettings) -> bool {
    match settings {
        ProviderSettings::Local { .. } => false,
        ProviderSettings::Infisical { .. } | ProviderSettings::OnePassword { .. } => true,
        // Tests count its requests.
        #[cfg(feature = "test-hooks")]
        ProviderSettings::Scripted { .. } => false,
    }
}
