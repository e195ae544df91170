//! A thousand opens of one cold secret at once.

use secretfs_tests::bench::rig::{Remote, crowd, launch, mount, opens, secretfs};
use secretfs_tests::bench::{Reach, Samples, Table};

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
    let (mut requests, mut failed, mut errno) = (Vec::new(), 0, 0);
    let mut times = Samples::default();
    for _ in 0..ROUNDS {
        launch(&mut probe, &secretfs(&remote, &["refresh"]));
        remote.sim.forget_requests();
        let all = crowd(&mut probe, &remote.file("COLD"), READERS, 1);
        requests.push(remote.sim.total());
        failed += all.failed;
        errno = errno.max(all.errno);
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
    let all = READERS * ROUNDS;
    let why = match errno {
        0 => String::new(),
        errno => format!(": {}", std::io::Error::from_raw_os_error(errno)),
    };
    table.beside("opens that failed", &format!("{failed} of {all}{why}"));
    table.beside("until the last one has its bytes", &times.times());
}
