//! What a credential is stored under: the type of its provider, the origin that it is for, and what
//! kind it is. Nothing else of a map, which comes with a repository: neither the provider's name nor a
//! project may choose among credentials.

use crate::output::{printable, show};
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_providers::http;
use std::collections::HashMap;
use std::path::Path;

/// Of all entries, in both keyrings.
const SCHEMA: &str = "io.github.secretfs.Credential";
/// Before every description in the kernel's.
pub(super) const PREFIX: &str = "secretfs:1:";

/// What a credential is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Infisical universal auth: client id and client secret, a line each.
    Client,
    /// A ready-made token: of Infisical, of Connect.
    Token,
    /// The token of a 1Password service account.
    ServiceAccount,
    /// What opens the identity of a local vault.
    Passphrase,
}

impl Kind {
    /// In the entry.
    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Token => "token",
            Self::ServiceAccount => "service-account",
            Self::Passphrase => "passphrase",
        }
    }

    /// For people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Client => "client id and client secret",
            Self::Token => "token",
            Self::ServiceAccount => "service account token",
            Self::Passphrase => "passphrase",
        }
    }
}

/// One credential's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    provider_type: &'static str,
    origin: String,
    kind: Kind,
}

impl Entry {
    /// Of a provider; `None` where it takes no such credential, or where nothing says whom it would be
    /// for.
    pub(crate) fn of(spec: &ProviderSpec, kind: Kind) -> Option<Self> {
        let (provider_type, origin) = match (&spec.settings, kind) {
            (ProviderSettings::Infisical { site_url, .. }, Kind::Client | Kind::Token) => {
                ("infisical", http::origin(site_url)?)
            }
            (
                ProviderSettings::OnePassword {
                    op: false,
                    connect_host: Some(host),
                    ..
                },
                Kind::Token,
            ) => ("connect", http::origin(host)?),
            (
                ProviderSettings::OnePassword {
                    op: true, account, ..
                },
                Kind::ServiceAccount,
            ) => ("op", account.clone().unwrap_or_default()),
            (ProviderSettings::Local { file }, Kind::Passphrase) => {
                ("local", vault(file.as_ref())?)
            }
            _ => return None,
        };
        Some(Self {
            provider_type,
            origin,
            kind,
        })
    }

    /// Of the passphrase of a vault, which must be there.
    pub(crate) fn of_vault(file: &Path) -> Option<Self> {
        Some(Self {
            provider_type: "local",
            origin: vault(file)?,
            kind: Kind::Passphrase,
        })
    }

    /// Everything that may be stored for a provider, in the order in which it is looked for.
    pub(crate) fn all_of(spec: &ProviderSpec) -> Vec<Self> {
        let kinds = [
            Kind::Client,
            Kind::Token,
            Kind::ServiceAccount,
            Kind::Passphrase,
        ];
        kinds
            .into_iter()
            .filter_map(|kind| Self::of(spec, kind))
            .collect()
    }

    /// Whom the credential is for.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What it is for, for people.
    pub(crate) fn told(&self) -> String {
        match (self.provider_type, self.origin.as_str()) {
            ("op", "") => "1Password".to_owned(),
            ("local", origin) => show(Path::new(origin.trim_start_matches("file://"))),
            (_, origin) => printable(origin).into_owned(),
        }
    }

    /// In the kernel's keyring.
    pub(super) fn description(&self) -> String {
        let Self {
            provider_type,
            origin,
            kind,
        } = self;
        format!("{PREFIX}{provider_type}:{}:{origin}", kind.word())
    }

    /// In the desktop's. Not encrypted there, as the Secret Service has it.
    pub(super) fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([
            ("xdg:schema", SCHEMA),
            ("type", self.provider_type),
            ("origin", self.origin.as_str()),
            ("kind", self.kind.word()),
        ])
    }

    /// What all have in common.
    pub(super) fn attributes_of_all() -> HashMap<&'static str, &'static str> {
        HashMap::from([("xdg:schema", SCHEMA)])
    }
}

/// By its path, with every symlink followed: not by its inode, because each change of a vault makes a
/// new file, and a backup that is put back is the same vault. Another file at another path is another
/// vault, whatever a map calls it.
fn vault(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    Some(format!("file://{}", file.to_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(map: &str) -> Vec<ProviderSpec> {
        let text = format!("{map}\nsecrets: [{{name: A, file: a, provider: p}}]\n");
        let defaults = secretfs_fs::map::Defaults::default();
        let map = secretfs_fs::map::parse_with(&text, "/m.yml".as_ref(), None, &defaults);
        map.expect("a map").providers().to_vec()
    }

    #[test]
    fn an_entry_names_type_kind_and_origin_and_nothing_else_of_the_map() {
        let of = |settings: &str| {
            let specs = specs(&format!("providers: {{p: {{{settings}}}}}"));
            let entry = Entry::of(&specs[0], Kind::Client).expect("an entry");
            entry.description()
        };
        let expected = "secretfs:1:infisical:client:https://vault.example:443";
        assert_eq!(
            of("type: infisical, site_url: 'https://vault.example', project_id: a"),
            expected
        );
        assert_eq!(
            of(
                "type: infisical, site_url: 'https://VAULT.example:443/prefix', project_id: b, \
                 environment: prod, path: /x"
            ),
            expected
        );
        let other = of("type: infisical, site_url: 'https://vault.example:8443', project_id: a");
        assert_ne!(other, expected, "another port is another origin");
    }

    #[test]
    fn a_vault_is_known_by_where_it_really_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("vault.age");
        assert_eq!(Entry::of_vault(&file), None, "there is none");
        std::fs::write(&file, "x").expect("a file");
        let entry = Entry::of_vault(&file);
        assert!(entry.is_some());
        let link = folder.path().join("link.age");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert_eq!(Entry::of_vault(&link), entry);
        // As `vault set` does.
        std::fs::write(folder.path().join("new"), "y").expect("a file");
        std::fs::rename(folder.path().join("new"), &file).expect("rename");
        assert_eq!(Entry::of_vault(&file), entry);
        let other = folder.path().join("other.age");
        std::fs::write(&other, "x").expect("a file");
        assert_ne!(Entry::of_vault(&other), entry);
    }

    #[test]
    fn a_provider_has_an_entry_for_what_it_takes_alone() {
        let kinds = |settings: &str| -> Vec<Kind> {
            let specs = specs(&format!("providers: {{p: {{{settings}}}}}"));
            Entry::all_of(&specs[0]).iter().map(Entry::kind).collect()
        };
        assert_eq!(
            kinds("type: infisical, project_id: a"),
            [Kind::Client, Kind::Token]
        );
        let ask = |backend: &str| {
            let text = format!(
                "providers: {{p: {{type: onepassword, {backend}}}}}\nsecrets: [{{ref: 'op://a/b/c', file: a}}]\n"
            );
            let defaults = secretfs_fs::map::Defaults::default();
            let map = secretfs_fs::map::parse_with(&text, "/m.yml".as_ref(), None, &defaults);
            let specs = map.expect("a map").providers().to_vec();
            Entry::all_of(&specs[0])
                .iter()
                .map(Entry::kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(ask("connect_host: 'https://c.example'"), [Kind::Token]);
        assert_eq!(ask("backend: op"), [Kind::ServiceAccount]);
    }
}
