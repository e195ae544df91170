//! A map of 10,000 entries.

use secretfs_fs::map::parse;
use secretfs_tests::bench::rig::{self, launch, mount};
use secretfs_tests::bench::samples::{size, time};
use secretfs_tests::bench::{Reach, Samples, Table, memory};
use secretfs_tests::fixture::Fixture;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

const ENTRIES: usize = 10_000;
const MOUNTS: usize = 7;
const LISTS: usize = 21;
const LIMIT: u64 = 8 << 20;

pub(crate) fn run() {
    let table =
        Table::promised("A map of 10,000 entries, under a limit of 8 MiB of locked memory:");
    let fixture = rig::vault(&[], ENTRIES);
    let mut probe = fixture.probe();
    let mut mounts = Samples::default();
    for round in 0..MOUNTS {
        if round > 0 {
            fixture.unmount();
        }
        mounts.push(mount(&fixture, &mut probe));
    }
    let reach = |words, is_reached| Reach { words, is_reached };
    table.reach(
        "mount",
        reach("200 ms", mounts.median() <= 200e6),
        &mounts.times(),
    );
    let mountpoint = fixture.mountpoint();
    let ls = ["ls".as_ref(), mountpoint.as_path()];
    let lists: Samples = (0..LISTS).map(|_| launch(&mut probe, &ls)).collect();
    table.reach(
        "`ls`",
        reach("50 ms", lists.median() <= 50e6),
        &lists.times(),
    );
    let archive = compiled(&fixture) / ENTRIES as f64;
    table.reach(
        "bytes an entry, compiled",
        reach("300 B", archive <= 300.0),
        &size(archive),
    );
    let (took, most) = reload(&fixture);
    table.reach(
        "the most that is locked, a reload included",
        reach("8 MiB", most <= LIMIT),
        &size(most as f64),
    );
    table.beside(
        "from the map's rename until the new file is there",
        &time(took),
    );
    let held = memory::of_the_daemon(&fixture);
    table.beside("daemon, resident", &size(held.resident as f64));
}

/// The length of the compiled map.
fn compiled(fixture: &Fixture) -> f64 {
    let text = std::fs::read_to_string(fixture.map()).expect("the map");
    let map = parse(&text, &fixture.map(), None).expect("a good map");
    map.compile().expect("a compiled map").len() as f64
}

/// Adds an entry: nanoseconds until it is there, and the most that the daemon has locked meanwhile.
fn reload(fixture: &Fixture) -> (f64, u64) {
    let pid = fixture.process("internal-daemon").pid;
    let map = rig::map(
        &fixture.path("vault/vault.age"),
        std::iter::empty(),
        ENTRIES + 1,
    );
    let mut probe = fixture.probe();
    let (is_over, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let took = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                most.fetch_max(memory::of(pid).locked, Ordering::SeqCst);
            }
        });
        fixture.write_map(&map);
        let start = Instant::now();
        let fresh = format!("file{ENTRIES}");
        while !probe.list(fixture.mountpoint()).contains(&fresh) {
            assert!(start.elapsed().as_secs() < 20, "no reload");
        }
        is_over.store(true, Ordering::SeqCst);
        start.elapsed().as_nanos() as f64
    });
    (took, most.into_inner())
}
