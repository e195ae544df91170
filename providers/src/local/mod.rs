//! The local vault: secrets in a file encrypted with age, the default that needs no account and no
//! network.

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// A secret of a local vault, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize)]
pub struct Reference {
    /// The name, as `secretfs vault list` prints it.
    pub name: String,
}

impl Reference {
    /// The whole vault is one file, decrypted at once.
    #[expect(clippy::unused_self, reason = "the signature of all references")]
    pub(crate) fn place(&self) -> Place {
        Place(String::new())
    }
}
