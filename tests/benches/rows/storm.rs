//! A thousand opens of one cold secret at once.

use secretfs_tests::bench::rig::{Remote, crowd, mount, opens, secretfs, try_launch};
use secretfs_tests::bench::{Reach, Samples, Table};
use secretfs_tests::script::Crowd;

const READERS: usize = 1000;
const ROUNDS: usize = 7;

pub(crate) fn run() {
    let table =
        Table::promised("1,000 concurrent opens of one cold secret, its provider 20 ms away:");
    let remote = Remote::new(&[
        ("/".to_owned(), "COLD".to_owned()),
        ("/other".to_owned(), "WARM".to_owned()),
    ]);
    let mut probe = remote.probe();
    mount(&remote, &mut probe);
    opens(&mut probe, &remote.file("WARM"), 1);
    let mut requests = Vec::new();
    let mut crowds = Crowd::default();
    let mut times = Samples::default();
    for _ in 0..ROUNDS {
        if let Err(why) = try_launch(&mut probe, &secretfs(&remote, &["refresh"])) {
            table.beside("the storm before ended the mount", why.trim());
            break;
        }
        remote.sim.forget_requests();
        let all = crowd(&mut probe, &remote.file("COLD"), READERS, 1);
        requests.push(remote.sim.total());
        crowds += all;
        times.push(all.whole as f64);
    }
    let most = requests.iter().copied().max().unwrap_or_default();
    table.reach(
        "requests",
        Reach {
            words: "1",
            is_reached: most == 1,
        },
        &most.to_string(),
    );
    table.reach(
        "opens that failed",
        Reach {
            words: "0",
            is_reached: crowds.failed == 0,
        },
        &crowds.failures(),
    );
    table.beside("until the last one has its bytes", &times.times());
}
