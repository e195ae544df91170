//! Infisical, cloud or self-hosted, old (v3) or new (v4) (contract infisical.md).
//!
//! | file | idea |
//! |---|---|
//! | `provider` | the trait |
//! | `call` | one request with a token: signed in again once where that is what is wrong, tried again, paced |
//! | `auth` | credentials, tokens, the one sign-in under way: a folder, one method a file |
//! | `api` | paths and queries of both versions |
//! | `read` | a request for secrets: which version the server speaks, the stream of an answer |
//! | `secrets` | an answer's secrets, taken from the stream |
//! | `single` | one secret by its name |
//! | `list` | several secrets of a folder, all of them, or their names; and the second look |
//! | `check` | whether secrets are there and may be read, for a person |
//! | `advice` | what there is instead of what is missing |
//! | `picks` | which of a list's secrets count: own, imported, personal |
//! | `expansion` | whether a reference is left in a value |
//! | `validator` | the ETag of which request |
//! | `refusal` | what an answer without a secret means |
//! | `events` | the server tells that something has changed |
//! | `answers` | answers without a server, for fuzzing (feature `test-hooks`) |

mod advice;
#[cfg(feature = "test-hooks")]
pub mod answers;
mod api;
mod auth;
mod call;
mod check;
mod events;
mod expansion;
mod list;
mod picks;
mod provider;
mod read;
mod refusal;
mod secrets;
mod single;
mod validator;

pub use auth::ProgramConfig;
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
