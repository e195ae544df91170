//! 1Password: references to fields and files of items, and the clients that read them (contract
//! onepassword.md).
//!
//! | room | idea |
//! |---|---|
//! | `reference` | `op://`, parsed when the map loads |
//! | `item/` | an item's JSON, and which of it a reference means: the same for every back end |
//! | `wish` | what is wanted of an item, and what comes of it |
//! | `list` | lists of vaults and items |
//! | `survey` | which references there are, for a first map |
//! | `otp`, `ssh/` | one-time passwords, SSH keys |
//! | `answers` | answers without a server or program, for fuzzing (feature `test-hooks`) |
//! | [`connect`] | the back end for Connect servers |
//! | [`op`] | the back end for the `op` program |

#[cfg(feature = "test-hooks")]
pub mod answers;
pub mod connect;
mod item;
mod list;
pub mod op;
mod otp;
mod reference;
mod ssh;
mod survey;
mod wish;

pub use reference::ReferenceError;

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// A field or file of an item. `op://vault/item/[section/]field[?attribute=…]`, or spelled out.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Archive,
    Serialize,
    Deserialize,
    serde::Serialize,
    serde::Deserialize,
)]
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
        place(&self.vault, &self.item)
    }
}

/// The item of these names, as a place.
#[must_use]
pub fn place(vault: &str, item: &str) -> Place {
    // Spelled out, names may hold anything: the length says where the vault's ends.
    Place(format!("{}:{vault}{item}", vault.len()))
}

/// What of the field is wanted, where it is not its value.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Archive,
    Serialize,
    Deserialize,
    serde::Serialize,
    serde::Deserialize,
)]
pub enum Attribute {
    /// The current one-time password (`attribute=otp`, `attribute=totp`).
    Otp,
    /// The private key in OpenSSH's format (`ssh-format=openssh`).
    OpenSsh,
}

/// Whether a text looks like an id of 1Password. A name may look so too.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn an_id_has_26_small_letters_and_digits() {
        assert!(is_id("ytrfte14kw1uex5txaore1emkz"));
        for no in [
            "",
            "ytrfte14kw1uex5txaore1emk",
            "ytrfte14kw1uex5txaore1emkzz",
            "YTRFTE14KW1UEX5TXAORE1EMKZ",
            "ytrfte14kw1uex5txaore1em/.",
            "\u{e9}trfte14kw1uex5txaore1emk",
        ] {
            assert!(!is_id(no), "{no}");
        }
    }
}
