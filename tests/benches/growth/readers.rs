//! From one reader to a thousand at one time: of a cached secret, and of a cold one whose provider is
//! 20 ms away.

use secretfs_tests::bench::rig::{Remote, crowd, mount, opens, secretfs, try_launch};
use secretfs_tests::bench::samples::{size, time};
use secretfs_tests::bench::{Samples, Table, memory};
use secretfs_tests::probe::Probe;
use secretfs_tests::script::Crowd;

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
            "locked then",
        ],
    );
    let remote = Remote::new(&[
        ("/".to_owned(), "COLD".to_owned()),
        ("/other".to_owned(), "WARM".to_owned()),
    ]);
    for readers in READERS {
        // The heap of a daemon grows and does not shrink: each has its own.
        let mut probe = remote.probe();
        mount(&remote, &mut probe);
        opens(&mut probe, &remote.file("WARM"), 1);
        let mut cells = vec![readers.to_string()];
        cells.extend(cached(&remote, &mut probe, readers));
        match cold(&remote, &mut probe, readers) {
            Ok(more) => cells.extend(more),
            Err(why) => cells.extend([
                why,
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ]),
        }
        // A daemon that a crowd has ended is a line of the table, and not the end of the bench.
        let is_mounted = remote.is_mounted();
        cells.push(match is_mounted {
            true => size(memory::of_the_daemon(&remote).locked as f64),
            false => String::new(),
        });
        if is_mounted {
            remote.unmount();
        }
        table.row(&cells);
    }
}

fn cached(remote: &Remote, probe: &mut Probe, readers: usize) -> [String; 4] {
    let times = u32::try_from(READS / readers).expect("few");
    let (mut rate, mut p50, mut p99) = <(Samples, Samples, Samples)>::default();
    let mut crowds = Crowd::default();
    for _ in 0..ROUNDS {
        let all = crowd(probe, &remote.file("WARM"), readers, times);
        rate.push(all.reads as f64 / (all.whole as f64 / 1e9));
        p50.push(all.p50 as f64);
        p99.push(all.p99 as f64);
        crowds += all;
    }
    [
        format!("{:.0}", rate.median()),
        time(p50.median()),
        time(p99.median()),
        crowds.failures(),
    ]
}

fn cold(remote: &Remote, probe: &mut Probe, readers: usize) -> Result<[String; 5], String> {
    let (mut whole, mut p50, mut p99) = <(Samples, Samples, Samples)>::default();
    let (mut crowds, mut requests) = (Crowd::default(), 0);
    for _ in 0..ROUNDS {
        try_launch(probe, &secretfs(remote, &["refresh", "COLD"]))?;
        remote.sim.forget_requests();
        let all = crowd(probe, &remote.file("COLD"), readers, 1);
        requests = requests.max(remote.sim.total());
        whole.push(all.whole as f64);
        p50.push(all.p50 as f64);
        p99.push(all.p99 as f64);
        crowds += all;
    }
    Ok([
        time(whole.median()),
        time(p50.median()),
        time(p99.median()),
        requests.to_string(),
        crowds.failures(),
    ])
}
