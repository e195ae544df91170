//! From 10 entries to 100,000: each of them in one folder, with one value of a local vault among
//! them.

use secretfs_tests::bench::rig::{self, launch, opens, secretfs, try_launch};
use secretfs_tests::bench::samples::{size, time};
use secretfs_tests::bench::{Samples, Table, memory};
use secretfs_tests::fixture::value;
use secretfs_tests::probe::Probe;

const COUNTS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const MOUNTS: usize = 5;
const NAME: &str = "secret";
const ROUNDS: usize = 15;
const OPENS: u32 = 200;

pub(crate) fn run() {
    let table = Table::new(
        "Entries of the map:",
        &[
            "entries",
            "mount",
            "`ls`",
            "first open, local vault",
            "cached open",
            "resident: daemon",
            "helper",
            "locked",
        ],
    );
    for count in COUNTS {
        match of(count) {
            Ok(cells) => table.row(&cells),
            Err(why) => table.row(&[count.to_string(), why]),
        }
    }
}

fn of(count: usize) -> Result<Vec<String>, String> {
    let fixture = rig::vault(&[(NAME, value("bench", 3072))], count - 1);
    let mut probe = fixture.probe();
    let mountpoint = fixture.mountpoint();
    let mountpoint = mountpoint.to_str().expect("UTF-8");
    let mount = secretfs(&fixture, &["mount", mountpoint]);
    let mut mounts = Samples::default();
    for round in 0..MOUNTS {
        if round > 0 {
            fixture.unmount();
        }
        mounts.push(try_launch(&mut probe, &mount).map_err(|_| refusal(&fixture))?);
    }
    let list = |probe: &mut Probe| try_launch(probe, &["ls", mountpoint]).unwrap_or(f64::NAN);
    let lists: Samples = (0..ROUNDS).map(|_| list(&mut probe)).collect();
    fixture.unmount();
    fixture.mount();
    let file = fixture.file(NAME);
    // One fetch of a vault brings all that is mapped.
    let mut cold = || {
        launch(&mut probe, &secretfs(&fixture, &["refresh"]));
        opens(&mut probe, &file, 1)
    };
    let colds: Samples = (0..ROUNDS).map(|_| cold()).collect();
    let cached: Samples = (0..ROUNDS)
        .map(|_| opens(&mut probe, &file, OPENS))
        .collect();
    let daemon = memory::of_the_daemon(&fixture);
    let helper = memory::of(fixture.process("internal-mount-helper").pid);
    Ok(vec![
        count.to_string(),
        time(mounts.median()),
        time(lists.median()),
        time(colds.median()),
        time(cached.median()),
        size(daemon.resident as f64),
        size(helper.resident as f64),
        size(daemon.locked as f64),
    ])
}

/// Which bound refuses it.
fn refusal(fixture: &secretfs_tests::fixture::Fixture) -> String {
    let mountpoint = fixture.mountpoint();
    let told = fixture
        .secretfs(["mount".as_ref(), mountpoint.as_os_str()])
        .output()
        .expect("secretfs");
    let told = String::from_utf8_lossy(&told.stderr);
    format!("refused: {}", told.lines().next().unwrap_or_default())
}
