//! From one mount to sixteen, of one map: the start of each, and what they hold together.

use secretfs_tests::bench::rig::{launch, one_secret, opens, secretfs};
use secretfs_tests::bench::samples::{size, time};
use secretfs_tests::bench::{Samples, Table, memory};

const COUNTS: [usize; 3] = [1, 4, 16];

pub(crate) fn run() {
    let table = Table::new(
        "Mounts of one user, each with its own helper and daemon:",
        &[
            "mounts",
            "start of each",
            "all processes, proportional",
            "a mount",
            "locked in sum",
            "cached open of the last one",
        ],
    );
    let fixture = one_secret();
    let passphrase = fixture.path("passphrase");
    let passphrase = passphrase.to_str().expect("UTF-8");
    let mut probe = fixture.probe();
    let mut starts = Samples::default();
    let mut mounted = 0;
    for count in COUNTS {
        let mut last = fixture.mountpoint();
        for at in mounted..count {
            last = fixture.path(format!("home/secrets{at}"));
            let mountpoint = last.to_str().expect("UTF-8");
            starts.push(launch(
                &mut probe,
                &secretfs(&fixture, &["mount", mountpoint]),
            ));
            // Now that it is there, with what opens the vault.
            fixture.run(["unlock", "--passphrase-file", passphrase, mountpoint]);
            opens(&mut probe, &last.join("secret"), 1);
        }
        mounted = count;
        let held = memory::of_all(&fixture);
        let file = last.join("secret");
        let cached: Samples = (0..11).map(|_| opens(&mut probe, &file, 200)).collect();
        table.row(&[
            count.to_string(),
            time(starts.median()),
            size(held.proportional as f64),
            size(held.proportional as f64 / count as f64),
            size(held.locked as f64),
            time(cached.median()),
        ]);
    }
    fixture.run(["unmount", "--all"]);
    fixture.wait_for_no_process();
}
