//! What the rest of the program knows of the map: entries and providers with all defaults applied.

#![allow(
    missing_docs,
    reason = "the archived twins of enums with named fields have none, and rkyv offers no way to add them"
)]

use rkyv::{Archive, Deserialize, Serialize};
use schemars::JsonSchema;
use secretfs_providers::{FolderReference, Reference};

/// An entry of `secrets:`, by its position in the compiled map. Valid for one generation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u32);

/// A file or folder of the tree, by its position in the compiled map. 0 is the root. Valid for one
/// generation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// What a cached value is found by: a digest of the provider's definition, the reference, and what
/// is done with the answer. Equal over reloads, so that an untouched entry keeps its value; equal
/// for two entries that show one secret twice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize,
)]
pub struct ValueKey(pub u128);

/// What is done with a value before it is shown.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Archive,
    Serialize,
    Deserialize,
    serde::Serialize,
    serde::Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Decode {
    /// Nothing.
    None,
    /// Standard base64, white space ignored.
    Base64,
}

/// How a folder is rendered into one file.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Archive,
    Serialize,
    Deserialize,
    serde::Serialize,
    serde::Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Format {
    /// `NAME="value"` lines.
    Dotenv,
    /// One object.
    Json,
    /// One mapping.
    Yaml,
}

/// Where an entry's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub enum Source {
    /// One secret, one file.
    Secret(Reference),
    /// A folder, rendered into one file.
    Rendered {
        /// Which folder.
        folder: FolderReference,
        /// How.
        format: Format,
    },
    /// A folder, as one file each (`dir:`).
    Listed {
        /// Which folder.
        folder: FolderReference,
    },
}

/// Who is asked when the first provider is unreachable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub struct Fallback {
    /// Index in the map's providers.
    pub provider: u16,
    /// Under which name.
    pub reference: Reference,
}

/// Everything about one entry, with all defaults applied. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct EntryPlan {
    /// Position in the compiled map.
    pub id: u32,
    /// The file's or folder's path below the mountpoint, without a leading `/`.
    pub path: String,
    /// What its value is cached under.
    pub key: ValueKey,
    /// Index in the map's providers.
    pub provider: u16,
    /// Where its bytes come from.
    pub source: Source,
    /// The exported variable.
    pub env: Option<String>,
    /// How long a value is served before it is checked again.
    pub ttl_ms: u64,
    /// How long after that it may be served while its provider is unreachable.
    pub stale_ms: u64,
    /// The most one open waits.
    pub open_timeout_ms: u64,
    /// The most bytes that the value may have.
    pub max_size: u64,
    /// What is done with the value.
    pub decode: Decode,
    /// `0o600` or `0o400`.
    pub mode: u16,
    /// Which executables may open it; empty: all.
    pub allow: Vec<String>,
    /// Whether an empty value is a zero-length file.
    pub allow_empty: bool,
    /// Who is asked when the first provider is unreachable.
    pub fallback: Option<Fallback>,
    /// Line in the map, from 1.
    pub line: u32,
}

/// A provider's definition, with all defaults applied.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct ProviderSpec {
    /// Its name in the map.
    pub name: String,
    /// What it is.
    pub settings: ProviderSettings,
}

/// A provider's settings, by type.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub enum ProviderSettings {
    /// A local age vault.
    Local {
        /// The vault file, absolute.
        file: String,
    },
    /// Infisical.
    Infisical {
        /// Without a trailing `/`.
        site_url: String,
        /// `project_id` …
        project_id: Option<String>,
        /// … or `project_slug`.
        project_slug: Option<String>,
        /// The default environment's slug.
        environment: String,
        /// The default folder.
        path: String,
        /// `auth:`, where given.
        auth: Option<String>,
        /// For kubernetes, oidc, jwt, aws.
        identity_id: Option<String>,
        /// For kubernetes, oidc, jwt.
        jwt_file: Option<String>,
        /// Whether references inside values are expanded by default.
        expand_references: bool,
        /// Whether imports are included.
        include_imports: bool,
        /// Whether personal overrides win.
        personal: bool,
        /// Whether server-sent events are used as a hint.
        events: bool,
        /// A CA bundle beside the system's.
        ca_file: Option<String>,
        /// Plain http beyond loopback.
        allow_insecure_http: bool,
    },
    /// 1Password.
    OnePassword {
        /// Through the `op` program (true) or Connect (false).
        op: bool,
        /// Connect's address, without a trailing `/`.
        connect_host: Option<String>,
        /// `op --account`.
        account: Option<String>,
        /// A CA bundle beside the system's.
        ca_file: Option<String>,
        /// Plain http beyond loopback.
        allow_insecure_http: bool,
    },
    /// The scripted provider of the tests.
    #[cfg(feature = "test-hooks")]
    Scripted {
        /// The simulator's socket.
        socket: String,
    },
}

/// The settings of the whole mount, with all defaults applied.
#[derive(Debug, Clone, PartialEq, Eq, Archive, Serialize, Deserialize)]
pub struct MountSettings {
    /// The map's `mountpoint:`, absolute.
    pub mountpoint: Option<String>,
    /// `on_lock: seal` (true) or `unmount` (false).
    pub seal_on_lock: bool,
    /// Mount again at unlock.
    pub remount_on_unlock: bool,
    /// Lock after no open for that long, in milliseconds; 0: off.
    pub idle_ms: u64,
    /// Write the audit.
    pub audit: bool,
}
