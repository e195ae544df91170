//! What the tests share: a vault in a temporary folder, and a provider that serves it.

use crate::clock::SystemClock;
use crate::local::plain::PlainValue;
use crate::local::store::{Change, Edited, Key, Vault};
use crate::local::{LocalVault, Reference as Name, VaultError, crypt, files};
use crate::{
    Answer, BoxFuture, Context, Credential, CredentialOffer, ErrorKind, FolderReference, Host,
    HostAnswer, HostError, HostRequest, Provider, ProviderError, Reference, Validator, Wanted,
};
use age::secrecy::SecretString;
use secretfs_memory::sealed::{Sealed, SealedPool};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The work of scrypt in tests: next to none.
pub(super) const WORK: u8 = 2;

pub(super) fn passphrase() -> SecretString {
    SecretString::from("correct horse".to_owned())
}

/// Opens files as the mount-helper does, and counts.
pub(super) struct Opener {
    file: PathBuf,
    pub(super) opened: AtomicUsize,
}

impl Host for Opener {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        assert_eq!(request, HostRequest::OpenVault { provider: 2 });
        self.opened.fetch_add(1, Ordering::Relaxed);
        let answer = std::fs::File::open(&self.file)
            .map(|file| HostAnswer::Fd(file.into()))
            .map_err(|e| HostError::Os(e.raw_os_error().unwrap_or(0)));
        Box::pin(async move { answer })
    }
}

pub(super) struct Rig {
    pub(super) folder: tempfile::TempDir,
    pub(super) vault: Vault,
    pub(super) key: Key,
    pub(super) provider: LocalVault,
    pub(super) host: Arc<Opener>,
    pub(super) cx: Context,
    pub(super) runtime: tokio::runtime::Runtime,
}

impl Rig {
    /// An empty vault, and its provider, unlocked.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::at(&folder.path().join("vault.age")).with_work(WORK);
        vault.init(&passphrase()).unwrap();
        let key = vault.unlock(&passphrase()).unwrap();
        let file = vault.file().to_str().unwrap().to_owned();
        let host = Arc::new(Opener {
            file: vault.file().to_owned(),
            opened: AtomicUsize::new(0),
        });
        let rig = Self {
            provider: LocalVault::new("v", 2, &file),
            cx: Context {
                pool: SealedPool::new(4 << 20, true).unwrap(),
                deadline: Instant::now() + Duration::from_secs(60),
                host: Arc::clone(&host) as Arc<dyn Host>,
                clock: Arc::new(SystemClock),
            },
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            folder,
            vault,
            key,
            host,
        };
        rig.supply().unwrap();
        rig
    }

    /// Gives the provider the vault's identity.
    pub(super) fn supply(&self) -> Result<(), ProviderError> {
        let offer = CredentialOffer {
            provider: "v".into(),
            origin: self.provider.origin(),
            credential: Credential::AgeIdentity(self.key.to_secret()),
        };
        self.provider.supply(offer, &self.cx.pool)
    }

    pub(super) fn set(&self, name: &str, value: impl AsRef<[u8]>) -> Result<Edited, VaultError> {
        self.edit([(name, Some(value.as_ref()))])
    }

    /// Sets, or removes where there is no value.
    pub(super) fn edit<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) -> Result<Edited, VaultError> {
        let change = |(name, value): (&str, Option<&[u8]>)| {
            let change = match value {
                Some(value) => Change::Set(PlainValue::try_from(value).unwrap()),
                None => Change::Remove,
            };
            (name.to_owned(), change)
        };
        self.vault
            .edit(&self.key, changes.into_iter().map(change).collect())
    }

    /// Puts this text into the vault, whatever it is.
    pub(super) fn put_raw(&self, content: &[u8]) {
        let sealed = seal(&self.key, content);
        std::fs::write(self.vault.file(), sealed).unwrap();
    }

    pub(super) fn answer(&self, wanted: &Wanted) -> Result<Answer, ProviderError> {
        self.runtime.block_on(self.provider.fetch(wanted, &self.cx))
    }

    pub(super) fn get(&self, name: &str) -> Result<Vec<u8>, ErrorKind> {
        match self.answer(&wanted(name)).map_err(|e| e.kind)? {
            Answer::Value(fetched) => Ok(bytes(&fetched.value)),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, ErrorKind> {
        self.runtime
            .block_on(self.provider.list(&folder(path), &self.cx))
            .map_err(|e| e.kind)
    }

    pub(super) fn opened(&self) -> usize {
        self.host.opened.load(Ordering::Relaxed)
    }
}

/// Encrypts to the key.
pub(super) fn seal(key: &Key, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    crypt::encrypt(&key.0, Vec::new(), |writer| writer.write_all(content)).unwrap()
}

/// The whole plaintext of a vault.
pub(super) fn plaintext(file: &Path, key: &Key) -> Vec<u8> {
    use std::io::Read;
    let opened = crypt::look(files::open(file).unwrap(), file).unwrap();
    let mut plain = Vec::new();
    opened
        .decrypt(&key.0, file)
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    plain
}

pub(super) fn wanted(name: &str) -> Wanted {
    Wanted {
        reference: Reference::Local(Name { name: name.into() }),
        max_size: 1 << 20,
        validator: None,
    }
}

pub(super) fn with_validator(name: &str, validator: &Validator) -> Wanted {
    Wanted {
        validator: Some(validator.clone()),
        ..wanted(name)
    }
}

pub(super) fn folder(path: &str) -> FolderReference {
    FolderReference {
        path: path.into(),
        environment: None,
        expand_references: None,
    }
}

pub(super) fn bytes(value: &Sealed) -> Vec<u8> {
    let mut bytes = Vec::new();
    value
        .expose(|piece| bytes.extend_from_slice(piece))
        .unwrap();
    bytes
}
