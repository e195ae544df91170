//! A cache, a helper and a map that a test drives.

use secretfs_fs::cache::{Peek, Snapshot, VersionId};
use secretfs_fs::error::OpenError;
use secretfs_fs::link::message::AuditEvent;
use secretfs_fs::map::compiled::{CompiledMap, compile};
use secretfs_fs::map::plan::{MountSettings, ProviderSettings, ProviderSpec};
use secretfs_fs::map::{Decode, EntryId, EntryPlan, Source, ValueKey};
use secretfs_fs::tree::{Caller, Outside, SecretFs, TreeDeps, Values};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{BoxFuture, FolderReference, Reference, clock::SystemClock, local};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// What the provider would answer for one key, and what is cached.
#[derive(Default)]
struct Secret {
    now: Option<Snapshot>,
    error: Option<OpenError>,
    cached: bool,
}

type Names = Result<Arc<Vec<String>>, OpenError>;

/// A cache whose provider is the test.
pub(crate) struct Vault {
    pool: Arc<SealedPool>,
    secrets: Mutex<HashMap<ValueKey, Secret>>,
    names: Mutex<HashMap<ValueKey, Names>>,
    listed: Mutex<HashMap<ValueKey, Arc<Vec<String>>>>,
    last: AtomicUsize,
    /// Requests for values.
    pub(crate) fetches: AtomicUsize,
    /// Requests for names.
    pub(crate) lists: AtomicUsize,
    pub(crate) refreshes: AtomicUsize,
    /// How often values were dropped.
    pub(crate) drops: AtomicU64,
    /// The addresses of what was asked for.
    pub(crate) plans: Mutex<Vec<usize>>,
    hung: watch::Sender<bool>,
    locked: Mutex<bool>,
    panic_at_peek: AtomicBool,
    panic_at_open: AtomicBool,
}

impl Vault {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            pool: SealedPool::new(8 << 20, true).unwrap(),
            secrets: Mutex::default(),
            names: Mutex::default(),
            listed: Mutex::default(),
            last: AtomicUsize::new(0),
            fetches: AtomicUsize::new(0),
            lists: AtomicUsize::new(0),
            refreshes: AtomicUsize::new(0),
            drops: AtomicU64::new(0),
            plans: Mutex::default(),
            hung: watch::Sender::new(false),
            locked: Mutex::new(false),
            panic_at_peek: AtomicBool::new(false),
            panic_at_open: AtomicBool::new(false),
        })
    }

    fn secrets(&self) -> MutexGuard<'_, HashMap<ValueKey, Secret>> {
        self.secrets.lock().unwrap()
    }

    /// Rotates a secret: cached values are shown until they are expired.
    fn snapshot(&self, bytes: &[u8]) -> Snapshot {
        let mut writer = self.pool.writer(Some(bytes.len()), bytes.len().max(1));
        writer.append(bytes).unwrap();
        let version = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        Snapshot {
            value: writer.finish().unwrap(),
            version: VersionId(u64::try_from(version).unwrap()),
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + version as u64),
        }
    }

    /// Whether requests for values and names get no answer.
    pub(crate) fn hang(&self, hung: bool) {
        self.hung.send_replace(hung);
    }

    pub(crate) fn panic_at_peek(&self, panics: bool) {
        self.panic_at_peek.store(panics, Ordering::Relaxed);
    }

    pub(crate) fn panic_at_open(&self, panics: bool) {
        self.panic_at_open.store(panics, Ordering::Relaxed);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }

    pub(crate) fn lists(&self) -> usize {
        self.lists.load(Ordering::Relaxed)
    }
}

/// The vault, as the tree gets it.
struct Handed(Arc<Vault>);

impl Values for Handed {
    fn peek(&self, key: ValueKey) -> Peek {
        assert!(!self.0.panic_at_peek.load(Ordering::Relaxed), "on purpose");
        if *self.0.locked.lock().unwrap() {
            return Peek::Locked;
        }
        match self.0.secrets().get(&key) {
            Some(Secret {
                cached: true,
                now: Some(now),
                ..
            }) => Peek::Fresh {
                snapshot: now.clone(),
                refresh: false,
            },
            _ => Peek::Miss,
        }
    }

    fn open(&self, plan: Arc<EntryPlan>) -> BoxFuture<'static, Result<Snapshot, OpenError>> {
        let vault = Arc::clone(&self.0);
        Box::pin(async move {
            assert!(!vault.panic_at_open.load(Ordering::Relaxed), "on purpose");
            vault.plans.lock().unwrap().push(Arc::as_ptr(&plan).addr());
            vault.fetches.fetch_add(1, Ordering::Relaxed);
            let mut hung = vault.hung.subscribe();
            hung.wait_for(|hung| !hung).await.unwrap();
            let mut secrets = vault.secrets();
            let secret = secrets.entry(plan.key).or_default();
            if let Some(error) = &secret.error {
                return Err(error.clone());
            }
            secret.cached = true;
            secret.now.clone().ok_or(OpenError::Empty)
        })
    }

    fn drops(&self) -> u64 {
        self.0.drops.load(Ordering::Relaxed)
    }

    fn refresh_ahead(&self, _: Arc<EntryPlan>) {
        self.0.refreshes.fetch_add(1, Ordering::Relaxed);
    }

    fn peek_list(&self, key: ValueKey) -> Option<Arc<Vec<String>>> {
        self.0.listed.lock().unwrap().get(&key).cloned()
    }

    fn list(
        &self,
        plan: Arc<EntryPlan>,
    ) -> BoxFuture<'static, Result<Arc<Vec<String>>, OpenError>> {
        let vault = Arc::clone(&self.0);
        Box::pin(async move {
            vault.lists.fetch_add(1, Ordering::Relaxed);
            let mut hung = vault.hung.subscribe();
            hung.wait_for(|hung| !hung).await.unwrap();
            let names = vault.names.lock().unwrap().get(&plan.key).cloned();
            let names = names.unwrap_or(Err(OpenError::Empty))?;
            vault
                .listed
                .lock()
                .unwrap()
                .insert(plan.key, Arc::clone(&names));
            Ok(names)
        })
    }

    fn member(&self, folder: &EntryPlan, name: &str) -> Option<Arc<EntryPlan>> {
        Some(Arc::new(EntryPlan {
            key: self.member_key(folder.key, name),
            source: Source::Secret(secret(name)),
            path: format!("{}/{name}", folder.path),
            ..folder.clone()
        }))
    }

    fn lock(&self) {
        *self.0.locked.lock().unwrap() = true;
        self.0.pool.wipe();
        for secret in self.0.secrets().values_mut() {
            secret.cached = false;
            secret.now = None;
        }
        self.0.listed.lock().unwrap().clear();
    }

    fn unlock(&self) {
        *self.0.locked.lock().unwrap() = false;
    }
}

/// A helper that knows who may open what, and keeps the audit.
pub(crate) struct Helper {
    hung: watch::Sender<bool>,
    pub(crate) allows: Mutex<bool>,
    pub(crate) asked: AtomicUsize,
    pub(crate) events: Mutex<Vec<AuditEvent>>,
}

impl Helper {
    /// Whether questions get no answer.
    pub(crate) fn hang(&self, hung: bool) {
        self.hung.send_replace(hung);
    }
}

impl Outside for Helper {
    fn allowed(&self, _: u32, _: EntryId) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            let mut hung = self.hung.subscribe();
            hung.wait_for(|hung| !hung).await.unwrap();
            *self.allows.lock().unwrap()
        })
    }
    fn audit(&self, event: AuditEvent) {
        self.events.lock().unwrap().push(event);
    }
}

fn secret(name: &str) -> Reference {
    Reference::Local(local::Reference { name: name.into() })
}

/// An entry of the map under test.
pub(crate) fn file(path: &str) -> EntryPlan {
    EntryPlan {
        id: 0,
        path: path.into(),
        key: ValueKey(0),
        provider: 0,
        source: Source::Secret(secret(path)),
        env: None,
        ttl_ms: 300_000,
        stale_ms: 0,
        open_timeout_ms: 60_000,
        max_size: 1 << 20,
        decode: Decode::None,
        mode: 0o600,
        allow: Vec::new(),
        allow_empty: false,
        fallback: None,
        line: 1,
    }
}

/// A `dir:` entry.
pub(crate) fn dir(path: &str) -> EntryPlan {
    EntryPlan {
        source: Source::Listed {
            folder: FolderReference {
                path: "/".into(),
                environment: None,
                expand_references: None,
            },
        },
        ..file(path)
    }
}

/// A map of these entries.
pub(crate) fn map(entries: &[EntryPlan]) -> CompiledMap {
    let settings = MountSettings {
        mountpoint: None,
        seal_on_lock: true,
        remount_on_unlock: false,
        idle_ms: 0,
        audit: true,
    };
    let provider = ProviderSpec {
        name: "vault".into(),
        settings: ProviderSettings::Local {
            file: "/nowhere".into(),
        },
    };
    CompiledMap::from_bytes(&compile(&settings, &[provider], entries).unwrap()).unwrap()
}

/// A tree and everything around it.
pub(crate) struct World {
    pub(crate) fs: Arc<SecretFs>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) helper: Arc<Helper>,
    pub(crate) map: Mutex<CompiledMap>,
    runtime: tokio::runtime::Handle,
    /// Dropped, it ends the runtime.
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl World {
    pub(crate) fn new(entries: &[EntryPlan]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || runtime.block_on(stopped));
        let vault = Vault::new();
        let helper = Arc::new(Helper {
            hung: watch::Sender::new(false),
            allows: Mutex::default(),
            asked: AtomicUsize::new(0),
            events: Mutex::default(),
        });
        let map = map(entries);
        let fs = SecretFs::new(TreeDeps {
            map: map.clone(),
            cache: Arc::new(Handed(Arc::clone(&vault))),
            clock: Arc::new(SystemClock),
            outside: Arc::clone(&helper) as Arc<dyn Outside>,
            runtime: handle.clone(),
            uid: me(),
            gid: rustix::process::getgid().as_raw(),
            allow_root: false,
        });
        Self {
            fs,
            vault,
            helper,
            map: Mutex::new(map),
            runtime: handle,
            _stop: stop,
        }
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn reload(&self, entries: &[EntryPlan]) {
        *self.map.lock().unwrap() = map(entries);
        self.fs.reload(self.map.lock().unwrap().clone());
    }

    /// What the cache knows a path by; a member's folder must be in the map.
    pub(crate) fn key(&self, path: &str) -> ValueKey {
        let keys = self.fs.keys_of(path);
        *keys.first().expect("it is in the map")
    }

    /// The newest line of the audit, which is written after the answer.
    pub(crate) fn event(&self) -> AuditEvent {
        let mut event = None;
        crate::mount::eventually("an event", || {
            event = self.helper.events.lock().unwrap().pop();
            event.is_some()
        });
        event.unwrap()
    }

    /// The provider has this value from now on. What is cached is dropped.
    pub(crate) fn set(&self, path: &str, bytes: &[u8]) -> Snapshot {
        let snapshot = self.vault.snapshot(bytes);
        let key = self.key(path);
        let mut secrets = self.vault.secrets();
        let secret = secrets.entry(key).or_default();
        secret.now = Some(snapshot.clone());
        secret.error = None;
        secret.cached = false;
        snapshot
    }

    /// The provider fails from now on. What is cached is dropped.
    pub(crate) fn fail(&self, path: &str, error: OpenError) {
        let key = self.key(path);
        let mut secrets = self.vault.secrets();
        let secret = secrets.entry(key).or_default();
        secret.error = Some(error);
        secret.cached = false;
    }

    /// The cached value is past its ttl; the provider still has it.
    pub(crate) fn expire(&self, path: &str) {
        let key = self.key(path);
        self.vault.secrets().entry(key).or_default().cached = false;
    }

    /// The value is cached, as if fetched for another file.
    pub(crate) fn gathered(&self, path: &str) {
        let key = self.key(path);
        self.vault.secrets().entry(key).or_default().cached = true;
    }

    pub(crate) fn set_names(&self, path: &str, names: Result<&[&str], OpenError>) {
        let names = names.map(|names| Arc::new(names.iter().map(|n| (*n).to_owned()).collect()));
        let key = self.key(path);
        self.vault.names.lock().unwrap().insert(key, names);
        self.vault.listed.lock().unwrap().remove(&key);
    }
}

/// The owner, on some thread.
pub(crate) fn owner(pid: u32) -> Caller {
    Caller { pid, uid: me() }
}

pub(crate) fn me() -> u32 {
    rustix::process::getuid().as_raw()
}
