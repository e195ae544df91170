//! `providers:`, with their defaults.

use super::{Known, OP_TIMEOUT, OPEN_TIMEOUT, Resolver, or};
use crate::map::plan::{ProviderSettings, ProviderSpec};
use crate::map::rules::{name, url};
use crate::map::source::{
    Backend, InfisicalSource, LocalSource, Maybe, OnePasswordSource, ProviderSource,
};
use crate::map::span::{Span, Spanned};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The provider that `config.infisical_project_id` declares.
const SHORT_FORM: &str = "infisical";
/// The provider of a map that declares none.
const EMBEDDED: &str = "vault";
const VAULT_FILE: &str = "~/.local/share/secretfs/vault.age";
const INFISICAL_SITE: &str = "https://app.infisical.com";

impl Resolver<'_> {
    pub(super) fn providers(&mut self, declared: &BTreeMap<String, Spanned<ProviderSource>>) {
        for (name, provider) in declared {
            let settings = match &provider.value {
                ProviderSource::Infisical(p) => self.infisical(name, p, provider.at),
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
            let settings = self.infisical(SHORT_FORM, &InfisicalSource::default(), Span::default());
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

    fn infisical(&mut self, name: &str, p: &InfisicalSource, at: Span) -> ProviderSettings {
        let insecure = or(&p.allow_insecure_http, false);
        let short = self.config.infisical_project_id.as_ref();
        let short = short.filter(|_| name == SHORT_FORM);
        let project_id = match (&p.project_id, &p.project_slug, short) {
            (Some(id), Some(slug), _) => {
                self.problems.twice(
                    slug.at,
                    id.at,
                    "both `project_id` and `project_slug`",
                    "keep one of them",
                );
                None
            }
            (Some(id), None, Some(short)) if id.value != short.value => {
                self.problems.twice(
                    short.at,
                    id.at,
                    "`infisical_project_id` and the provider's `project_id` differ",
                    "keep one of them",
                );
                None
            }
            (Some(id), ..) => Some(id.value.clone()),
            (None, Some(_), _) => None,
            (None, None, Some(short)) => Some(short.value.clone()),
            (None, None, None) => {
                self.problems.add(
                    at,
                    format!("the provider `{name}` has no project"),
                    "write `project_id:` (the settings of the project show it) or `project_slug:`",
                );
                None
            }
        };
        let path = p.path.as_ref().and_then(|path| {
            let checked = name::folder("path", &path.value);
            self.accept(path.at, checked)
        });
        if let Some(environment) = &p.environment {
            self.accept(environment.at, name::environment(&environment.value));
        }
        ProviderSettings::Infisical {
            site_url: self
                .url("site_url", &p.site_url, insecure)
                .unwrap_or_else(|| INFISICAL_SITE.to_owned()),
            project_id,
            project_slug: text(&p.project_slug),
            environment: text(&p.environment).unwrap_or_else(|| "dev".to_owned()),
            path: path.unwrap_or_else(|| "/".to_owned()),
            auth: p.auth.as_ref().map(|auth| auth.value.word().to_owned()),
            identity_id: text(&p.identity_id),
            jwt_file: self.outside("jwt_file", "the token file", &p.jwt_file),
            expand_references: or(&p.expand_references, true),
            include_imports: or(&p.include_imports, true),
            personal: or(&p.personal, false),
            events: or(&p.events, false),
            ca_file: self.outside("ca_file", "the CA bundle", &p.ca_file),
            allow_insecure_http: insecure,
        }
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

    fn url(&mut self, key: &str, value: &Maybe<String>, insecure: bool) -> Option<String> {
        let value = value.as_ref()?;
        self.accept(value.at, url::check(key, &value.value, insecure))
    }

    /// A file outside the mount, absolute.
    fn outside(&mut self, key: &str, what: &'static str, value: &Maybe<String>) -> Option<String> {
        let value = value.as_ref()?;
        let path = self.base.resolve(key, &value.value);
        let path = self.accept(value.at, path)?;
        self.outside.push((value.at, what, path.clone()));
        Some(path)
    }
}

fn text(value: &Maybe<String>) -> Option<String> {
    value.as_ref().map(|value| value.value.clone())
}
