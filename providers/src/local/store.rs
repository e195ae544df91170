//! Making and changing a vault: what the commands do. The old content is decrypted, changed and
//! encrypted again as one stream; no value of it is ever whole in memory.

use super::crypt::{self, LOG_N, Plaintext};
use super::files::{self, Lock, write_error};
use super::plain::PlainValue;
use super::read::{FormatError, TransferError, ValueError, VaultReader};
use super::write::VaultWriter;
use super::{MAX_NAME, MAX_NAMES, MAX_VAULT, VaultError};
use age::secrecy::SecretString;
use age::x25519::Identity;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A vault and its identity, by their places.
#[derive(Debug, Clone)]
pub struct Vault {
    pub(super) file: PathBuf,
    pub(super) identity: PathBuf,
    /// The work of scrypt, as the logarithm of N.
    pub(super) log_n: u8,
}

/// What opens a vault.
pub struct Key(pub(super) Identity);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([REDACTED])")
    }
}

impl Key {
    /// `AGE-SECRET-KEY-1…`, as the daemon is given it.
    #[must_use]
    pub fn to_secret(&self) -> SecretString {
        self.0.to_string()
    }
}

/// A change of one secret.
#[derive(Debug)]
pub enum Change {
    /// This is its value from now on.
    Set(PlainValue),
    /// It is no more.
    Remove,
}

/// What an edit did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Edited {
    /// Secrets that are new.
    pub added: usize,
    /// Secrets that have another value.
    pub replaced: usize,
    /// Secrets that are gone.
    pub removed: usize,
}

/// Whether `name` can be the name of a secret that a command makes. Vaults made by other means may
/// hold others; they can be read.
///
/// # Errors
/// [`VaultError::BadName`].
pub fn check_name(name: &str) -> Result<(), VaultError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME {
        "it is too long"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else {
        return Ok(());
    };
    Err(VaultError::BadName {
        name: name.to_owned(),
        why,
    })
}

impl Vault {
    /// The vault at `file`, which need not exist. A symlink stands for what it points to, so that
    /// writing does not replace the link.
    #[must_use]
    pub fn at(file: &Path) -> Self {
        let file = std::fs::canonicalize(file)
            .or_else(|_| std::path::absolute(file))
            .unwrap_or_else(|_| file.to_owned());
        Self {
            identity: file.with_file_name("identity.age"),
            file,
            log_n: LOG_N,
        }
    }

    /// The same with another work of scrypt: for tests that need many vaults.
    #[must_use]
    pub fn with_work(mut self, log_n: u8) -> Self {
        self.log_n = log_n;
        self
    }

    /// The vault file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The identity file.
    #[must_use]
    pub fn identity(&self) -> &Path {
        &self.identity
    }

    /// Whether there is a vault file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.file.exists()
    }

    /// Makes an empty vault and its identity.
    ///
    /// # Errors
    /// One of the files exists, or cannot be written.
    pub fn init(&self, passphrase: &SecretString) -> Result<(), VaultError> {
        self.refuse_existing()?;
        files::make_folder(&self.file)?;
        let lock = Lock::take(&self.file)?;
        self.refuse_existing()?;
        let identity = Identity::generate();
        self.write_identity(&lock, &[&identity], passphrase)?;
        lock.replace(&self.file, |output| {
            self.encrypt(&identity, output, |writer| writer.finish())
        })
    }

    /// That neither file is there: a vault in a folder has the identity in it to itself.
    pub fn refuse_existing(&self) -> Result<(), VaultError> {
        for path in [&self.file, &self.identity] {
            if path.symlink_metadata().is_ok() {
                return Err(VaultError::Exists(path.clone()));
            }
        }
        Ok(())
    }

    pub(super) fn write_identity(
        &self,
        lock: &Lock,
        identities: &[&Identity],
        passphrase: &SecretString,
    ) -> Result<(), VaultError> {
        let sealed = crypt::wrap(identities, passphrase, self.log_n, &self.identity)?;
        lock.replace(&self.identity, |mut output| {
            output
                .write_all(&sealed)
                .map_err(write_error(&self.identity))
        })
    }

    /// Runs scrypt and finds the identity that opens the vault.
    ///
    /// # Errors
    /// There is no vault, the passphrase does not fit, or the identity does not.
    pub fn unlock(&self, passphrase: &SecretString) -> Result<Key, VaultError> {
        let first = self.unlock_once(passphrase);
        if matches!(first, Err(VaultError::WrongIdentity(_))) {
            // A rekey between the two files: the second look sees both after it.
            return self.unlock_once(passphrase);
        }
        first
    }

    fn unlock_once(&self, passphrase: &SecretString) -> Result<Key, VaultError> {
        // Without a vault, nobody should have to wait for scrypt to hear it.
        crypt::look(files::open(&self.file)?, &self.file)?;
        let mut refusal = VaultError::WrongIdentity(self.file.clone());
        for identity in crypt::unwrap(&self.identity, passphrase)? {
            let opened = crypt::look(files::open(&self.file)?, &self.file)?;
            match opened.decrypt(&identity, &self.file) {
                Ok(_) => return Ok(Key(identity)),
                Err(e) => refusal = e,
            }
        }
        Err(refusal)
    }

    fn read(&self, identity: &Identity) -> Result<VaultReader<Plaintext>, VaultError> {
        let opened = crypt::look(files::open(&self.file)?, &self.file)?;
        VaultReader::new(opened.decrypt(identity, &self.file)?).map_err(|e| self.format(&e))
    }

    fn format(&self, error: &FormatError) -> VaultError {
        from_format(error, &self.file)
    }

    /// The names of all secrets, sorted.
    ///
    /// # Errors
    /// The vault cannot be read.
    pub fn names(&self, key: &Key) -> Result<Vec<String>, VaultError> {
        let mut reader = self.read(&key.0)?;
        let mut names = Vec::new();
        let mut scratch = zeroize::Zeroizing::new(vec![0; 4096]);
        while let Some(name) = reader.next_name().map_err(|e| self.format(&e))? {
            if let Some(mut value) = reader.open().map_err(|e| self.format(&e))? {
                while value.skim(&mut scratch).map_err(|e| self.format(&e))? > 0 {}
            }
            // One that is not base64 is listed all the same: it shows when it is read.
            if let Err(ValueError::Vault(e)) = reader.close() {
                return Err(self.format(&e));
            }
            names.push(name);
        }
        reader.finish().map_err(|e| self.format(&e))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Changes secrets, all or none. Two edits at once both take effect: the vault is read again
    /// under the lock.
    ///
    /// # Errors
    /// A secret to be removed is not there, the vault cannot be read or written, or it would grow
    /// too large. The vault is as it was then.
    pub fn edit(&self, key: &Key, changes: BTreeMap<String, Change>) -> Result<Edited, VaultError> {
        let lock = Lock::take(&self.file)?;
        self.rewrite(&lock, &key.0, &key.0, changes)
    }

    /// Decrypts with one identity, changes, encrypts to another, and replaces the file.
    pub(super) fn rewrite(
        &self,
        lock: &Lock,
        from: &Identity,
        to: &Identity,
        mut changes: BTreeMap<String, Change>,
    ) -> Result<Edited, VaultError> {
        let mut reader = self.read(from)?;
        let mut edited = Edited::default();
        lock.replace(&self.file, |output| {
            self.encrypt(to, output, |mut writer| {
                let mut count = 0;
                while let Some(name) = reader.next_name().map_err(Failure::Format)? {
                    let change = changes.remove(&name);
                    if let Some(change) = change {
                        match change {
                            Change::Set(value) => {
                                writer.value(&name, &value)?;
                                edited.replaced += 1;
                                count += 1;
                            }
                            Change::Remove => edited.removed += 1,
                        }
                        reader.copy_to(&mut struson::writer::JsonStreamWriter::new(io::sink()))?;
                        continue;
                    }
                    reader.copy_to(writer.name(&name)?)?;
                    count += 1;
                }
                reader.finish().map_err(Failure::Format)?;
                for (name, change) in changes {
                    let Change::Set(value) = change else {
                        return Err(Failure::Other(VaultError::NoSuchSecret(name)));
                    };
                    writer.value(&name, &value)?;
                    edited.added += 1;
                    count += 1;
                }
                if count > MAX_NAMES {
                    return Err(Failure::Format(FormatError::TooMany));
                }
                writer.finish()?;
                Ok(())
            })
        })?;
        Ok(edited)
    }

    /// Encrypts what `write` writes into `output`, which must not grow too large.
    fn encrypt<E: Into<Failure>>(
        &self,
        identity: &Identity,
        output: &std::fs::File,
        write: impl FnOnce(VaultWriter<&mut dyn Write>) -> Result<(), E>,
    ) -> Result<(), VaultError> {
        let mut failure = None;
        let written = crypt::encrypt(identity, output, |plain| {
            let plain: &mut dyn Write = plain;
            let writer = VaultWriter::new(plain)?;
            write(writer).map_err(|e| {
                failure = Some(e.into());
                io::ErrorKind::Other.into()
            })
        });
        match (failure, written) {
            (Some(Failure::Format(e)), _) => return Err(self.format(&e)),
            (Some(Failure::Write(e)), _) | (None, Err(e)) => {
                return Err(write_error(&self.file)(e));
            }
            (Some(Failure::Other(e)), _) => return Err(e),
            (None, Ok(_)) => {}
        }
        let len = output.metadata().map_err(write_error(&self.file))?.len();
        if len > MAX_VAULT {
            return Err(VaultError::VaultTooLarge {
                path: self.file.clone(),
                limit: MAX_VAULT,
            });
        }
        Ok(())
    }
}

/// Why writing the new content ended early.
enum Failure {
    Format(FormatError),
    Write(io::Error),
    Other(VaultError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Read(e) => Self::Format(e),
            TransferError::Write(e) => Self::Write(e),
        }
    }
}

/// What is wrong with the content of the vault at `path`.
pub(super) fn from_format(error: &FormatError, path: &Path) -> VaultError {
    let path = path.to_owned();
    match error {
        FormatError::Io(kind) => VaultError::Io {
            what: "read",
            path,
            source: (*kind).into(),
        },
        FormatError::Damaged => VaultError::Damaged(path),
        FormatError::NoMemory => VaultError::NoMemory,
        other => VaultError::Format {
            path,
            what: other.to_string(),
        },
    }
}
