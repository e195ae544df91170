//! The map as it is written: the types of `secrets.yml`.
//!
//! One definition for four uses: the JSON Schema (schemars), the canonical text (serde_yaml), the
//! list of keys that decoding knows (a test compares them), and what `resolve` works on.
//! The doc comments here are what editors show.

mod provider;
mod words;

#[cfg(feature = "test-hooks")]
pub use provider::ScriptedSource;
pub use provider::{InfisicalSource, LocalSource, OnePasswordSource, ProviderSource};
pub use words::{Auth, Backend, Mode, OnLock, Words};

use super::plan::{Decode, Format};
use super::span::Spanned;
use super::units::{Bytes, Millis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An optional value with its place.
pub type Maybe<T> = Option<Spanned<T>>;

/// A map of secretfs: which secrets of which vault become which files. It holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "secretfs map (secrets.yml)", rename = "Map")]
pub struct MapFile {
    /// Settings of the whole mount, and defaults of its entries.
    #[serde(default, skip_serializing_if = "Config::is_empty")]
    pub config: Config,
    /// The vaults, by name. Without any, and without `infisical_project_id`, there is one: `vault`,
    /// the local age vault.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub providers: BTreeMap<String, Spanned<ProviderSource>>,
    /// The files, and where their bytes come from.
    #[schemars(length(min = 1))]
    pub secrets: Vec<Spanned<Entry>>,
}

/// Settings of the whole mount, and defaults of its entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The provider of entries that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Maybe<String>,
    /// Where to mount, unless the command line says otherwise. `~/` is the home folder. Default:
    /// `~/secrets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mountpoint: Maybe<String>,
    /// How long a fetched value is served before it is checked again. Default: `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Maybe<Millis>,
    /// How long after its ttl a value may still be served while its provider is unreachable; `0`:
    /// never. Default: `1h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Maybe<Millis>,
    /// The most that one open waits. Default: `10s`, and `60s` where the provider is `backend: op`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_timeout: Maybe<Millis>,
    /// The largest value that is served. Default: `1MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Maybe<Bytes>,
    /// What a lock of the screen does. `unmount` (default): the mount goes; `seal`: it stays, and
    /// every open fails until it is unlocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_lock: Maybe<OnLock>,
    /// Mount again when the screen is unlocked, where no credential has to be asked for. Default:
    /// false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remount_on_unlock: Maybe<bool>,
    /// Lock after no open for that long. Default: `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Maybe<Millis>,
    /// Record who opened what. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Maybe<bool>,
    /// The short form: declares a provider `infisical` of this project, environment `dev`, path
    /// `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infisical_project_id: Maybe<String>,
}

impl Config {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One file, or one folder of files. Exactly one of `name`, `ref`, `item` and `folder` says where
/// its bytes come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["name", "file"] },
    { "required": ["ref", "file"] },
    { "required": ["vault", "item", "field", "file"] },
    { "required": ["folder", "file"] },
    { "required": ["folder", "dir"] },
]))]
pub struct Entry {
    /// The secret's name in its provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Maybe<String>,
    /// A 1Password reference, as `op` writes it: `op://vault/item/[section/]field`.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Maybe<String>,
    /// 1Password, spelled out: the vault's name or id. With `item` and `field`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Maybe<String>,
    /// 1Password, spelled out: the item's title or id. With `vault` and `field`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Maybe<String>,
    /// 1Password, spelled out: the section's label or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Maybe<String>,
    /// 1Password, spelled out: the field's label or id, or a file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Maybe<String>,
    /// A folder of the provider, starting with `/`: rendered into one `file`, or as one file each
    /// below `dir`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Maybe<String>,
    /// The file's path below the mountpoint; sub-folders are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Maybe<String>,
    /// With `folder`: the path below the mountpoint of the folder that shows its secrets as files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Maybe<String>,
    /// With `folder` and `file`: how it is rendered. Default: by the file's extension (`.env`,
    /// `.json`, `.yaml`, `.yml`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Maybe<Format>,
    /// The variable that `secretfs env` exports, holding the file's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub env: Maybe<String>,
    /// The provider, by its name in `providers`. Default: for `ref` and `item` the only 1Password
    /// provider, else `config.provider`, else the only provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Maybe<String>,
    /// Infisical: the folder. Default: the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Maybe<String>,
    /// Infisical: the environment's slug. Default: the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Maybe<String>,
    /// Infisical: whether references inside the value are expanded. Default: the provider's. Turn
    /// it off for what is plainly a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand_references: Maybe<bool>,
    /// How long a fetched value is served before it is checked again. Default: `config.ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Maybe<Millis>,
    /// The file's mode: `"0600"` (default) or `"0400"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Maybe<Mode>,
    /// What is done with the value before it is shown: `none` (default) or `base64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Maybe<Decode>,
    /// Only these executables may open it: bare names, or absolute paths. It hinders accidents, not
    /// the same user with intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub allow: Option<Vec<Spanned<String>>>,
    /// Whether an empty value is a zero-length file. Default: false, an empty value is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_empty: Maybe<bool>,
    /// The provider that is asked when the first is unreachable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Maybe<String>,
    /// The secret's name in the fallback. Default: the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_name: Maybe<String>,
}
