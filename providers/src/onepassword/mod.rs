//! 1Password: references to fields and files of items, and the clients that read them (contract
//! onepassword.md).
//!
//! | room | idea |
//! |---|---|
//! | `reference` | `op://`, parsed when the map loads |
//! | `item/` | an item's JSON, and which of it a reference means: the same for every back end |
//! | `otp`, `ssh/` | one-time passwords, SSH keys |
//! | [`connect`] | the back end for Connect servers |

pub mod connect;
mod item;
mod otp;
mod reference;
mod ssh;

pub use reference::ReferenceError;

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// A field or file of an item. `op://vault/item/[section/]field[?attribute=…]`, or spelled out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize)]
pub struct Reference {
    /// The vault's name or id.
    pub vault: String,
    /// The item's title or id.
    pub item: String,
    /// The section's label or id.
    pub section: Option<String>,
    /// The field's label or id, or a file's name.
    pub field: String,
    /// `?attribute=` or `?ssh-format=`, where given.
    pub attribute: Option<Attribute>,
}

impl Reference {
    /// An item: one call for all its fields.
    pub(crate) fn place(&self) -> Place {
        // Spelled out, names may hold anything: the length says where the vault's ends.
        Place(format!("{}:{}{}", self.vault.len(), self.vault, self.item))
    }
}

/// What of the field is wanted, where it is not its value.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Archive, Serialize, Deserialize,
)]
pub enum Attribute {
    /// The current one-time password (`attribute=otp`, `attribute=totp`).
    Otp,
    /// The private key in OpenSSH's format (`ssh-format=openssh`).
    OpenSsh,
}
