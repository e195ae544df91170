//! A local vault with the values, and what opens it.

use secretfs_tests::fixture::Fixture;
use secretfs_tests::memory::marker::{Pattern, patterns};
use secretfs_tests::vault::{PASSPHRASE, TestVault};

/// The vault.
pub(crate) struct Vault(TestVault);

impl Vault {
    pub(crate) fn with(fixture: &Fixture, values: &[(String, Vec<u8>)]) -> Self {
        let mut vault = fixture.vault();
        vault.set_all(
            values
                .iter()
                .map(|(name, value)| (name.as_str(), &value[..])),
        );
        Self(vault)
    }

    /// Its definition in a map.
    pub(crate) fn provider(&self) -> String {
        format!("{{type: local, file: {:?}}}", self.0.file())
    }

    /// Every form of the identity's text, its key, the passphrase.
    pub(crate) fn credentials(&self) -> Vec<Pattern> {
        let (_, letters) = self.0.identity().split_once('1').expect("bech32");
        // Of 32 bytes the middle ones: the ends may be masked by what uses the key.
        let key = key(letters);
        let mut all = patterns("the identity", letters.as_bytes());
        all.extend(patterns("the key", &key[4..28]));
        all.extend(patterns("the passphrase", PASSPHRASE.as_bytes()));
        all
    }
}

/// The bytes of a bech32 text without its checksum.
fn key(letters: &str) -> Vec<u8> {
    const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let data = &letters[..letters.len() - 6];
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in data.to_lowercase().chars() {
        let five = ALPHABET.find(letter).expect("bech32");
        bits = (bits << 5) | u32::try_from(five).expect("five bits");
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).expect("eight bits"));
        }
    }
    assert_eq!(bytes.len(), 32);
    bytes
}
