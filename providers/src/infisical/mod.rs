//! Infisical, cloud or self-hosted, old (v3) or new (v4) (contract infisical.md).
//!
//! | file | idea |
//! |---|---|
//! | `provider` | the trait |
//! | `call` | one request with a token: signed in again once where that is what is wrong, tried again, paced |
//! | `auth` | credentials, tokens, the one sign-in under way |
//! | `api` | paths and queries of both versions |
//! | `secrets` | an answer's secrets, taken from the stream |
//! | `refusal` | what an answer without a secret means |

mod api;
mod auth;
mod call;
mod login;
mod provider;
mod refusal;
mod secrets;

pub use provider::{Infisical, Settings};

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// A secret of an Infisical project. What is `None` is the provider's own setting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize)]
pub struct Reference {
    /// The secret's key.
    pub name: String,
    /// The folder, starting with `/`.
    pub path: String,
    /// The environment's slug.
    pub environment: String,
    /// Whether references inside the value are expanded.
    pub expand_references: bool,
}

impl Reference {
    /// A folder of an environment: one list call.
    pub(crate) fn place(&self) -> Place {
        Place(format!(
            "{}\n{}\n{}",
            self.environment, self.path, self.expand_references
        ))
    }
}
