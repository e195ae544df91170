//! Which provider an entry has, and the typed reference in it.

use super::Resolver;
use super::entries::Kind;
use crate::map::plan::{ProviderSettings, ProviderSpec};
use crate::map::rules::name;
use crate::map::source::{Entry, Maybe};
use crate::map::span::{Span, Spanned};
use crate::map::suggest;
use crate::map::units::quote;
use secretfs_providers::{FolderReference, Reference, infisical, local, onepassword};
use std::rc::Rc;

impl Resolver<'_> {
    /// An entry's `provider:`; else, for `ref` and `item`, the only 1Password provider; else
    /// `config.provider`; else the only provider (product.md, "The map").
    pub(super) fn provider_of(&mut self, entry: &Entry, kind: Kind, at: Span) -> Option<u16> {
        if let Some(named) = &entry.provider {
            return self.named_provider(named);
        }
        if matches!(kind, Kind::Ref | Kind::Item) {
            let all = self.of_onepassword();
            if let [one] = *all.as_slice() {
                return Some(one);
            }
            if all.is_empty() && self.broken.is_empty() {
                let place = entry.reference.as_ref().or(entry.item.as_ref());
                self.problems.add(
                    place.map_or(at, |place| place.at),
                    "a 1Password reference, but no provider of type `onepassword`",
                    "declare one under `providers:` with `type: onepassword`",
                );
                return None;
            }
        }
        if let Some(named) = &self.config.provider {
            // An unknown one was reported where it stands.
            return self.find(&named.value);
        }
        match self.known.len() {
            1 if self.broken.is_empty() => Some(0),
            _ if !self.broken.is_empty() => None,
            _ if self.problems.is_full() => {
                self.problems.count_one();
                None
            }
            _ => {
                let names = suggest::list(&self.names());
                self.lacks(
                    at,
                    "more than one provider could have this secret",
                    format!("write `provider:` here or in `config`, one of {names}"),
                );
                None
            }
        }
    }

    fn find(&self, name: &str) -> Option<u16> {
        let at = self.known.iter().position(|known| known.spec.name == name);
        u16::try_from(at?).ok()
    }

    fn names(&self) -> Vec<&str> {
        let known = self.known.iter().map(|known| &*known.spec.name);
        known
            .chain(self.broken.iter().map(String::as_str))
            .collect()
    }

    /// Whether a provider is 1Password.
    pub(super) fn is_onepassword(&self, provider: u16) -> bool {
        let known = self.known.get(usize::from(provider));
        known.is_some_and(|k| matches!(k.spec.settings, ProviderSettings::OnePassword { .. }))
    }

    fn of_onepassword(&self) -> Vec<u16> {
        (0..)
            .zip(&self.known)
            .map(|(index, _)| index)
            .filter(|index| self.is_onepassword(*index))
            .collect()
    }

    /// A provider by its name.
    pub(super) fn named_provider(&mut self, name: &Spanned<String>) -> Option<u16> {
        let found = self.find(&name.value);
        if found.is_some() || self.broken.contains(&name.value) {
            return found;
        }
        if self.problems.is_full() {
            self.problems.count_one();
            return None;
        }
        // The nearest of many names takes its time, and only the first problems are shown.
        let help = match self.problems.are_shown() {
            true => suggest::help(&name.value, &self.names(), "the providers are"),
            false => format!("the providers are: {}", suggest::list(&self.names())),
        };
        let message = format!("unknown provider {}", quote(&name.value));
        self.problems.add(name.at, message, help);
        None
    }

    /// The one secret of an entry.
    pub(super) fn reference(
        &mut self,
        entry: &Entry,
        kind: Kind,
        provider: u16,
        at: Span,
        parsed: Option<Reference>,
    ) -> Option<Reference> {
        let spec = self.spec_of(provider)?;
        let settings = &spec.settings;
        let is_onepassword = matches!(settings, ProviderSettings::OnePassword { .. });
        let provider_at = entry.provider.as_ref().map_or(at, |named| named.at);
        match kind {
            Kind::Ref | Kind::Item if !is_onepassword => {
                self.problems.add(
                    provider_at,
                    format!("the provider {} is not 1Password", quote(&spec.name)),
                    "name a provider of type `onepassword`, or write `name:`",
                );
                None
            }
            Kind::Name if is_onepassword => {
                self.problems.add(
                    entry.name.as_ref().map_or(at, |name| name.at),
                    format!("`name` with the 1Password provider {}", quote(&spec.name)),
                    "write `ref: op://vault/item/field`, or `vault:`, `item:` and `field:`",
                );
                None
            }
            Kind::Ref => {
                self.only_infisical(entry, settings);
                parsed
            }
            Kind::Item => {
                self.only_infisical(entry, settings);
                self.spelled_out(entry, at)
            }
            Kind::Name | Kind::Folder => {
                let name = entry.name.as_ref()?.value.clone();
                self.only_infisical(entry, settings);
                self.plain(entry, name, settings)
            }
        }
    }

    /// The secret under that name in the fallback.
    pub(super) fn fallback_reference(
        &mut self,
        entry: &Entry,
        name: &Spanned<String>,
        provider: u16,
    ) -> Option<Reference> {
        let spec = self.spec_of(provider)?;
        let settings = &spec.settings;
        if matches!(settings, ProviderSettings::OnePassword { .. }) {
            return self.op_reference(name);
        }
        self.plain(entry, name.value.clone(), settings)
    }

    fn spec_of(&self, provider: u16) -> Option<Rc<ProviderSpec>> {
        Some(Rc::clone(&self.known.get(usize::from(provider))?.spec))
    }

    /// A secret that has a name.
    fn plain(&self, entry: &Entry, name: String, settings: &ProviderSettings) -> Option<Reference> {
        match settings {
            ProviderSettings::Local { .. } => Some(Reference::Local(local::Reference { name })),
            ProviderSettings::Infisical {
                environment,
                path,
                expand_references,
                ..
            } => {
                let own = entry.path.as_ref();
                let own = own.and_then(|own| name::folder("path", &own.value).ok());
                let path = own.unwrap_or_else(|| path.clone());
                let own = entry.environment.as_ref().map(|own| &own.value);
                let environment = own.unwrap_or(environment).clone();
                Some(Reference::Infisical(infisical::Reference {
                    name,
                    path,
                    environment,
                    expand_references: super::or(&entry.expand_references, *expand_references),
                }))
            }
            ProviderSettings::OnePassword { .. } => None,
            #[cfg(feature = "test-hooks")]
            ProviderSettings::Scripted { .. } => Some(Reference::Scripted(
                secretfs_providers::scripted::Reference { name },
            )),
        }
    }

    /// Parses an `op://` reference.
    pub(super) fn op_reference(&mut self, text: &Spanned<String>) -> Option<Reference> {
        match onepassword::Reference::parse(&text.value) {
            Ok(reference) => Some(Reference::OnePassword(reference)),
            Err(error) => {
                let at = within(text, error.at, error.len);
                self.problems.add(at, error.message, error.help);
                None
            }
        }
    }

    fn spelled_out(&mut self, entry: &Entry, at: Span) -> Option<Reference> {
        let mut part = |value: &Maybe<String>, key: &str| {
            if value.is_none() {
                self.lacks(
                    entry.item.as_ref().map_or(at, |item| item.at),
                    format!("`item` without `{key}`"),
                    format!("write `{key}:` as well"),
                );
            }
            value.as_ref().map(|value| value.value.clone())
        };
        let vault = part(&entry.vault, "vault");
        let field = part(&entry.field, "field");
        Some(Reference::OnePassword(onepassword::Reference {
            vault: vault?,
            item: entry.item.as_ref()?.value.clone(),
            section: entry.section.as_ref().map(|s| s.value.clone()),
            field: field?,
            attribute: None,
        }))
    }

    /// The folder of a `folder:` entry.
    pub(super) fn folder(&mut self, entry: &Entry, provider: u16) -> Option<FolderReference> {
        let text = entry.folder.as_ref()?;
        let spec = self.spec_of(provider)?;
        let settings = &spec.settings;
        if matches!(settings, ProviderSettings::OnePassword { .. }) {
            self.problems.add(
                text.at,
                "`folder` with a 1Password provider",
                "name the secrets one by one with `ref:`: 1Password has no folders",
            );
            return None;
        }
        if let Some(path) = &entry.path {
            self.problems.add(
                path.at,
                "`path` with `folder`",
                "remove it: `folder` is the path",
            );
        }
        let path = name::folder("folder", &text.value).ok();
        let own = entry.environment.as_ref().map(|own| &own.value);
        match settings {
            ProviderSettings::Infisical {
                environment,
                expand_references,
                ..
            } => Some(FolderReference {
                path: path?,
                environment: Some(own.unwrap_or(environment).clone()),
                expand_references: Some(super::or(&entry.expand_references, *expand_references)),
            }),
            _ => {
                self.only_infisical(entry, settings);
                Some(FolderReference {
                    path: path?,
                    environment: None,
                    expand_references: None,
                })
            }
        }
    }

    /// Keys that mean something for Infisical alone.
    fn only_infisical(&mut self, entry: &Entry, settings: &ProviderSettings) {
        if matches!(settings, ProviderSettings::Infisical { .. }) {
            return;
        }
        let keys = [
            ("path", entry.path.as_ref().map(|v| v.at)),
            ("environment", entry.environment.as_ref().map(|v| v.at)),
            (
                "expand_references",
                entry.expand_references.as_ref().map(|v| v.at),
            ),
        ];
        for (key, at) in keys {
            if let Some(at) = at
                && !(key == "path" && entry.folder.is_some())
            {
                self.problems.add(
                    at,
                    format!("`{key}` with a provider that is not Infisical"),
                    "remove it, or name a provider of type `infisical`",
                );
            }
        }
    }
}

/// The place of some characters of a scalar, where it stands there as it was read.
fn within(text: &Spanned<String>, from: usize, len: usize) -> Span {
    let whole = text.at;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let quotes =
        (whole.end.saturating_sub(whole.start)).checked_sub(number(text.value.chars().count()));
    let quote = match quotes {
        Some(0) => 0,
        Some(2) => 1,
        _ => return whole,
    };
    let start = whole
        .start
        .saturating_add(quote)
        .saturating_add(number(from));
    Span {
        start,
        end: start.saturating_add(number(len)),
        line: whole.line,
    }
}
