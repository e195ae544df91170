//! A new identity, a new passphrase, or both. Two files have to change and only one can at a time,
//! so the identity file holds both identities in between: whatever a crash leaves opens.

use super::VaultError;
use super::files::Lock;
use super::store::{Key, Vault};
use age::secrecy::SecretString;
use age::x25519::Identity;
use std::collections::BTreeMap;

/// What is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rekey {
    /// The passphrase: the identity stays, and with it what was made from it before.
    Passphrase,
    /// The identity, and the passphrase if another one is given.
    Identity,
}

impl Vault {
    /// Rekeys. `new` may be the old passphrase.
    ///
    /// # Errors
    /// The passphrase does not fit, or a file cannot be written. The vault opens then with the old
    /// passphrase or with the new one.
    pub fn rekey(
        &self,
        old: &SecretString,
        new: &SecretString,
        what: Rekey,
    ) -> Result<Key, VaultError> {
        let lock = Lock::take(&self.file)?;
        // Under the lock: another rekey may just have ended.
        let key = self.unlock(old)?;
        if what == Rekey::Passphrase {
            self.write_identity(&lock, &[&key.0], new)?;
            return Ok(key);
        }
        let fresh = Identity::generate();
        self.write_identity(&lock, &[&fresh, &key.0], new)?;
        self.rewrite(&lock, &key.0, &fresh, BTreeMap::new())?;
        self.write_identity(&lock, &[&fresh], new)?;
        Ok(Key(fresh))
    }
}
