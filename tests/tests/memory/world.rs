//! Values of four sizes behind the shipped executable, and what a scanner looks for.

use secretfs_tests::fixture::Fixture;
use secretfs_tests::memory::client::Scanner;
use secretfs_tests::memory::marker::{Marker, Pattern, patterns};
use secretfs_tests::memory::naive::Naive;
use secretfs_tests::vault::{PASSPHRASE, TestVault};
use std::ops::Deref;
use std::path::PathBuf;

/// The sizes: a token's, a key file's, and two that do not fit one buffer.
const SIZES: [usize; 4] = [32, 3 << 10, 64 << 10, 900 << 10];

/// A mount of the shipped executable in front of a local vault.
pub(crate) struct World {
    fixture: Fixture,
    markers: Vec<Marker>,
    identity: String,
}

impl World {
    /// Mounted, nothing fetched yet.
    pub(crate) fn mounted(config: &str) -> Self {
        let fixture = Fixture::shipped();
        let mut vault: TestVault = fixture.vault();
        let markers: Vec<_> = SIZES
            .iter()
            .map(|size| Marker::new(&format!("{size} bytes")))
            .collect();
        let values: Vec<(String, Vec<u8>)> = markers
            .iter()
            .zip(SIZES)
            .map(|(marker, size)| (format!("V{size}"), marker.value(size)))
            .collect();
        vault.set_all(
            values
                .iter()
                .map(|(name, value)| (name.as_str(), &value[..])),
        );
        let mut map = format!(
            "config: {{{config}}}\nproviders: {{v: {{type: local, file: {:?}}}}}\nsecrets:\n",
            vault.file()
        );
        for size in SIZES {
            map.push_str(&format!("- {{name: V{size}, file: v{size}}}\n"));
        }
        fixture.write_map(&map);
        fixture.mount();
        Self {
            identity: vault.identity().to_owned(),
            fixture,
            markers,
        }
    }

    /// Its files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        SIZES
            .iter()
            .map(|size| self.file(&format!("v{size}")))
            .collect()
    }

    /// Reads every file, which fetches what is not there.
    pub(crate) fn read_all(&self) {
        for (marker, size) in self.markers.iter().zip(SIZES) {
            let seen = self.read(&format!("v{size}"));
            assert!(seen == Ok(marker.value(size)), "v{size}: not its bytes");
        }
    }

    /// Forgets every value, so that the next read fetches it again.
    pub(crate) fn forget(&self) {
        self.run(["refresh"]);
    }

    /// Every form of every value.
    pub(crate) fn values(&self) -> Vec<Pattern> {
        self.markers.iter().flat_map(Marker::patterns).collect()
    }

    /// Every form of what opens the vault: the identity's text, its key, the passphrase.
    pub(crate) fn credentials(&self) -> Vec<Pattern> {
        let (_, letters) = self.identity.split_once('1').expect("bech32");
        // Of 32 bytes the middle ones: the ends may be masked by what uses the key.
        let key = key(letters);
        let mut all = patterns("the identity", letters.as_bytes());
        all.extend(patterns("the key", &key[4..28]));
        all.extend(patterns("the passphrase", PASSPHRASE.as_bytes()));
        all
    }

    /// Both.
    pub(crate) fn secrets(&self) -> Vec<Pattern> {
        let mut all = self.values();
        all.extend(self.credentials());
        all
    }

    /// Daemon, helper and sentinel.
    pub(crate) fn pids(&self) -> Vec<u32> {
        [
            "internal-daemon",
            "internal-mount-helper",
            "internal-sentinel",
        ]
        .map(|role| self.process(role).pid)
        .into()
    }

    /// The scanner.
    pub(crate) fn scanner(&self) -> Scanner {
        Scanner::start(&self.fixture)
    }

    /// The control: a program that has read every file.
    pub(crate) fn naive(&self) -> Naive {
        Naive::read(&self.fixture, &self.files())
    }
}

impl Deref for World {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
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
