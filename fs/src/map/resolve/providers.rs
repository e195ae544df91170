//! `providers:`, with their defaults.

use super::{Known, OP_TIMEOUT, OPEN_TIMEOUT, Resolver, or};
use crate::map::plan::{ProviderSettings, ProviderSpec};
use crate::map::rules::url;
use crate::map::source::{
    Backend, InfisicalSource, LocalSource, Maybe, OnePasswordSource, ProviderSource,
};
use crate::map::span::{Span, Spanned};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The provider that `config.infisical_project_id` declares.
pub(super) const SHORT_FORM: &str = "infisical";
/// The provider of a map that declares none.
const EMBEDDED: &str = "vault";
const VAULT_FILE: &str = "~/.local/share/secretfs/vault.age";

impl Resolver<'_> {
    pub(super) fn providers(&mut self, declared: &BTreeMap<String, Spanned<ProviderSource>>) {
        for (name, provider) in declared {
            let settings = match &provider.value {
                ProviderSource::Infisical(p) => self.infisical(name, p, Some(provider.at)),
                ProviderSource::OnePassword(p) => self.onepassword(p, provider.at),
                ProviderSource::Local(p) => self.local(p),
                #[cfg(feature = "test-hooks")]
                ProviderSource::Scripted(p) => self.scripted(p, provider.at),
            };
            let own = provider.value.open_timeout();
            self.bounds("open_timeout", own.map(|value| (value, provider.at)));
            let open_timeout_ms = own.map_or_else(|| self.open_timeout(&settings), |t| t.0);
            self.known.push(Known {
                spec: Rc::new(ProviderSpec {
                    name: name.clone(),
                    settings,
                }),
                open_timeout_ms,
            });
        }
        let short = self.config.infisical_project_id.is_some()
            && !declared.contains_key(SHORT_FORM)
            && !self.broken.contains(SHORT_FORM);
        let implied = if short {
            let settings = self.infisical(SHORT_FORM, &InfisicalSource::default(), None);
            (SHORT_FORM, settings)
        } else if self.known.is_empty() && self.broken.is_empty() {
            (EMBEDDED, self.local(&LocalSource::default()))
        } else {
            return self.default_provider();
        };
        let (name, settings) = implied;
        self.known.push(Known {
            open_timeout_ms: self.open_timeout(&settings),
            spec: Rc::new(ProviderSpec {
                name: name.to_owned(),
                settings,
            }),
        });
        self.default_provider();
    }

    /// `config.provider` names one of them: reported once, not with every entry.
    fn default_provider(&mut self) {
        if let Some(named) = &self.config.provider {
            self.named_provider(named);
        }
    }

    fn open_timeout(&self, settings: &ProviderSettings) -> u64 {
        let default = match settings {
            ProviderSettings::OnePassword { op: true, .. } => OP_TIMEOUT,
            _ => OPEN_TIMEOUT,
        };
        self.config
            .open_timeout
            .as_ref()
            .map_or(default, |timeout| timeout.value.0)
    }

    fn onepassword(&mut self, p: &OnePasswordSource, at: Span) -> ProviderSettings {
        let insecure = or(&p.allow_insecure_http, false);
        let default = match p.connect_host {
            Some(_) => Backend::Connect,
            None => Backend::Op,
        };
        let backend = or(&p.backend, default);
        if backend == Backend::Connect && p.connect_host.is_none() {
            self.problems.add(
                p.backend.as_ref().map_or(at, |backend| backend.at),
                "`backend: connect` without `connect_host`",
                "write `connect_host: https://…`, the address of the Connect server",
            );
        }
        ProviderSettings::OnePassword {
            op: backend == Backend::Op,
            connect_host: self.url("connect_host", &p.connect_host, insecure),
            account: text(&p.account),
            ca_file: self.outside("ca_file", "the CA bundle", &p.ca_file),
            allow_insecure_http: insecure,
        }
    }

    fn local(&mut self, p: &LocalSource) -> ProviderSettings {
        let default = Spanned::from(VAULT_FILE.to_owned());
        let file = p.file.clone().unwrap_or(default);
        ProviderSettings::Local {
            file: self
                .outside("file", "the vault", &Some(file))
                .unwrap_or_default(),
        }
    }

    #[cfg(feature = "test-hooks")]
    fn scripted(&mut self, p: &crate::map::source::ScriptedSource, at: Span) -> ProviderSettings {
        if p.socket.is_none() {
            self.problems.add(
                at,
                "the scripted provider has no `socket`",
                "write `socket:`",
            );
        }
        ProviderSettings::Scripted {
            socket: self
                .outside("socket", "the socket", &p.socket)
                .unwrap_or_default(),
        }
    }

    pub(super) fn url(
        &mut self,
        key: &str,
        value: &Maybe<String>,
        insecure: bool,
    ) -> Option<String> {
        let value = value.as_ref()?;
        self.accept(value.at, url::check(key, &value.value, insecure))
    }

    /// A file outside the mount, absolute.
    pub(super) fn outside(
        &mut self,
        key: &str,
        what: &'static str,
        value: &Maybe<String>,
    ) -> Option<String> {
        let value = value.as_ref()?;
        let path = self.base.resolve(key, &value.value);
        let path = self.accept(value.at, path)?;
        self.outside.push((value.at, what, path.clone()));
        Some(path)
    }
}

pub(super) fn text(value: &Maybe<String>) -> Option<String> {
    value.as_ref().map(|value| value.value.clone())
}
