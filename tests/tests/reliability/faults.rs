//! Seeded scripts of faults between real mounts and their servers. `SECRETFS_FAULT_SCRIPTS` says how
//! many (240), `SECRETFS_FAULT_LANES` on how many mounts at once (6); `SECRETFS_FAULT_SEED` begins with
//! the script of that seed, so with `SECRETFS_FAULT_SCRIPTS=1` it alone is played again.

use crate::footprint::Baseline;
use crate::lane::{Kind, Lane, with_lane};
use crate::play::{Seen, play};
use crate::tale::Tale;
use secretfs_tests::fixture::Fixture;
use secretfs_tests::seed::Seed;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Scripts after which a mount has to have given everything back.
const BATCH: u64 = 100;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// Of lane `at`: over TLS or, every third, in plain http; with stale values and without.
fn kind(at: u64) -> Kind {
    Kind {
        tls: at % 3 != 2,
        ttl: Duration::from_secs(60),
        stale: Duration::from_secs(if at.is_multiple_of(2) { 0 } else { 3600 }),
        open_timeout: Duration::from_millis(500),
        config: "",
    }
}

#[test]
fn whatever_goes_wrong_each_read_is_one_published_value_or_an_errno_in_time_and_passes() {
    let scripts = number("SECRETFS_FAULT_SCRIPTS", 240);
    let lanes = number("SECRETFS_FAULT_LANES", 6).min(scripts);
    let first = Seed::from_environment("SECRETFS_FAULT_SEED").first();
    eprintln!("SECRETFS_FAULT_SEED={first}");
    let (next, begun) = (AtomicU64::new(0), std::time::Instant::now());
    let seen = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes)
            .map(|at| {
                let next = &next;
                scope.spawn(move || run(at, next, (first, scripts)))
            })
            .collect();
        let mut all = Seen::default();
        for lane in lanes {
            all.add(&lane.join().expect("a lane whose scripts all went well"));
        }
        all
    });
    eprintln!("{seen:#?}\nin {:?} on {lanes} mounts", begun.elapsed());
    assert_eq!(seen.scripts, scripts);
}

fn run(at: u64, next: &AtomicU64, (first, scripts): (u64, u64)) -> Seen {
    let fixture = Fixture::new();
    let mut seen = Seen::default();
    with_lane(&fixture, kind(at), |lane| {
        warm_up(lane);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= scripts {
                break;
            }
            let seed = first.wrapping_add(number);
            let tale = Tale::draw(seed, lane.servers.files.len(), lane.kind.tls);
            if let Err(what) = play(lane, &tale, &mut seen) {
                // Nobody begins another.
                next.store(scripts, Ordering::Relaxed);
                panic!(
                    "SECRETFS_FAULT_SEED={seed} on lane {at} ({:?}): {what}\n{tale:#?}\n{}",
                    lane.kind,
                    lane.status()
                );
            }
            if seen.scripts.is_multiple_of(BATCH) {
                given_back(lane, &seen);
            }
        }
        given_back(lane, &seen);
    });
    seen
}

/// Each kind of work was done once: what the processes take then is what they may take.
fn warm_up(lane: &mut Lane<'_>) {
    let all: Vec<usize> = (0..lane.servers.files.len()).collect();
    for _ in 0..3 {
        let bad = lane.read(&all).into_iter().find(|(read, _)| read.is_err());
        assert!(bad.is_none(), "{bad:?}");
        lane.advance(lane.kind.ttl);
    }
    let pid = |role: &str| lane.fixture.process(role).pid;
    let baseline = Baseline::settled(pid("internal-daemon"), pid("internal-mount-helper"));
    lane.baseline = Some(baseline);
}

fn given_back(lane: &Lane<'_>, seen: &Seen) {
    if let Some(baseline) = lane.baseline {
        baseline.wait_back(&format!("after {} scripts", seen.scripts));
    }
}
