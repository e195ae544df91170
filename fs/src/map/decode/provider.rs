//! `providers:`.

use super::{Decoder, Pair};
use crate::map::marked::{Node, Value};
#[cfg(feature = "test-hooks")]
use crate::map::source::ScriptedSource;
use crate::map::source::{InfisicalSource, LocalSource, OnePasswordSource, ProviderSource};
use crate::map::span::Spanned;
use crate::map::suggest;
use crate::map::units::quote;
use std::collections::{BTreeMap, HashSet};

/// The keys of `type: infisical`.
const INFISICAL: &[&str] = &[
    "type",
    "site_url",
    "project_id",
    "project_slug",
    "environment",
    "path",
    "auth",
    "identity_id",
    "jwt_file",
    "expand_references",
    "include_imports",
    "personal",
    "events",
    "ca_file",
    "allow_insecure_http",
    "open_timeout",
];

/// The keys of `type: onepassword`.
const ONEPASSWORD: &[&str] = &[
    "type",
    "backend",
    "connect_host",
    "account",
    "ca_file",
    "allow_insecure_http",
    "open_timeout",
];

/// The keys of `type: local`.
const LOCAL: &[&str] = &["type", "file", "open_timeout"];

/// The keys of `type: scripted`.
#[cfg(feature = "test-hooks")]
const SCRIPTED: &[&str] = &["type", "socket", "open_timeout"];

impl Decoder<'_> {
    pub(super) fn providers(
        &mut self,
        node: Node<'_>,
        broken: &mut HashSet<String>,
    ) -> BTreeMap<String, Spanned<ProviderSource>> {
        let pairs = self.any_pairs(node, "`providers`");
        if pairs.len() > 1_000 {
            let at = pairs
                .first()
                .map_or_else(Default::default, |(key, _)| key.at);
            self.problems
                .add(at, "more than 1000 providers", "split the map");
            return BTreeMap::new();
        }
        let mut providers = BTreeMap::new();
        for (name, value) in pairs {
            if !is_name(&name.value) {
                self.problems.add(
                    name.at,
                    format!("the provider name {} cannot be used", quote(&name.value)),
                    "use letters, digits, `-` and `_`, at most 64 of them",
                );
            }
            match self.provider(value, &name) {
                Some(provider) => {
                    providers.insert(name.value.into_owned(), Spanned::new(provider, name.at));
                }
                None => {
                    broken.insert(name.value.into_owned());
                }
            }
        }
        providers
    }

    fn provider(
        &mut self,
        node: Node<'_>,
        name: &Spanned<impl AsRef<str>>,
    ) -> Option<ProviderSource> {
        let what = format!("the provider {}", quote(name.value.as_ref()));
        let kind = match &node.value {
            Value::Mapping(pairs) => pairs.iter().find(|(key, _)| key.value == "type"),
            _ => None,
        };
        let Some((_, kind)) = kind else {
            self.problems.add(
                name.at,
                format!("{what} has no `type`"),
                format!(
                    "write `type: ` and one of {}",
                    suggest::list(ProviderSource::TYPES)
                ),
            );
            return None;
        };
        match &kind.value {
            Value::Scalar(text) => match text.as_ref() {
                "infisical" => Some(ProviderSource::Infisical(Box::new(
                    self.infisical(node, &what),
                ))),
                "onepassword" => Some(ProviderSource::OnePassword(self.onepassword(node, &what))),
                "local" => Some(ProviderSource::Local(self.local(node, &what))),
                #[cfg(feature = "test-hooks")]
                "scripted" => Some(ProviderSource::Scripted(self.scripted(node, &what))),
                other => {
                    let help = suggest::help(other, ProviderSource::TYPES, "write one of");
                    let message = format!("unknown provider type {}", quote(other));
                    self.problems.add(kind.at, message, help);
                    None
                }
            },
            other => {
                self.problems.add(
                    kind.at,
                    format!("`type` is {}, not a single value", other.kind()),
                    format!("write one of {}", suggest::list(ProviderSource::TYPES)),
                );
                None
            }
        }
    }

    fn known<'t>(&mut self, node: Node<'t>, what: &str, keys: &[&str]) -> Vec<Pair<'t>> {
        let mut pairs = self.pairs(node, what, keys);
        pairs.retain(|(key, _)| key.value != "type");
        pairs
    }

    fn infisical(&mut self, node: Node<'_>, what: &str) -> InfisicalSource {
        let mut p = InfisicalSource::default();
        for (key, value) in self.known(node, what, INFISICAL) {
            let key = key.value.as_ref();
            match key {
                "site_url" => p.site_url = self.text(value, key),
                "project_id" => p.project_id = self.text(value, key),
                "project_slug" => p.project_slug = self.text(value, key),
                "environment" => p.environment = self.text(value, key),
                "path" => p.path = self.text(value, key),
                "auth" => p.auth = self.word(value, key),
                "identity_id" => p.identity_id = self.text(value, key),
                "jwt_file" => p.jwt_file = self.text(value, key),
                "expand_references" => p.expand_references = self.truth(value, key),
                "include_imports" => p.include_imports = self.truth(value, key),
                "personal" => p.personal = self.truth(value, key),
                "events" => p.events = self.truth(value, key),
                "ca_file" => p.ca_file = self.text(value, key),
                "allow_insecure_http" => p.allow_insecure_http = self.truth(value, key),
                _ => p.open_timeout = self.unit(value, key),
            }
        }
        p
    }

    fn onepassword(&mut self, node: Node<'_>, what: &str) -> OnePasswordSource {
        let mut p = OnePasswordSource::default();
        for (key, value) in self.known(node, what, ONEPASSWORD) {
            let key = key.value.as_ref();
            match key {
                "backend" => p.backend = self.word(value, key),
                "connect_host" => p.connect_host = self.text(value, key),
                "account" => p.account = self.text(value, key),
                "ca_file" => p.ca_file = self.text(value, key),
                "allow_insecure_http" => p.allow_insecure_http = self.truth(value, key),
                _ => p.open_timeout = self.unit(value, key),
            }
        }
        p
    }

    fn local(&mut self, node: Node<'_>, what: &str) -> LocalSource {
        let mut p = LocalSource::default();
        for (key, value) in self.known(node, what, LOCAL) {
            let key = key.value.as_ref();
            match key {
                "file" => p.file = self.text(value, key),
                _ => p.open_timeout = self.unit(value, key),
            }
        }
        p
    }

    #[cfg(feature = "test-hooks")]
    fn scripted(&mut self, node: Node<'_>, what: &str) -> ScriptedSource {
        let mut p = ScriptedSource::default();
        for (key, value) in self.known(node, what, SCRIPTED) {
            let key = key.value.as_ref();
            match key {
                "socket" => p.socket = self.text(value, key),
                _ => p.open_timeout = self.unit(value, key),
            }
        }
        p
    }
}

/// Provider names become parts of file names (`secretfs.NAME.token`) and of messages.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() <= 64
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}
