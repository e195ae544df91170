//! Keys that take one of a few words.

use crate::map::plan::{Decode, Format};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A type whose values are words of the map.
pub trait Words: Copy + 'static {
    /// Every word and its meaning.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! words {
    ($type:ty { $($word:literal => $value:ident),+ $(,)? }) => {
        impl Words for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),+];
        }
    };
}

/// What a lock of the screen does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OnLock {
    /// The mount goes.
    Unmount,
    /// The mount stays, and every open fails until it is unlocked.
    Seal,
}
words!(OnLock { "unmount" => Unmount, "seal" => Seal });

/// A file's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Mode {
    /// The owner may read, and the mode says write although nothing can be written.
    #[serde(rename = "0600")]
    ReadWrite,
    /// The owner may read.
    #[serde(rename = "0400")]
    Read,
}
words!(Mode { "0600" => ReadWrite, "0400" => Read });

impl Mode {
    /// As the kernel counts it.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            Self::ReadWrite => 0o600,
            Self::Read => 0o400,
        }
    }
}

/// How to sign in to Infisical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Auth {
    /// Universal auth: a client id and a client secret.
    Universal,
    /// A ready-made token.
    Token,
    /// The session of `infisical login`.
    Cli,
    /// The service account of a Kubernetes pod.
    Kubernetes,
    /// An OIDC token.
    Oidc,
    /// A JWT.
    Jwt,
    /// The IAM role of an AWS machine.
    Aws,
}
words!(Auth {
    "universal" => Universal,
    "token" => Token,
    "cli" => Cli,
    "kubernetes" => Kubernetes,
    "oidc" => Oidc,
    "jwt" => Jwt,
    "aws" => Aws,
});

impl Auth {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, value)| *value == self);
        found.map_or("", |(word, _)| word)
    }
}

/// How to reach 1Password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Backend {
    /// A Connect server.
    Connect,
    /// The `op` program.
    Op,
}
words!(Backend { "connect" => Connect, "op" => Op });

words!(Decode { "none" => None, "base64" => Base64 });
words!(Format { "dotenv" => Dotenv, "json" => Json, "yaml" => Yaml });
