//! What a daemon holds at rest: signed in, and with a hundred cached secrets.

use secretfs_tests::bench::rig::{Remote, mount, opens};
use secretfs_tests::bench::samples::size;
use secretfs_tests::bench::{Reach, Table, memory};

const SECRETS: usize = 100;
const RESIDENT: u64 = 12 << 20;
const LOCKED: u64 = 8 << 20;

pub(crate) fn run() {
    let table = Table::promised("The daemon at rest:");
    let secrets: Vec<_> = (0..SECRETS)
        .map(|at| ("/backend".to_owned(), format!("S{at}")))
        .collect();
    let remote = Remote::new(&secrets);
    let mut probe = remote.probe();
    mount(&remote, &mut probe);
    let fresh = memory::of_the_daemon(&remote);
    for (_, name) in &secrets {
        opens(&mut probe, &remote.file(name), 1);
    }
    let used = memory::of_the_daemon(&remote);
    let row = |what: &str, words: &str, most: u64, bytes: u64| {
        let reach = Reach {
            words,
            is_reached: bytes <= most,
        };
        table.reach(what, reach, &size(bytes as f64));
    };
    row(
        "resident, after the mount",
        "12 MiB",
        RESIDENT,
        fresh.resident,
    );
    row("locked, after the mount", "8 MiB", LOCKED, fresh.locked);
    row(
        "resident, with 100 cached secrets of 3 KiB",
        "12 MiB",
        RESIDENT,
        used.resident,
    );
    row(
        "locked, with 100 cached secrets of 3 KiB",
        "8 MiB",
        LOCKED,
        used.locked,
    );
    let all = memory::of_all(&remote);
    table.beside(
        "all processes of the mount, proportional",
        &size(all.proportional as f64),
    );
}
