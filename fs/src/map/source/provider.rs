//! `providers:`, as it is written.

use super::words::{Auth, Backend};
use super::{Maybe, Millis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A vault. `type` says of which kind, and which other keys it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schemars(rename = "Provider")]
pub enum ProviderSource {
    /// Infisical, in the cloud or self-hosted.
    Infisical(Box<InfisicalSource>),
    /// 1Password.
    OnePassword(OnePasswordSource),
    /// A file encrypted with age: the embedded default, no account and no network needed.
    Local(LocalSource),
    /// The scripted provider of the tests.
    #[cfg(feature = "test-hooks")]
    #[schemars(skip)]
    Scripted(ScriptedSource),
}

/// Infisical, in the cloud or self-hosted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Infisical")]
pub struct InfisicalSource {
    /// The site. A path prefix is kept. Default: `INFISICAL_DOMAIN`, else `https://app.infisical.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_url: Maybe<String>,
    /// The project, by its id. Default: `INFISICAL_PROJECT_ID`, else what `.infisical.json` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Maybe<String>,
    /// The project, by its slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_slug: Maybe<String>,
    /// The environment's slug. Default: `INFISICAL_ENVIRONMENT`, else what `.infisical.json` says, else
    /// `dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Maybe<String>,
    /// The folder. Default: `INFISICAL_SECRET_PATH`, else what `.infisical.json` says, else `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Maybe<String>,
    /// How to sign in. Default: what there is, in the order universal, token, cli, kubernetes,
    /// oidc, jwt, aws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Maybe<Auth>,
    /// The machine identity, for kubernetes, oidc, jwt and aws. Default: `INFISICAL_MACHINE_IDENTITY_ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Maybe<String>,
    /// The file with the token, for kubernetes, oidc and jwt. Default for kubernetes: that of the pod's
    /// service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_file: Maybe<String>,
    /// Whether references inside values are expanded. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand_references: Maybe<bool>,
    /// Whether imported folders are included. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_imports: Maybe<bool>,
    /// Whether personal overrides win, for user sessions. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal: Maybe<bool>,
    /// Whether server-sent events are used as a hint to fetch again. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Maybe<bool>,
    /// A CA bundle (PEM) beside the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Maybe<String>,
    /// Allow plain http to other hosts than this one. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_insecure_http: Maybe<bool>,
    /// The most that one open waits. Default: `config.open_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_timeout: Maybe<Millis>,
}

/// 1Password, through a Connect server or the `op` program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "OnePassword")]
pub struct OnePasswordSource {
    /// `connect`: a Connect server (default where `connect_host` is given); `op`: the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Maybe<Backend>,
    /// The Connect server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_host: Maybe<String>,
    /// The account, as `op --account` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Maybe<String>,
    /// A CA bundle (PEM) beside the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Maybe<String>,
    /// Allow plain http to other hosts than this one. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_insecure_http: Maybe<bool>,
    /// The most that one open waits. Default: `config.open_timeout`, or `60s` with `backend: op`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_timeout: Maybe<Millis>,
}

/// A file encrypted with age.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Local")]
pub struct LocalSource {
    /// The vault file. Default: `~/.local/share/secretfs/vault.age`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Maybe<String>,
    /// The most that one open waits. Default: `config.open_timeout`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_timeout: Maybe<Millis>,
}

/// The scripted provider of the tests.
#[cfg(feature = "test-hooks")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedSource {
    /// The simulator's socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Maybe<String>,
    /// The most that one open waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_timeout: Maybe<Millis>,
}

impl ProviderSource {
    /// Every `type:`.
    pub const TYPES: &'static [&'static str] = &[
        "infisical",
        "onepassword",
        "local",
        #[cfg(feature = "test-hooks")]
        "scripted",
    ];

    /// Its `type:`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Infisical(_) => "infisical",
            Self::OnePassword(_) => "onepassword",
            Self::Local(_) => "local",
            #[cfg(feature = "test-hooks")]
            Self::Scripted(_) => "scripted",
        }
    }

    /// Its own `open_timeout:`.
    #[must_use]
    pub fn open_timeout(&self) -> Option<Millis> {
        let at = match self {
            Self::Infisical(p) => &p.open_timeout,
            Self::OnePassword(p) => &p.open_timeout,
            Self::Local(p) => &p.open_timeout,
            #[cfg(feature = "test-hooks")]
            Self::Scripted(p) => &p.open_timeout,
        };
        at.as_ref().map(|at| at.value)
    }
}
