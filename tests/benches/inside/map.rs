//! From the text of a map to what the daemon maps, and a name in it.

use criterion::{BatchSize, Criterion};
use secretfs_fs::map::{CompiledMap, parse};
use secretfs_providers::onepassword::Reference;
use secretfs_tests::bench::rig;
use std::hint::black_box;
use std::path::Path;

pub(crate) fn run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("map");
    for entries in [100, 1_000] {
        let text = rig::map(Path::new("/v/vault.age"), std::iter::empty(), entries);
        let read = |text: &str| parse(text, Path::new("/m/secrets.yml"), None).expect("a good map");
        group.bench_function(format!("parse {entries} entries"), |b| {
            b.iter(|| read(black_box(&text)));
        });
        let map = read(&text);
        group.bench_function(format!("compile {entries} entries"), |b| {
            b.iter(|| black_box(&map).compile().expect("a compiled map"));
        });
        let bytes = map.compile().expect("a compiled map");
        group.bench_function(format!("check {entries} compiled entries"), |b| {
            b.iter_batched(
                || (),
                |()| CompiledMap::from_bytes(black_box(&bytes)).expect("a good archive"),
                BatchSize::LargeInput,
            );
        });
        let compiled = CompiledMap::from_bytes(&bytes).expect("a good archive");
        let name = format!("file{}", entries / 2);
        group.bench_function(format!("find a name of {entries}"), |b| {
            b.iter(|| compiled.node_by_path(black_box(&name)));
        });
    }
    group.bench_function("parse a reference of 1Password", |b| {
        b.iter(|| Reference::parse(black_box("op://AgentVault/openai/api-key")));
    });
    group.finish();
}
