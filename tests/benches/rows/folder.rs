//! `cat` of a hundred cold secrets of one folder: how many requests, how many round trips.

use secretfs_tests::bench::rig::{ROUND_TRIP, Remote, launch, mount, secretfs};
use secretfs_tests::bench::{Reach, Samples, Table};
use secretfs_tests::infisical::Route;
use secretfs_tests::probe::Probe;

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
    let mut probe = remote.probe();
    let (mut first, mut again) = (Taken::default(), Taken::default());
    for _ in 0..ROUNDS {
        mount(&remote, &mut probe);
        cat(&remote, &mut probe, &mut first);
        launch(&mut probe, &secretfs(&remote, &["refresh"]));
        cat(&remote, &mut probe, &mut again);
        remote.unmount();
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
    trips(&table, "round trips of those", known, &first.times);
    table.beside(
        "and before them, to connect and to ask for the version",
        &known.to_string(),
    );
    table.beside("all of it", &first.times.times());
    table.reach(
        "requests of the same when connected and signed in",
        Reach {
            words: "3",
            is_reached: most(&again.requests) <= 3,
        },
        &most(&again.requests).to_string(),
    );
    trips(&table, "round trips of those", 0.0, &again.times);
    table.beside("all of it", &again.times.times());
}

/// The time, in round trips; what the two processors do meanwhile is in it.
fn trips(table: &Table, work: &str, known: f64, times: &Samples) {
    let trips = times.median() / ROUND_TRIP.as_nanos() as f64 - known;
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
