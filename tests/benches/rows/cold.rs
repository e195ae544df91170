//! The first open of a secret whose provider is 20 ms away, beside one bare HTTPS request to the same
//! server over the same way.

use secretfs_tests::bench::bare::{Bare, target_of_the_last};
use secretfs_tests::bench::rig::{Remote, mount, opens};
use secretfs_tests::bench::{Reach, Samples, Table};
use secretfs_tests::http_sim::Outage;
use secretfs_tests::infisical::Route;
use secretfs_tests::probe::Probe;
use secretfs_tests::wait;
use std::time::Instant;

const WARM: usize = 40;
const CONNECTING: usize = 20;
const FIRST: usize = 10;

pub(crate) fn run() {
    let table = Table::promised("The first open of a cold secret, its provider 20 ms away:");
    // Each in a folder of its own: a second one of the same would be a list.
    let secrets: Vec<_> = (0..=WARM + CONNECTING)
        .map(|at| (format!("/f{at}"), format!("S{at}")))
        .collect();
    let remote = Remote::new(&secrets);
    let mut probe = remote.probe();
    mount(&remote, &mut probe);
    open(&remote, &mut probe, 0);
    let mut bare = remote.bare();
    let token = bare.sign_in();
    let target = target_of_the_last(&remote.sim);

    let [ours, theirs] = warm(&remote, &mut probe, &mut bare, &target, &token);
    row(
        &table,
        "over one bare request, both on a warm connection",
        &ours,
        &theirs,
    );
    let [ours, theirs] = connecting(&remote, &mut probe, &mut bare, &target, &token);
    row(
        &table,
        "over a bare client's first request, both signed in but not connected",
        &ours,
        &theirs,
    );
    remote.unmount();
    let [ours, theirs] = first(&remote, &mut bare, &target);
    row(
        &table,
        "over a bare client that connects, signs in and asks, right after the mount",
        &ours,
        &theirs,
    );
    let probes = remote.sim.count(Route::Absent);
    table.beside(
        "of it, questions for the version of the API, a mount",
        &probes.to_string(),
    );
}

fn row(table: &Table, work: &str, ours: &Samples, theirs: &Samples) {
    let ratio = ours.over(theirs);
    let reach = Reach {
        words: "1.1 ×",
        is_reached: ratio.median() <= 1.1,
    };
    table.reach(work, reach, &format!("{} ×", ratio.ratios()));
    table.beside("secretfs", &ours.times());
    table.beside("bare", &theirs.times());
}

fn open(remote: &Remote, probe: &mut Probe, at: usize) -> f64 {
    opens(probe, &remote.file(&format!("S{at}")), 1)
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64
}

fn warm(
    remote: &Remote,
    probe: &mut Probe,
    bare: &mut Bare,
    target: &str,
    token: &str,
) -> [Samples; 2] {
    let mut samples = [Samples::default(), Samples::default()];
    remote.sim.forget_requests();
    for at in 1..=WARM {
        samples[0].push(open(remote, probe, at));
        samples[1].push(timed(|| bare.ask("GET", target, Some(token), "")));
    }
    assert_eq!(remote.sim.total(), 2 * WARM, "one request each");
    samples
}

fn connecting(
    remote: &Remote,
    probe: &mut Probe,
    bare: &mut Bare,
    target: &str,
    token: &str,
) -> [Samples; 2] {
    let mut samples = [Samples::default(), Samples::default()];
    for at in 1..=CONNECTING {
        hang_up(remote, bare);
        samples[0].push(open(remote, probe, WARM + at));
        samples[1].push(timed(|| bare.ask("GET", target, Some(token), "")));
    }
    samples
}

/// The server ends every connection, and the daemon knows.
fn hang_up(remote: &Remote, bare: &mut Bare) {
    bare.hang_up();
    remote.sim.outage(Some(Outage::Refuse));
    remote.sim.outage(None);
    wait::until("nobody is connected", || {
        (remote.far.connected() == 0).then_some(())
    });
}

fn first(remote: &Remote, bare: &mut Bare, target: &str) -> [Samples; 2] {
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..FIRST {
        let mut probe = remote.probe();
        mount(remote, &mut probe);
        remote.sim.forget_requests();
        samples[0].push(open(remote, &mut probe, 0));
        bare.hang_up();
        samples[1].push(timed(|| {
            let token = bare.sign_in();
            bare.ask("GET", target, Some(&token), "")
        }));
        remote.unmount();
    }
    samples
}
