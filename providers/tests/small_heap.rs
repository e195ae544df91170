//! A vault as large as vaults get, in a daemon's heap: a request may fail there, the process not.

use age::secrecy::SecretString;
use secretfs_memory::heap::{self, HeapConfig, LockedHeap};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::clock::SystemClock;
use secretfs_providers::local::plain::PlainValue;
use secretfs_providers::local::store::{Change, Vault};
use secretfs_providers::local::{LocalVault, MAX_NAMES, Reference as Name};
use secretfs_providers::{
    Answer, BoxFuture, Context, Credential, CredentialOffer, ErrorKind, FolderReference, Host,
    HostAnswer, HostError, HostRequest, Provider, Reference, Wanted,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::new();

struct Opener(PathBuf);

impl Host for Opener {
    fn ask(&self, _: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        let answer = std::fs::File::open(&self.0)
            .map(|file| HostAnswer::Fd(file.into()))
            .map_err(|e| HostError::Os(e.raw_os_error().unwrap_or(0)));
        Box::pin(async move { answer })
    }
}

fn wanted(name: &str) -> Wanted {
    Wanted {
        reference: Reference::Local(Name { name: name.into() }),
        max_size: 1 << 20,
        validator: None,
    }
}

#[test]
fn the_largest_vault_does_not_take_the_process_down() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::at(&folder.path().join("vault.age")).with_work(2);
    let passphrase = SecretString::from("p".to_owned());
    vault.init(&passphrase).unwrap();
    let key = vault.unlock(&passphrase).unwrap();
    // Long names: what is remembered of them is what costs.
    let long = "n".repeat(200);
    let change = |n: usize| {
        let value = PlainValue::try_from(&b"v"[..]).unwrap();
        (format!("{long}{n}"), Change::Set(value))
    };
    vault
        .edit(&key, (0..MAX_NAMES).map(change).collect())
        .unwrap();

    let file = vault.file().to_str().unwrap().to_owned();
    let provider = LocalVault::new("v", 0, &file);
    let cx = Context {
        pool: SealedPool::new(1 << 20, true).unwrap(),
        deadline: Instant::now() + Duration::from_secs(120),
        host: Arc::new(Opener(vault.file().to_owned())),
        clock: Arc::new(SystemClock),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    heap::lock(HeapConfig {
        initial: 256 << 10,
        limit: 2 << 20,
        insecure: true,
        wipe_large: false,
    })
    .unwrap();
    provider
        .supply(
            CredentialOffer {
                provider: "v".into(),
                origin: provider.origin(),
                credential: Credential::AgeIdentity(key.to_secret()),
            },
            &cx.pool,
        )
        .unwrap();

    // 4 MB of names do not fit 2 MiB.
    let root = FolderReference {
        path: "/".into(),
        environment: None,
        expand_references: None,
    };
    let listed = runtime.block_on(provider.list(&root, &cx));
    assert_eq!(listed.unwrap_err().kind, ErrorKind::NoMemory);
    let folder = runtime.block_on(provider.fetch_folder(&root, 1 << 20, &cx));
    assert_eq!(folder.unwrap_err().kind, ErrorKind::NoMemory);
    // One secret of them is no burden.
    let last = wanted(&format!("{long}{}", MAX_NAMES - 1));
    let answer = runtime.block_on(provider.fetch(&last, &cx));
    assert!(matches!(answer, Ok(Answer::Value(f)) if f.value.len() == 1));
    let several: Vec<Wanted> = (0..500).map(|n| wanted(&format!("{long}{n}"))).collect();
    let answers = runtime
        .block_on(provider.fetch_many(&several, &cx))
        .unwrap();
    assert!(answers.iter().all(Result::is_ok));
}
