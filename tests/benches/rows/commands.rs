//! `secretfs mount` until it answers, and `secretfs env`, beside a shell that does nothing.

use secretfs_tests::bench::rig::{Remote, launch, mount, one_secret, secretfs};
use secretfs_tests::bench::{Reach, Samples, Table, turns};
use std::cell::RefCell;

const MOUNTS: usize = 21;
const ROUNDS: usize = 101;

pub(crate) fn run() {
    let table = Table::promised("Commands, from their start to their end:");
    let remote = Remote::new(&[("/".to_owned(), "S".to_owned())]);
    let mut probe = remote.probe();
    let mounts: Samples = (0..MOUNTS)
        .map(|_| {
            let took = mount(&remote, &mut probe);
            remote.unmount();
            took
        })
        .collect();
    let asked = remote.sim.total();
    table.reach(
        "`secretfs mount` until it answers",
        Reach {
            words: "50 ms, no network",
            is_reached: mounts.median() <= 50e6 && asked == 0,
        },
        &format!("{}, {asked} requests", mounts.times()),
    );
    drop(remote);

    let fixture = one_secret();
    let probe = RefCell::new(fixture.probe());
    let command = |args: Vec<String>| -> turns::Turn<'_> {
        let probe = &probe;
        Box::new(move |_| launch(&mut probe.borrow_mut(), &args))
    };
    let taken = turns::take(
        ROUNDS,
        vec![
            command(secretfs(&fixture, &["env", "--shell", "bash"])),
            command(["sh", "-c", ":"].map(str::to_owned).into()),
        ],
    );
    table.reach(
        "`secretfs env`",
        Reach {
            words: "3 ms",
            is_reached: taken[0].median() <= 3e6,
        },
        &taken[0].times(),
    );
    table.beside("`sh -c :`", &taken[1].times());
}
