//! How many requests what costs.

use super::{Mount, secret};
use secretfs_tests::infisical::{Generation, Route};
use secretfs_tests::script::{Outcome, Step, from_hex};
use std::time::Duration;

const BOTH: [Generation; 2] = [Generation::V3Only, Generation::Both];

/// A hundred secrets of one folder, as files.
fn hundred(generation: Generation) -> (Mount, Vec<String>) {
    let mount = Mount::of(generation);
    let names: Vec<String> = (0..100).map(|at| format!("NAME_{at}")).collect();
    let entry = |name: &String| format!("{{name: {name}, file: {name}, path: /backend}}");
    for name in &names {
        mount.sim.set("/backend", name, &secret(name));
    }
    let entries: Vec<_> = names.iter().map(entry).collect();
    (mount.mounted("", &entries), names)
}

/// What was asked, beside one question for the version of the API.
fn asked(mount: &Mount) -> [usize; 3] {
    let probes = mount.sim.count(Route::Absent);
    assert!(probes <= 1, "{probes} questions for the version");
    let count = |route| mount.sim.count(route);
    let asked = [Route::Login, Route::SecretSingle, Route::SecretList].map(count);
    assert_eq!(asked.iter().sum::<usize>() + probes, mount.sim.total());
    asked
}

#[test]
fn one_cold_secret_is_one_request_and_a_sign_in_before_the_first() {
    for generation in BOTH {
        let entries = ["{name: A, file: a}", "{name: B, file: b, path: /other}"];
        let mount = Mount::of(generation);
        mount.sim.set("/", "A", &secret("a"));
        mount.sim.set("/other", "B", &secret("b"));
        let mount = mount.mounted("", &entries.map(str::to_owned));
        assert_eq!(mount.sim.total(), 0, "a mount asks for nothing");
        assert_eq!(mount.read("a"), Ok(secret("a").into_bytes()));
        assert_eq!(asked(&mount), [1, 1, 0]);
        mount.sim.forget_requests();
        assert_eq!(mount.read("b"), Ok(secret("b").into_bytes()));
        assert_eq!(mount.sim.total(), 1);
    }
}

#[test]
fn a_hundred_secrets_of_one_folder_opened_one_after_the_other_are_three_requests() {
    for generation in BOTH {
        let (mount, names) = hundred(generation);
        let mut probe = mount.probe();
        for name in &names {
            assert_eq!(probe.slurp(mount.file(name)), Ok(secret(name).into_bytes()));
        }
        assert_eq!(asked(&mount), [1, 1, 1]);
    }
}

#[test]
fn a_hundred_secrets_of_one_folder_opened_at_once_are_three_requests() {
    for generation in BOTH {
        let (mount, names) = hundred(generation);
        let paths = names
            .iter()
            .map(|name| mount.file(name).display().to_string());
        let outcome = mount.probe().run(&Step::SlurpEach {
            paths: paths.collect(),
        });
        let Outcome::Each(outcomes) = outcome else {
            panic!("{outcome:?}");
        };
        for (outcome, name) in outcomes.iter().zip(&names) {
            let Outcome::Bytes(bytes) = outcome else {
                panic!("{name}: {outcome:?}");
            };
            assert_eq!(from_hex(bytes), secret(name).into_bytes());
        }
        assert_eq!(asked(&mount), [1, 1, 1]);
    }
}

#[test]
fn a_thousand_openers_of_one_secret_are_one_request() {
    let mount = Mount::of(Generation::Both);
    mount.sim.set("/", "A", &secret("a"));
    mount.sim.set("/other", "WARM", &secret("warm"));
    let entries = [
        "{name: A, file: a}",
        "{name: WARM, file: warm, path: /other}",
    ];
    let mount = mount.mounted("open_timeout: 60s", &entries.map(str::to_owned));
    mount.read("warm").expect("a value");
    mount.sim.forget_requests();
    let path = mount.file("a").display().to_string();
    let outcome = mount.probe().run(&Step::SlurpConcurrently {
        path,
        threads: 1000,
    });
    let Outcome::Tally(tally) = outcome else {
        panic!("{outcome:?}");
    };
    let [(Outcome::Bytes(bytes), 1000)] = &tally[..] else {
        panic!("{tally:?}");
    };
    assert_eq!(from_hex(bytes), secret("a").into_bytes());
    assert_eq!(mount.sim.total(), 1);
}

#[test]
fn a_ttl_check_of_an_unchanged_secret_is_one_request_that_is_answered_304() {
    for generation in BOTH {
        let mount = Mount::of(generation);
        mount.sim.set("/", "A", &secret("a"));
        let mount = mount.mounted("ttl: 60s", &["{name: A, file: a}".to_owned()]);
        let before = mount.read("a").expect("a value");
        let inode = mount.probe().stat(mount.file("a"));
        mount.sim.forget_requests();
        mount.advance(Duration::from_secs(61));
        assert_eq!(mount.read("a"), Ok(before));
        let requests = mount.sim.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].status, Some(304));
        // And nothing has changed for who watches it.
        assert_eq!(mount.probe().stat(mount.file("a")), inode);
    }
}

#[test]
fn a_ttl_check_of_a_whole_unchanged_folder_is_two_requests() {
    let (mount, names) = hundred(Generation::Both);
    let mut probe = mount.probe();
    let mut read_all = || {
        for name in &names {
            assert_eq!(probe.slurp(mount.file(name)), Ok(secret(name).into_bytes()));
        }
    };
    read_all();
    mount.advance(Duration::from_secs(301));
    mount.sim.forget_requests();
    read_all();
    assert_eq!(asked(&mount), [0, 1, 1]);
    let list = mount.sim.requests().pop().expect("a list");
    assert_eq!((list.route, list.status), (Route::SecretList, Some(304)));
}

#[test]
fn twenty_folders_are_never_asked_for_more_than_a_secret_and_a_list_each() {
    let mount = Mount::of(Generation::Both);
    let mut entries = Vec::new();
    for folder in 0..20 {
        for at in 0..10 {
            let name = format!("N_{folder}_{at}");
            mount.sim.set(&format!("/f{folder}"), &name, &secret(&name));
            entries.push(format!("{{name: {name}, file: {name}, path: /f{folder}}}"));
        }
    }
    let mount = mount.mounted("", &entries);
    let mut probe = mount.probe();
    for name in probe.list(mount.mountpoint()) {
        assert_eq!(
            probe.slurp(mount.file(&name)),
            Ok(secret(&name).into_bytes())
        );
    }
    assert_eq!(asked(&mount), [1, 20, 20]);
}
