//! From 32 bytes to 1 MiB, the most that is shown: the first read and one of the cache, from a local
//! vault and from an Infisical that is near.

use secretfs_tests::bench::rig::{self, launch, opens, secretfs};
use secretfs_tests::bench::samples::{size, time};
use secretfs_tests::bench::{Samples, Table, memory};
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::http_sim::Tls;
use secretfs_tests::infisical::{Generation, Infisical};

const SIZES: [usize; 4] = [32, 1 << 10, 32 << 10, 1 << 20];
const FIRST: usize = 11;
const ROUNDS: usize = 11;
const OPENS: u32 = 100;

pub(crate) fn run() {
    let table = Table::new(
        "The size of a value:",
        &[
            "size",
            "first read, local vault",
            "first read, Infisical over TLS",
            "cached read",
            "locked",
        ],
    );
    for len in SIZES {
        let local = rig::vault(&[("secret", value("local", len))], 0);
        let (first, cached, locked) = measured(&local);
        let sim = Infisical::start_as(Generation::Both, Tls::Yes);
        let (far, _, _) = measured(&infisical(&sim, len));
        table.row(&[
            size(len as f64),
            time(first),
            time(far),
            time(cached),
            size(locked as f64),
        ]);
    }
}

fn infisical(sim: &Infisical, len: usize) -> Fixture {
    let text = String::from_utf8(value("infisical", len)).expect("text");
    // A server cuts what a value ends with.
    let text = format!("{}.", &text[..len - 1]);
    sim.set("/", "secret", &text);
    let mut fixture = Fixture::new();
    fixture.environment = sim.environment();
    let provider = sim.provider();
    fixture.write_map(&format!(
        "providers: {{i: {provider}}}\nsecrets:\n- {{name: secret, file: secret}}\n"
    ));
    fixture
}

/// The first read and a cached one, in nanoseconds, and what is locked then.
fn measured(fixture: &Fixture) -> (f64, f64, u64) {
    let mut probe = fixture.probe();
    fixture.mount();
    let file = fixture.file("secret");
    opens(&mut probe, &file, 1);
    let mut first = || {
        launch(&mut probe, &secretfs(fixture, &["refresh"]));
        opens(&mut probe, &file, 1)
    };
    let first: Samples = (0..FIRST).map(|_| first()).collect();
    let cached: Samples = (0..ROUNDS)
        .map(|_| opens(&mut probe, &file, OPENS))
        .collect();
    let locked = memory::of_the_daemon(fixture).locked;
    (first.median(), cached.median(), locked)
}
