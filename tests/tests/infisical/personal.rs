//! Personal overrides: of a user's session alone, and only where the map asks for them (contract §4).

use super::rig::*;
use secretfs_providers::Credential;
use secretfs_tests::infisical::{Generation, Infisical};

fn overridden(sim: Infisical) -> Infisical {
    let sim = sim.secret("/", "A", "shared").secret("/", "B", "b");
    sim.set_personal("/", "A", "mine");
    sim
}

fn as_user(generation: Generation, personal: bool) -> Rig {
    let rig = Rig::with(generation, overridden, |settings| {
        settings.auth = Some("token".into());
        settings.personal = personal;
    });
    rig.give(Credential::Token(rig.sim.user_token().into()));
    rig
}

#[test]
fn a_users_own_value_wins_where_the_map_wants_it() {
    for generation in BOTH {
        let rig = as_user(generation, true);
        assert_eq!(rig.read("/", "A"), Ok("mine".into()));
        assert_eq!(rig.read("/", "B"), Ok("b".into()));
        let together = rig.read_many("/", &["A", "B"]).unwrap();
        assert_eq!(together, [Got::value("mine"), Got::value("b")]);
        let all = rig.folder("/").unwrap();
        assert_eq!(all, pairs(&[("A", "mine"), ("B", "b")]));
        assert_eq!(rig.names("/").unwrap(), ["A", "B"]);
    }
}

#[test]
fn without_that_everybodys_value_is_served_although_the_list_shows_both() {
    for generation in BOTH {
        let rig = as_user(generation, false);
        assert_eq!(rig.read("/", "A"), Ok("shared".into()));
        let together = rig.read_many("/", &["A", "B"]).unwrap();
        assert_eq!(together, [Got::value("shared"), Got::value("b")]);
        let all = rig.folder("/").unwrap();
        assert_eq!(all, pairs(&[("A", "shared"), ("B", "b")]));
    }
}

#[test]
fn a_machine_identity_has_none_and_is_served_what_is_shared() {
    for generation in BOTH {
        let rig = Rig::with(generation, overridden, |settings| settings.personal = true);
        assert_eq!(rig.read("/", "A"), Ok("shared".into()));
        let together = rig.read_many("/", &["A", "B"]).unwrap();
        assert_eq!(together, [Got::value("shared"), Got::value("b")]);
    }
}

#[test]
fn the_etag_of_a_personal_value_is_not_that_of_the_shared_one() {
    let rig = as_user(Generation::Both, true);
    let wanted = wanted("/", "A");
    let mine = fetched(rig.ask(&wanted).unwrap());
    let wanted = again(&wanted, mine.validator);
    assert_eq!(Got::of(rig.ask(&wanted)), Got::Unchanged);
    rig.sim.set("/", "A", "shared anew");
    assert_eq!(Got::of(rig.ask(&wanted)), Got::Unchanged);
    rig.sim.set_personal("/", "A", "mine anew");
    assert_eq!(Got::of(rig.ask(&wanted)), Got::value("mine anew"));
}
