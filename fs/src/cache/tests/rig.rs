//! A cache with two providers, a map, a clock and a listener.

use super::fake::{Fake, reference};
use crate::cache::{Cache, CacheDeps, CacheListener, Peek, Snapshot, VersionId};
use crate::error::OpenError;
use crate::map::{
    CompiledMap, Decode, EntryId, EntryPlan, Fallback, Format, MountSettings, ProviderSettings,
    ProviderSpec, Source, ValueKey, compile,
};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{
    BoxFuture, Clock, ErrorKind, FolderReference, Host, HostAnswer, HostError, HostRequest,
    Provider,
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Follows the runtime's timer, which stands still but while all tasks wait.
pub(super) struct TestClock;

/// When the calendar stands still.
pub(super) fn today() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
    fn wall(&self) -> SystemTime {
        today()
    }
}

struct NoHost;

impl Host for NoHost {
    fn ask(&self, _: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async { Err(HostError::NoAnswer) })
    }
}

/// Hears what the cache tells.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) published: Mutex<Vec<(ValueKey, VersionId)>>,
    pub(super) failed: Mutex<Vec<(ValueKey, OpenError)>>,
    pub(super) listed: Mutex<Vec<Vec<String>>>,
    /// Run once, in the middle of the next publication.
    pub(super) during: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl CacheListener for Heard {
    fn published(&self, key: ValueKey, snapshot: &Snapshot) {
        self.published.lock().unwrap().push((key, snapshot.version));
        let during = self.during.lock().unwrap().take();
        if let Some(during) = during {
            during();
        }
    }
    fn failed(&self, key: ValueKey, error: &OpenError) {
        self.failed.lock().unwrap().push((key, error.clone()));
    }
    fn listed(&self, _: ValueKey, names: &Arc<Vec<String>>) {
        self.listed.lock().unwrap().push(names.to_vec());
    }
}

pub(super) struct Rig {
    pub(super) cache: Arc<Cache>,
    pub(super) main: Arc<Fake>,
    pub(super) spare: Arc<Fake>,
    pub(super) pool: Arc<SealedPool>,
    pub(super) heard: Arc<Heard>,
    pub(super) map: CompiledMap,
}

/// What a rig is made of.
pub(super) struct Setup {
    pub(super) entries: Vec<EntryPlan>,
    pub(super) specs: [ProviderSpec; 2],
    pub(super) capacity: usize,
    pub(super) offline: bool,
}

pub(super) fn spec(name: &str) -> ProviderSpec {
    ProviderSpec {
        name: name.into(),
        settings: ProviderSettings::Local {
            file: format!("/{name}.age"),
        },
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            specs: [spec("main"), spec("spare")],
            capacity: 1 << 20,
            offline: false,
        }
    }
}

/// An entry `place/name` of the first provider: ttl 5 min, stale 1 h, open_timeout 10 s.
pub(super) fn entry(name: &str) -> EntryPlan {
    EntryPlan {
        id: 0,
        path: name.into(),
        key: ValueKey(0),
        provider: 0,
        source: Source::Secret(reference(name)),
        env: None,
        ttl_ms: 300_000,
        stale_ms: 3_600_000,
        open_timeout_ms: 10_000,
        max_size: 1 << 20,
        decode: Decode::None,
        mode: 0o600,
        allow: Vec::new(),
        allow_empty: false,
        fallback: None,
        line: 1,
    }
}

/// The same with a fallback of the same name at the second provider.
pub(super) fn with_fallback(name: &str) -> EntryPlan {
    EntryPlan {
        fallback: Some(Fallback {
            provider: 1,
            reference: reference(name),
        }),
        ..entry(name)
    }
}

fn folder(path: &str) -> FolderReference {
    FolderReference {
        path: path.into(),
        environment: None,
        expand_references: None,
    }
}

/// A `dir:` entry of that place.
pub(super) fn dir(path: &str, place: &str) -> EntryPlan {
    EntryPlan {
        source: Source::Listed {
            folder: folder(place),
        },
        path: path.into(),
        ..entry("x/x")
    }
}

/// A rendered entry of that place.
pub(super) fn rendered(path: &str, place: &str, format: Format) -> EntryPlan {
    EntryPlan {
        source: Source::Rendered {
            folder: folder(place),
            format,
        },
        path: path.into(),
        ..entry("x/x")
    }
}

pub(super) fn compiled(specs: &[ProviderSpec], entries: &[EntryPlan]) -> CompiledMap {
    let settings = MountSettings {
        mountpoint: None,
        seal_on_lock: false,
        remount_on_unlock: false,
        idle_ms: 0,
        audit: true,
    };
    CompiledMap::from_bytes(&compile(&settings, specs, entries).unwrap()).unwrap()
}

impl Setup {
    pub(super) fn build(self) -> Rig {
        let (main, spare) = (Fake::new(), Fake::new());
        let pool = SealedPool::new(self.capacity, true).unwrap();
        let heard = Arc::new(Heard::default());
        let map = compiled(&self.specs, &self.entries);
        let cache = Cache::new(CacheDeps {
            clock: Arc::new(TestClock),
            pool: Arc::clone(&pool),
            host: Arc::new(NoHost),
            runtime: tokio::runtime::Handle::current(),
            providers: vec![
                Arc::clone(&main) as Arc<dyn Provider>,
                Arc::clone(&spare) as Arc<dyn Provider>,
            ],
            map: map.clone(),
            offline: self.offline,
            listener: Arc::clone(&heard) as Arc<dyn CacheListener>,
        });
        Rig {
            cache,
            main,
            spare,
            pool,
            heard,
            map,
        }
    }
}

impl Rig {
    pub(super) fn new(entries: Vec<EntryPlan>) -> Self {
        Setup {
            entries,
            ..Setup::default()
        }
        .build()
    }

    /// Entries of these names, and values that are the names.
    pub(super) fn named(names: &[&str]) -> Self {
        let rig = Self::new(names.iter().map(|name| entry(name)).collect());
        for name in names {
            rig.main.set(name, name);
        }
        rig
    }

    pub(super) fn plan(&self, path: &str) -> Arc<EntryPlan> {
        let mut ids = (0..self.map.entry_count()).map(EntryId);
        let id = ids.find(|id| self.map.entry_path(*id) == Some(path));
        Arc::new(self.map.entry(id.unwrap()).unwrap())
    }

    pub(super) fn key(&self, path: &str) -> ValueKey {
        self.plan(path).key
    }

    pub(super) async fn open(&self, path: &str) -> Result<Snapshot, OpenError> {
        self.cache.open(self.plan(path)).await
    }

    pub(super) async fn read(&self, path: &str) -> Result<Vec<u8>, OpenError> {
        self.open(path).await.map(|snapshot| bytes(&snapshot))
    }

    /// An open that others run beside.
    pub(super) fn spawn(&self, path: &str) -> tokio::task::JoinHandle<Result<Snapshot, OpenError>> {
        let (cache, plan) = (Arc::clone(&self.cache), self.plan(path));
        tokio::spawn(async move { cache.open(plan).await })
    }

    pub(super) fn peek(&self, path: &str) -> Option<Vec<u8>> {
        match self.cache.peek(self.key(path)) {
            Peek::Fresh { snapshot, .. } => Some(bytes(&snapshot)),
            Peek::Miss | Peek::Locked => None,
        }
    }

    /// Whether an open now would refresh ahead.
    pub(super) fn ageing(&self, path: &str) -> bool {
        matches!(
            self.cache.peek(self.key(path)),
            Peek::Fresh { refresh: true, .. }
        )
    }
}

pub(super) fn bytes(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = vec![0; snapshot.value.len()];
    let read = snapshot.value.read_at(0, &mut out).unwrap();
    assert_eq!(read, out.len());
    out
}

/// Lets that much time pass; everything that waits for less runs.
pub(super) async fn pass(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Lets everything run that can run now.
pub(super) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(super) fn kind(error: &OpenError) -> Option<ErrorKind> {
    match error {
        OpenError::Provider(error) => Some(error.kind),
        _ => None,
    }
}
