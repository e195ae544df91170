//! Infisical: what a map entry says about a secret there.

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
