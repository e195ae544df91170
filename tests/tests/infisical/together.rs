//! Several secrets of a folder with one request.

use super::rig::*;
use secretfs_providers::ErrorKind;
use secretfs_tests::infisical::{Generation, Route};

#[test]
fn a_hundred_secrets_of_a_folder_come_with_one_list() {
    for generation in BOTH {
        let names: Vec<_> = (0..100).map(|at| format!("NAME_{at}")).collect();
        let rig = Rig::new(generation, |sim| {
            for name in &names {
                sim.set("/backend", name, &format!("value of {name}"));
            }
            sim
        })
        .warmed();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let got = rig.read_many("/backend", &names).unwrap();
        for (got, name) in got.iter().zip(&names) {
            assert_eq!(*got, Got::value(&format!("value of {name}")));
        }
        assert_eq!(rig.sim.total(), 1);
    }
}

#[test]
fn secrets_that_are_not_wanted_take_no_memory() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        // More than there is memory for.
        for at in 0..8 {
            sim.set("/", &format!("LARGE_{at}"), &"x".repeat(1_000_000));
        }
        sim.secret("/", "A", "1").secret("/", "B", "2")
    });
    let got = rig.read_many("/", &["A", "B"]).unwrap();
    assert_eq!(got, [Got::value("1"), Got::value("2")]);
}

#[test]
fn one_value_that_is_too_large_fails_alone() {
    let rig = Rig::new(Generation::Both, |sim| {
        sim.secret("/", "A", "1")
            .secret("/", "LARGE", &"x".repeat(100))
    });
    let mut wanted = [wanted("/", "A"), wanted("/", "LARGE")];
    wanted[1].max_size = 99;
    let got: Vec<_> = rig
        .ask_many(&wanted)
        .unwrap()
        .into_iter()
        .map(Got::of)
        .collect();
    assert_eq!(got, [Got::value("1"), Got::Failed(ErrorKind::TooLarge)]);
}

#[test]
fn one_secret_under_two_limits_keeps_to_each() {
    let rig = Rig::new(Generation::Both, |sim| sim.secret("/", "A", "12345"));
    let mut wanted = [wanted("/", "A"), wanted("/", "A")];
    wanted[0].max_size = 4;
    let got: Vec<_> = rig
        .ask_many(&wanted)
        .unwrap()
        .into_iter()
        .map(Got::of)
        .collect();
    assert_eq!(got, [Got::Failed(ErrorKind::TooLarge), Got::value("12345")]);
}

#[test]
fn a_folder_is_rendered_from_all_of_its_secrets_in_the_order_of_their_names() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/compose", "B", "2")
                .secret("/compose", "A", "")
                .secret("/compose", "C", "3\n")
                .secret("/compose/below", "D", "4")
        })
        .warmed();
        let all = rig.folder("/compose").unwrap();
        assert_eq!(all, pairs(&[("A", ""), ("B", "2"), ("C", "3\n")]));
        assert_eq!(rig.sim.total(), 1);
    }
}

#[test]
fn the_limit_of_a_folder_is_for_all_of_its_values_together() {
    let rig = Rig::new(Generation::Both, |sim| {
        sim.secret("/", "A", "123").secret("/", "B", "45")
    });
    assert!(rig.folder_of("/", 5).is_ok());
    let error = rig.folder_of("/", 4).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
}

#[test]
fn listing_the_names_of_a_folder_asks_for_no_value() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            sim.secret("/backend", "B", "2")
                .secret("/backend", "A", "1")
                .secret("/backend/below", "C", "3")
        })
        .warmed();
        assert_eq!(rig.names("/backend").unwrap(), ["A", "B"]);
        let requests = rig.sim.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].route, Route::SecretList);
        let query = &requests[0].query;
        let asks = |name: &str| {
            query
                .iter()
                .find(|(of, _)| of == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(asks("viewSecretValue"), Some("false"));
        assert_eq!(asks("recursive"), Some("false"));
    }
}
