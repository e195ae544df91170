//! Typed references to secrets: one variant a provider, parsed when the map loads.

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// Which secret of which kind of provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize)]
pub enum Reference {
    /// A name in a local age vault.
    Local(crate::local::Reference),
    /// A secret of an Infisical project.
    Infisical(crate::infisical::Reference),
    /// A field or file of a 1Password item.
    OnePassword(crate::onepassword::Reference),
    /// A secret of the scripted provider.
    #[cfg(feature = "test-hooks")]
    Scripted(crate::scripted::Reference),
}

impl Reference {
    /// What one call can answer together with this reference.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Local(r) => r.place(),
            Self::Infisical(r) => r.place(),
            Self::OnePassword(r) => r.place(),
            #[cfg(feature = "test-hooks")]
            Self::Scripted(r) => r.place(),
        }
    }
}

/// Which folder: for rendered files and `dir:` entries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize)]
pub struct FolderReference {
    /// The folder's path in its provider, starting with `/`.
    pub path: String,
    /// The environment, where the provider has some (Infisical).
    pub environment: Option<String>,
    /// Whether references inside values are expanded, where the provider does that.
    pub expand_references: Option<bool>,
}
