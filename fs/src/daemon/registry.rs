//! From a provider's definition in the map to the object that fetches.

use crate::map::ProviderSpec;
use crate::map::plan::ProviderSettings;
use secretfs_providers::Provider;
use secretfs_providers::http::Proxies;
use secretfs_providers::infisical::{self, Infisical};
use secretfs_providers::local::LocalVault;
use secretfs_providers::onepassword::connect::{self, Connect};
use secretfs_providers::onepassword::op::Op;
use std::sync::Arc;

/// The providers of the current map, in its order.
#[derive(Default)]
pub(crate) struct Registry {
    proxies: Arc<Proxies>,
    known: Vec<(ProviderSpec, Arc<dyn Provider>)>,
}

impl Registry {
    /// Without providers yet; those that come are reached through these proxies.
    pub(crate) fn new(proxies: Arc<Proxies>) -> Self {
        Self {
            proxies,
            known: Vec::new(),
        }
    }

    /// Makes the providers of a new map. One whose definition is unchanged keeps its object, and
    /// with it its credential and connections.
    pub(crate) fn update(&mut self, specs: Vec<ProviderSpec>) {
        let mut next = Vec::with_capacity(specs.len());
        for (index, spec) in specs.into_iter().enumerate() {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            // The index is part of what a provider asks its host with, so it must be equal too.
            let kept = self
                .known
                .get(usize::from(index))
                .filter(|(known, _)| *known == spec)
                .map(|(_, provider)| Arc::clone(provider));
            let provider = kept.unwrap_or_else(|| make(index, &spec, &self.proxies));
            next.push((spec, provider));
        }
        for (_, provider) in &self.known {
            if !next.iter().any(|(_, kept)| Arc::ptr_eq(kept, provider)) {
                provider.forget();
            }
        }
        self.known = next;
    }

    /// The providers, in the map's order.
    pub(crate) fn providers(&self) -> Vec<Arc<dyn Provider>> {
        self.known
            .iter()
            .map(|(_, provider)| Arc::clone(provider))
            .collect()
    }

    /// The providers with their names.
    pub(crate) fn named(&self) -> Vec<(String, Arc<dyn Provider>)> {
        self.known
            .iter()
            .map(|(spec, p)| (spec.name.clone(), Arc::clone(p)))
            .collect()
    }
}

/// The provider of a definition: one line for each type. `index` is its place in the map, which it
/// asks its host with; `proxies`: what its server may be reached through.
#[must_use]
pub fn make(index: u16, spec: &ProviderSpec, proxies: &Arc<Proxies>) -> Arc<dyn Provider> {
    match &spec.settings {
        ProviderSettings::Local { file } => Arc::new(LocalVault::new(&spec.name, index, file)),
        ProviderSettings::Infisical { .. } => {
            let provider = Infisical::new(&spec.name, index, infisical(&spec.settings));
            Arc::new(provider.through(proxies))
        }
        ProviderSettings::OnePassword {
            op: false,
            connect_host,
            account: _,
            ca_file,
            allow_insecure_http,
        } => {
            let settings = connect::Settings {
                connect_host: connect_host.clone().unwrap_or_default(),
                ca_file: ca_file.is_some(),
                allow_insecure_http: *allow_insecure_http,
                ..connect::Settings::default()
            };
            Arc::new(Connect::new(&spec.name, index, settings).through(proxies))
        }
        ProviderSettings::OnePassword {
            op: true, account, ..
        } => Arc::new(Op::new(&spec.name, index, account.as_deref())),
        #[cfg(feature = "test-hooks")]
        ProviderSettings::Scripted { socket } => Arc::new(
            secretfs_providers::scripted::ScriptedProvider::new(&spec.name, index, socket),
        ),
    }
}

/// What the client is told of an Infisical.
fn infisical(of: &ProviderSettings) -> infisical::Settings {
    let ProviderSettings::Infisical {
        site_url,
        project_id,
        project_slug,
        environment,
        // The entries of the map have it already.
        path: _,
        auth,
        identity_id,
        jwt_file,
        expand_references,
        include_imports,
        personal,
        events,
        ca_file,
        allow_insecure_http,
    } = of
    else {
        return infisical::Settings::default();
    };
    infisical::Settings {
        site_url: site_url.clone(),
        project_id: project_id.clone(),
        project_slug: project_slug.clone(),
        environment: environment.clone(),
        auth: auth.clone(),
        identity_id: identity_id.clone(),
        jwt_file: jwt_file.is_some(),
        expand_references: *expand_references,
        include_imports: *include_imports,
        personal: *personal,
        events: *events,
        ca_file: ca_file.is_some(),
        allow_insecure_http: *allow_insecure_http,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(name: &str, file: &str) -> ProviderSpec {
        ProviderSpec {
            name: name.to_owned(),
            settings: ProviderSettings::Local {
                file: file.to_owned(),
            },
        }
    }

    #[test]
    fn a_provider_whose_definition_is_unchanged_keeps_its_object_over_a_reload() {
        let mut registry = Registry::default();
        registry.update(vec![local("a", "/a"), local("b", "/b")]);
        let before = registry.providers();
        registry.update(vec![local("a", "/a"), local("b", "/elsewhere")]);
        let after = registry.providers();
        assert!(Arc::ptr_eq(&before[0], &after[0]));
        assert!(!Arc::ptr_eq(&before[1], &after[1]));
    }

    #[test]
    fn a_1password_is_read_through_a_connect_server_or_op_as_the_map_says() {
        let onepassword = |op| ProviderSpec {
            name: "w".to_owned(),
            settings: ProviderSettings::OnePassword {
                op,
                connect_host: Some("https://connect.example/prefix".to_owned()),
                account: None,
                ca_file: None,
                allow_insecure_http: false,
            },
        };
        let connect = make(0, &onepassword(false), &Arc::default());
        assert_eq!(connect.kind(), "onepassword");
        assert_eq!(connect.origin(), "https://connect.example:443");
        assert_eq!(connect.health(), secretfs_providers::Health::Unknown);
        let op = make(0, &onepassword(true), &Arc::default());
        assert_eq!(op.kind(), "onepassword");
        assert_eq!(op.origin(), "op://");
        assert_eq!(op.health(), secretfs_providers::Health::Unknown);
    }

    #[test]
    fn a_provider_that_moves_in_the_map_is_made_anew_because_it_asks_by_its_index() {
        let mut registry = Registry::default();
        registry.update(vec![local("a", "/a"), local("b", "/b")]);
        let before = registry.providers();
        registry.update(vec![local("b", "/b")]);
        assert!(!Arc::ptr_eq(&before[1], &registry.providers()[0]));
    }
}
