//! A local vault for a fixture, written with the age library and not with the code under test.
//!
//! `secretfs vault init` wraps its identity with scrypt at log_n 18: a second and 256 MiB each. Here
//! log_n is 10, which the standard format allows, so that every test can afford a passphrase; the
//! tests of `secretfs vault` itself use the real commands.

use age::secrecy::{ExposeSecret, SecretString};
use age::x25519::Identity;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What opens every vault of the tests.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// A vault: `vault.age` and `identity.age` in a folder.
#[derive(Debug)]
pub struct TestVault {
    folder: PathBuf,
    identity: String,
    recipient: age::x25519::Recipient,
    values: BTreeMap<String, serde_json::Value>,
}

impl TestVault {
    /// A vault without secrets.
    ///
    /// # Panics
    /// It cannot be written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let identity = Identity::generate();
        let mut recipient = age::scrypt::Recipient::new(SecretString::from(PASSPHRASE.to_owned()));
        recipient.set_work_factor(10);
        let text = format!("{}\n", identity.to_string().expose_secret());
        let sealed = encrypt(&recipient, text.as_bytes());
        write(&folder.join("identity.age"), &sealed);
        let vault = Self {
            folder: folder.to_owned(),
            identity: identity.to_string().expose_secret().to_owned(),
            recipient: identity.to_public(),
            values: BTreeMap::new(),
        };
        vault.save();
        vault
    }

    /// Its file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("vault.age")
    }

    /// What opens it without the passphrase: `AGE-SECRET-KEY-1…`.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Sets a secret and saves.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.set_all([(name, value)]);
    }

    /// Sets several secrets and saves once.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn set_all<'a>(&mut self, values: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        for (name, value) in values {
            let value = match std::str::from_utf8(value) {
                Ok(text) => serde_json::json!(text),
                Err(_) => serde_json::json!({ "base64": base64(value) }),
            };
            self.values.insert(name.to_owned(), value);
        }
        self.save();
    }

    /// Removes a secret and saves.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
        self.save();
    }

    fn save(&self) {
        let json = serde_json::to_vec(&self.values).expect("JSON");
        write(&self.file(), &encrypt(&self.recipient, &json));
    }
}

fn encrypt(recipient: &impl age::Recipient, plain: &[u8]) -> Vec<u8> {
    let recipients = std::iter::once(recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).expect("one recipient");
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).expect("age");
    writer.write_all(plain).expect("age");
    writer.finish().expect("age");
    sealed
}

/// As the program does: whoever reads the file at any moment sees the old one or the new one.
fn write(path: &Path, bytes: &[u8]) {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, bytes).expect("a vault file");
    std::fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("chmod");
    crate::user::give(&fresh, crate::user::mounting());
    std::fs::rename(&fresh, path).expect("rename");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
