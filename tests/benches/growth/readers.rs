//! From one reader to a thousand at one time: of a cached secret, and of a cold one whose provider is
//! 20 ms away.

use secretfs_tests::bench::rig::{Remote, crowd, launch, mount, opens, secretfs};
use secretfs_tests::bench::samples::time;
use secretfs_tests::bench::{Samples, Table};
use secretfs_tests::probe::Probe;

const READERS: [usize; 4] = [1, 10, 100, 1_000];
const ROUNDS: usize = 5;
/// In all, so that each count takes about the same time.
const READS: usize = 20_000;

pub(crate) fn run() {
    let table = Table::new(
        "Readers at one time, of a 3 KiB secret:",
        &[
            "readers",
            "cached: reads/s",
            "p50",
            "p99",
            "failed",
            "cold: all of them",
            "p50",
            "p99",
            "requests",
            "failed",
        ],
    );
    let remote = Remote::new(&[
        ("/".to_owned(), "COLD".to_owned()),
        ("/other".to_owned(), "WARM".to_owned()),
    ]);
    let mut probe = remote.probe();
    mount(&remote, &mut probe);
    opens(&mut probe, &remote.file("WARM"), 1);
    for readers in READERS {
        let mut cells = vec![readers.to_string()];
        cells.extend(cached(&remote, &mut probe, readers));
        cells.extend(cold(&remote, &mut probe, readers));
        table.row(&cells);
    }
}

fn cached(remote: &Remote, probe: &mut Probe, readers: usize) -> [String; 4] {
    let times = u32::try_from(READS / readers).expect("few");
    let (mut rate, mut p50, mut p99) = <(Samples, Samples, Samples)>::default();
    let mut failed = 0;
    for _ in 0..ROUNDS {
        let all = crowd(probe, &remote.file("WARM"), readers, times);
        rate.push(all.reads as f64 / (all.whole as f64 / 1e9));
        p50.push(all.p50 as f64);
        p99.push(all.p99 as f64);
        failed += all.failed;
    }
    [
        format!("{:.0}", rate.median()),
        time(p50.median()),
        time(p99.median()),
        failed.to_string(),
    ]
}

fn cold(remote: &Remote, probe: &mut Probe, readers: usize) -> [String; 5] {
    let (mut whole, mut p50, mut p99) = <(Samples, Samples, Samples)>::default();
    let (mut failed, mut requests) = (0, 0);
    for _ in 0..ROUNDS {
        launch(probe, &secretfs(remote, &["refresh", "COLD"]));
        remote.sim.forget_requests();
        let all = crowd(probe, &remote.file("COLD"), readers, 1);
        requests = requests.max(remote.sim.total());
        whole.push(all.whole as f64);
        p50.push(all.p50 as f64);
        p99.push(all.p99 as f64);
        failed += all.failed;
    }
    [
        time(whole.median()),
        time(p50.median()),
        time(p99.median()),
        requests.to_string(),
        failed.to_string(),
    ]
}
