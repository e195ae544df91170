//! Which of several secrets of one name counts (contract §4, "Imports").

use super::rig::*;
use secretfs_providers::ErrorKind;
use secretfs_tests::infisical::{Generation, Infisical, Role, Rule};

fn imported(sim: Infisical) -> Infisical {
    sim.secret("/backend", "OWN", "own")
        .secret("/first", "OWN", "not this")
        .secret("/first", "BOTH", "not this")
        .secret("/first", "FIRST", "first")
        .secret("/last", "BOTH", "last")
        .secret_in("prod", "/far", "FAR", "far")
        .import("/backend", "dev", "/first")
        .import("/backend", "prod", "/far")
        .import("/backend", "dev", "/last")
}

const NAMES: [&str; 4] = ["OWN", "BOTH", "FIRST", "FAR"];
const VALUES: [&str; 4] = ["own", "last", "first", "far"];

#[test]
fn own_secrets_win_over_imports_and_among_those_the_last() {
    for generation in BOTH {
        let rig = Rig::new(generation, imported);
        for (name, value) in NAMES.into_iter().zip(VALUES) {
            assert_eq!(rig.read("/backend", name), Ok(value.into()));
        }
        let together = rig.read_many("/backend", &NAMES).unwrap();
        assert_eq!(together, VALUES.map(Got::value));
        let mut all: Vec<_> = NAMES.into_iter().zip(VALUES).collect();
        all.sort_unstable();
        assert_eq!(rig.folder("/backend").unwrap(), pairs(&all));
        let mut names = NAMES;
        names.sort_unstable();
        assert_eq!(rig.names("/backend").unwrap(), names);
    }
}

#[test]
fn where_imports_are_switched_off_there_are_none() {
    for generation in BOTH {
        let rig = Rig::with(generation, imported, |settings| {
            settings.include_imports = false;
        });
        assert_eq!(rig.read("/backend", "OWN"), Ok("own".into()));
        assert_eq!(rig.read("/backend", "FIRST"), Err(ErrorKind::Missing));
        assert_eq!(rig.names("/backend").unwrap(), ["OWN"]);
        assert_eq!(rig.folder("/backend").unwrap(), pairs(&[("OWN", "own")]));
    }
}

#[test]
fn an_import_that_may_not_be_read_is_as_if_it_was_not_there() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        imported(sim).role(Role::Rules(vec![
            Rule::read("dev", "/backend"),
            Rule::read("dev", "/first"),
        ]))
    });
    let together = rig.read_many("/backend", &NAMES).unwrap();
    assert_eq!(
        together,
        [
            Got::value("own"),
            Got::value("not this"),
            Got::value("first"),
            Got::Failed(ErrorKind::Missing)
        ]
    );
    assert_eq!(rig.read("/backend", "FAR"), Err(ErrorKind::Missing));
}

#[test]
fn a_folder_with_nothing_but_imports_is_not_an_empty_one() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.folder("/all")
            .secret("/common", "A", "1")
            .import("/all", "dev", "/common")
    })
    .warmed();
    assert_eq!(rig.folder("/all").unwrap(), pairs(&[("A", "1")]));
    // And is not looked at twice.
    assert_eq!(rig.counts(), (0, 1));
}
