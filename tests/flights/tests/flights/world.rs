//! A cache, and a provider that answers when the scheduler lets it.

use secretfs_flights::cache::{Cache, CacheDeps, CacheListener, Snapshot};
use secretfs_flights::error::OpenError;
use secretfs_flights::runtime::Handle;
use secretfs_flights::sync::Notify;
use secretfs_flights::time;
use secretfs_fs::map::{CompiledMap, EntryId, EntryPlan, ValueKey, compile_text};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::{
    Answer, BoxFuture, Clock, Context, CredentialOffer, ErrorKind, Fetched, FolderReference,
    Health, Host, HostAnswer, HostError, HostRequest, Provider, ProviderError, Reference, Wanted,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// What the provider has, and what it was asked. Its lock is the system's: it is no step.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) value: Vec<u8>,
    pub(crate) fails: Option<ErrorKind>,
    /// Lists fail alone.
    pub(crate) no_lists: bool,
    /// Requests that wait until they are released.
    pub(crate) hangs: bool,
    pub(crate) requests: usize,
    under_way: BTreeMap<String, usize>,
    forgotten: usize,
}

#[derive(Default)]
pub(crate) struct Fake {
    script: Mutex<Script>,
    released: Notify,
}

impl Fake {
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rotate(&self, value: &[u8]) {
        self.script().value = value.to_vec();
    }

    pub(crate) fn release(&self) {
        self.script().hangs = false;
        self.released.notify_waiters();
    }

    /// The requests that are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.script().under_way.values().sum()
    }

    /// One request for these secrets. No two of the same secret are ever under way, but where somebody
    /// has said in between that what was known is not to be relied on.
    async fn ask(&self, names: &[&str]) -> Result<Asked<'_>, ProviderError> {
        let asked = Asked {
            fake: self,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        {
            let mut script = self.script();
            script.requests += 1;
            for name in &asked.names {
                *script.under_way.entry(name.clone()).or_default() += 1;
            }
        }
        shuttle::future::yield_now().await;
        loop {
            let released = self.released.notified();
            if !self.script().hangs {
                break;
            }
            released.await;
        }
        shuttle::future::yield_now().await;
        match self.script().fails {
            Some(kind) => Err(ProviderError::new(kind, "as it was told", "")),
            None => Ok(asked),
        }
    }

    fn answer(&self, wanted: &Wanted, cx: &Context) -> Result<Answer, ProviderError> {
        let mut bytes = name(&wanted.reference).into_bytes();
        bytes.push(b'=');
        bytes.extend(&self.script().value);
        let mut writer = cx.pool.writer(None, wanted.max_size);
        let written = writer.append(&bytes).and_then(|()| writer.finish());
        let value = written.map_err(|error| ProviderError::sealed(error, "the value"))?;
        Ok(Answer::Value(Fetched {
            value,
            modified: None,
            validator: None,
            max_age: None,
        }))
    }
}

/// Ends with the request, however that ends.
struct Asked<'a> {
    fake: &'a Fake,
    names: Vec<String>,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut script = self.fake.script();
        for name in &self.names {
            if let Some(count) = script.under_way.get_mut(name) {
                *count -= 1;
            }
        }
    }
}

fn name(reference: &Reference) -> String {
    match reference {
        Reference::Scripted(reference) => reference.name.clone(),
        other => panic!("{other:?}"),
    }
}

impl Provider for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn origin(&self) -> String {
        "fake://".into()
    }

    fn fetch<'a>(
        &'a self,
        wanted: &'a Wanted,
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        Box::pin(async move {
            let _asked = self.ask(&[&name(&wanted.reference)]).await?;
            self.answer(wanted, cx)
        })
    }

    fn fetch_many<'a>(
        &'a self,
        wanted: &'a [Wanted],
        cx: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<Result<Answer, ProviderError>>, ProviderError>> {
        Box::pin(async move {
            let names: Vec<String> = wanted.iter().map(|one| name(&one.reference)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let _asked = self.ask(&names).await?;
            if self.script().no_lists {
                return Err(ProviderError::new(ErrorKind::Denied, "no lists", ""));
            }
            Ok(wanted.iter().map(|one| self.answer(one, cx)).collect())
        })
    }

    fn fetch_folder<'a>(
        &'a self,
        _: &'a FolderReference,
        _: usize,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<(String, Fetched)>, ProviderError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn list<'a>(
        &'a self,
        folder: &'a FolderReference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<Vec<String>, ProviderError>> {
        Box::pin(async move {
            let _asked = self.ask(&[&folder.path]).await?;
            Ok(vec!["x".to_owned(), "y".to_owned()])
        })
    }

    fn member(&self, _: &FolderReference, _: &str) -> Reference {
        unreachable!("no file of a folder is opened")
    }

    fn check<'a>(
        &'a self,
        _: &'a Reference,
        _: &'a Context,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async { Ok(()) })
    }

    fn supply(&self, _: CredentialOffer, _: &Arc<SealedPool>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn health(&self) -> Health {
        Health::Good
    }

    fn forget(&self) {
        self.script().forgotten += 1;
    }
}

struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.0 + time::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + time::now()
    }
}

struct NoHost;

impl Host for NoHost {
    fn ask(&self, _: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async { Err(HostError::NoAnswer) })
    }
}

/// Counts what it is told.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) published: AtomicUsize,
}

impl CacheListener for Heard {
    fn published(&self, _: ValueKey, _: &Snapshot) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }
}

/// Everything of one run.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) cache: Arc<Cache>,
    pub(crate) fake: Arc<Fake>,
    pub(crate) pool: Arc<SealedPool>,
    pub(crate) runtime: Handle,
    pub(crate) heard: Arc<Heard>,
    map: CompiledMap,
}

/// What an opener is told.
pub(crate) type Told = Result<(Vec<u8>, u64), OpenError>;

const MAP: &str = "config: {ttl: 300s, open_timeout: 10s, stale: 0}
providers: {s: {type: scripted, socket: /nowhere}}
secrets:
  - {name: one/a, file: a}
  - {name: two/b, file: b}
  - {name: two/c, file: c}
  - {folder: /three, dir: d}
";

impl World {
    pub(crate) fn new() -> Self {
        time::start();
        let map = compile_text(MAP).expect("a map");
        let fake = Arc::new(Fake::default());
        fake.rotate(b"1");
        let pool = SealedPool::new(64 << 10, true).expect("a pool");
        let runtime = Handle::default();
        let heard = Arc::new(Heard::default());
        let cache = Cache::new(CacheDeps {
            clock: Arc::new(TestClock(Instant::now())),
            pool: Arc::clone(&pool),
            host: Arc::new(NoHost),
            runtime: runtime.clone(),
            providers: vec![Arc::clone(&fake) as Arc<dyn Provider>],
            map: map.clone(),
            offline: false,
            listener: Arc::clone(&heard) as Arc<dyn CacheListener>,
        });
        Self {
            cache,
            fake,
            pool,
            runtime,
            heard,
            map,
        }
    }

    pub(crate) fn plan(&self, path: &str) -> Arc<EntryPlan> {
        let mut ids = (0..self.map.entry_count()).map(EntryId);
        let id = ids.find(|id| self.map.entry_path(*id) == Some(path));
        Arc::new(self.map.entry(id.expect("an entry")).expect("a plan"))
    }

    /// An opener, as a task of the runtime.
    pub(crate) fn opener(&self, path: &str) -> shuttle::future::JoinHandle<Told> {
        let (cache, plan) = (Arc::clone(&self.cache), self.plan(path));
        self.runtime.spawn(async move {
            let snapshot = cache.open(plan).await?;
            tell(&snapshot)
        })
    }

    /// A command, as a task of the runtime.
    pub(crate) fn command(
        &self,
        command: impl FnOnce(&Self) + Send + 'static,
    ) -> shuttle::future::JoinHandle<()> {
        let world = self.clone();
        self.runtime.spawn(async move { command(&world) })
    }

    pub(crate) fn map_of(&self, yaml: &str) -> (CompiledMap, Vec<Arc<dyn Provider>>) {
        let map = compile_text(yaml).expect("a map");
        (map, vec![Arc::clone(&self.fake) as Arc<dyn Provider>])
    }

    /// Waits until nothing is under way, nor about to be.
    pub(crate) fn settle(&self) {
        self.runtime.settle();
        assert_eq!(self.fake.under_way(), 0);
    }
}

/// The bytes and the version; locked, if they were wiped since.
pub(crate) fn tell(snapshot: &Snapshot) -> Told {
    let mut bytes = vec![0; snapshot.value.len()];
    match snapshot.value.read_at(0, &mut bytes) {
        Ok(_) => Ok((bytes, snapshot.version.0)),
        Err(_) => Err(OpenError::Locked),
    }
}
