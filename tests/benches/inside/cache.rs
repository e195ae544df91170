//! A hit of the cache and the copy of its bytes, beside a miss that is answered at once.

use crate::provider::{AtOnce, LEN, NoHost};
use criterion::Criterion;
use secretfs_fs::cache::{Cache, CacheDeps, CacheListener, Peek, Snapshot};
use secretfs_fs::map::{CompiledMap, EntryId, EntryPlan, ValueKey, parse};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::clock::SystemClock;
use secretfs_tests::bench::rig;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

struct Deaf;

impl CacheListener for Deaf {
    fn published(&self, _: ValueKey, _: &Snapshot) {}
}

pub(crate) fn run(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let text = rig::map(Path::new("/v/vault.age"), std::iter::empty(), 100);
    let map = parse(&text, Path::new("/m/secrets.yml"), None).expect("a good map");
    let map = CompiledMap::from_bytes(&map.compile().expect("a compiled map")).expect("an archive");
    let plan = Arc::new(map.entry(EntryId(0)).expect("an entry"));
    let cache = Cache::new(CacheDeps {
        clock: Arc::new(SystemClock),
        pool: SealedPool::new(1 << 20, true).expect("memory"),
        host: Arc::new(NoHost),
        runtime: runtime.handle().clone(),
        providers: vec![Arc::new(AtOnce)],
        map,
        offline: false,
        listener: Arc::new(Deaf),
    });
    let open = |plan: &Arc<EntryPlan>| {
        let opened = runtime.block_on(cache.open(Arc::clone(plan)));
        opened.expect("a value")
    };
    open(&plan);

    let mut group = criterion.benchmark_group("cache");
    group.bench_function("hit", |b| b.iter(|| cache.peek(black_box(plan.key))));
    let Peek::Fresh { snapshot, .. } = cache.peek(plan.key) else {
        panic!("no hit");
    };
    let mut buffer = vec![0; LEN];
    group.bench_function("copy of 3 KiB out of sealed memory", |b| {
        b.iter(|| snapshot.value.read_at(0, &mut buffer).expect("bytes"));
    });
    group.bench_function("miss, answered at once", |b| {
        b.iter(|| {
            cache.forget(Some(&[plan.key]));
            open(&plan)
        });
    });
    group.finish();
}
