//! The local vault: secrets in a file encrypted with age, the default that needs no account and no
//! network.
//!
//! `vault.age` is encrypted to an X25519 identity. The identity, itself encrypted with a passphrase,
//! lies in `identity.age` beside it, so that `age -d -i identity.age vault.age` of the standard tool
//! opens it. The content is one JSON object: name → text, or `{"base64": …}` for bytes that are not
//! UTF-8.
//!
//! A `/` in a name makes a folder: `compose/DB_URL` is the secret `DB_URL` of the folder `/compose`.
//! A folder's members are the names directly below it, so `/` means the names without any `/`.
//!
//! Rooms: [`read`] and `write` are the format, [`crypt`] is age, `provider` and `scan` are what the
//! daemon does, [`store`] and [`rekey`] are what the commands do, [`dotenv`] reads `.env` files.

pub mod crypt;
pub mod dotenv;
mod error;
mod files;
mod folders;
pub mod glance;
pub mod plain;
mod provider;
pub mod read;
pub mod rekey;
mod scan;
pub mod store;
mod write;

#[cfg(test)]
mod tests;

pub use error::VaultError;
pub use provider::LocalVault;

use crate::provider::Place;
use rkyv::{Archive, Deserialize, Serialize};

/// The most bytes of a secret's name.
pub const MAX_NAME: usize = 1024;
/// The most secrets in a vault: what a reader remembers of their names must fit the locked heap.
pub const MAX_NAMES: usize = 20_000;
/// The most bytes of a vault file.
pub const MAX_VAULT: u64 = 64 << 20;
/// The most bytes of a value that a command writes.
pub const MAX_VALUE: usize = 16 << 20;

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

/// What credentials of the vault at `file` are bound to.
#[must_use]
pub fn origin(file: &str) -> String {
    format!("file://{file}")
}
