//! `cat` of a hundred cold secrets of one folder: how many requests, how many round trips.

use secretfs_tests::bench::rig::{ROUND_TRIP, Remote, launch, mount, secretfs};
use secretfs_tests::bench::{Reach, Samples, Table};
use secretfs_tests::infisical::Route;
use secretfs_tests::probe::Probe;
use std::time::Duration;

const SECRETS: usize = 100;
const ROUNDS: usize = 9;

/// What one `cat` took.
#[derive(Default)]
struct Taken {
    times: Samples,
    requests: Vec<usize>,
    probes: Vec<usize>,
    connections: Vec<usize>,
}

pub(crate) fn run() {
    let table = Table::promised(
        "`cat ~/secrets/*` of 100 cold secrets of one Infisical folder, 20 ms away:",
    );
    let secrets: Vec<_> = (0..SECRETS)
        .map(|at| ("/backend".to_owned(), format!("S{at}")))
        .collect();
    let remote = Remote::new(&secrets);
    // What is not spent on the way: the two differ by the round trips alone.
    let near = Remote::at(Duration::ZERO, &secrets);
    let (mut first, mut again) = (Taken::default(), Taken::default());
    let (mut first_near, mut again_near) = (Taken::default(), Taken::default());
    for _ in 0..ROUNDS {
        round(&remote, &mut first, &mut again);
        round(&near, &mut first_near, &mut again_near);
    }
    let most = |counts: &[usize]| counts.iter().copied().max().unwrap_or_default();
    let probes = most(&first.probes);
    let requests = most(&first.requests) - probes;
    table.reach(
        "requests right after the mount, the login included, beside the question for the version",
        Reach {
            words: "3",
            is_reached: requests <= 3 && probes <= 1,
        },
        &format!("{requests}, and {probes} for the version"),
    );
    // TCP and TLS: a round trip each.
    let connecting = 2 * most(&first.connections);
    let known = (connecting + probes) as f64;
    let trip = first.times.median() - first_near.times.median();
    trips(&table, "round trips of those", trip, known);
    table.beside(
        "and before them, to connect and to ask for the version",
        &known.to_string(),
    );
    table.beside("all of it", &first.times.times());
    table.beside("the same with the provider near", &first_near.times.times());
    table.reach(
        "requests of the same when connected and signed in",
        Reach {
            words: "3",
            is_reached: most(&again.requests) <= 3,
        },
        &most(&again.requests).to_string(),
    );
    let trip = again.times.median() - again_near.times.median();
    trips(&table, "round trips of those", trip, 0.0);
    table.beside("all of it", &again.times.times());
    table.beside("the same with the provider near", &again_near.times.times());
}

/// Right after the mount, and once more without what is cached.
fn round(remote: &Remote, first: &mut Taken, again: &mut Taken) {
    let mut probe = remote.probe();
    mount(remote, &mut probe);
    cat(remote, &mut probe, first);
    launch(&mut probe, &secretfs(remote, &["refresh"]));
    cat(remote, &mut probe, again);
    remote.unmount();
}

/// By how much longer it takes than near, in round trips, but for those that are known.
fn trips(table: &Table, work: &str, longer: f64, known: f64) {
    let trips = longer / ROUND_TRIP.as_nanos() as f64 - known;
    let reach = Reach {
        words: "3",
        is_reached: trips <= 3.5,
    };
    table.reach(work, reach, &format!("{trips:.1}"));
}

fn cat(remote: &Remote, probe: &mut Probe, taken: &mut Taken) {
    remote.sim.forget_requests();
    let connections = remote.far.connections();
    let mut args = vec!["cat".to_owned()];
    for at in 0..SECRETS {
        let file = remote.file(&format!("S{at}"));
        args.push(file.to_str().expect("UTF-8").to_owned());
    }
    taken.times.push(launch(probe, &args));
    taken.requests.push(remote.sim.total());
    taken.probes.push(remote.sim.count(Route::Absent));
    taken
        .connections
        .push(remote.far.connections() - connections);
}
