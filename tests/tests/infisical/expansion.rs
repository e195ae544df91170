//! References in values (contract §4, "References").

use super::rig::*;
use secretfs_providers::{ErrorKind, Reference, Wanted};
use secretfs_tests::infisical::{Generation, Infisical, Role, Rule};

fn plain(wanted: &Wanted) -> Wanted {
    let Reference::Infisical(of) = &wanted.reference else {
        panic!("{wanted:?}");
    };
    let mut of = of.clone();
    of.expand_references = false;
    Wanted {
        reference: Reference::Infisical(of),
        ..wanted.clone()
    }
}

fn referring(sim: Infisical) -> Infisical {
    sim.secret("/db", "PASSWORD", "pw")
        .secret("/", "URL", "postgres://u:${dev.db.PASSWORD}@h")
        .secret("/", "COMPOSE", "image: ${TAG:-latest}\n")
        .secret("/", "LITERAL", "${NOT_THERE}")
        .secret("/", "PLAIN", "x")
}

#[test]
fn references_are_expanded_unless_the_entry_says_otherwise() {
    for generation in BOTH {
        let rig = Rig::new(generation, referring);
        let url = wanted("/", "URL");
        assert_eq!(Got::of(rig.ask(&url)), Got::value("postgres://u:pw@h"));
        let raw = "postgres://u:${dev.db.PASSWORD}@h";
        assert_eq!(Got::of(rig.ask(&plain(&url))), Got::value(raw));
        let both = [url, wanted("/", "COMPOSE")];
        let got: Vec<_> = rig
            .ask_many(&both)
            .unwrap()
            .into_iter()
            .map(Got::of)
            .collect();
        assert_eq!(
            got,
            [
                Got::value("postgres://u:pw@h"),
                Got::value("image: ${TAG:-latest}\n")
            ]
        );
        let both: Vec<_> = both.iter().map(plain).collect();
        let got: Vec<_> = rig
            .ask_many(&both)
            .unwrap()
            .into_iter()
            .map(Got::of)
            .collect();
        assert_eq!(got[0], Got::value(raw));
    }
}

#[test]
fn a_list_value_that_still_holds_a_reference_is_fetched_by_itself_before_it_is_served() {
    for generation in BOTH {
        let rig = Rig::new(generation, referring).warmed();
        let got = rig.read_many("/", &["LITERAL", "PLAIN"]).unwrap();
        assert_eq!(got, [Got::Alone, Got::value("x")]);
        // The single route has the last word: nothing there to expand it with.
        assert_eq!(rig.read("/", "LITERAL"), Ok("${NOT_THERE}".into()));
        rig.sim.forget_requests();
        let all = rig.folder("/").unwrap();
        assert!(
            all.contains(&("LITERAL".into(), "${NOT_THERE}".into())),
            "{all:?}"
        );
        assert_eq!(rig.counts(), (1, 1));
    }
}

#[test]
fn a_reference_into_a_deleted_folder_is_an_error_and_not_its_own_text() {
    for generation in BOTH {
        let rig = Rig::new(generation, referring);
        rig.sim.delete_folder("/db");
        assert_eq!(rig.read("/", "URL"), Err(ErrorKind::Server));
        let got = rig.read_many("/", &["URL", "PLAIN"]).unwrap();
        assert_eq!(got, [Got::Alone, Got::value("x")]);
        assert_eq!(rig.folder("/").unwrap_err().kind, ErrorKind::Server);
    }
}

#[test]
fn a_reference_that_the_identity_may_not_read_is_an_error_and_not_its_own_text() {
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            referring(sim).role(Role::Rules(vec![Rule::read("dev", "/")]))
        });
        assert_eq!(rig.read("/", "URL"), Err(ErrorKind::Denied));
        let got = rig.read_many("/", &["URL", "PLAIN"]).unwrap();
        assert_eq!(got, [Got::Alone, Got::value("x")]);
        assert_eq!(rig.folder("/").unwrap_err().kind, ErrorKind::Denied);
    }
}

#[test]
fn a_cycle_of_references_ends_and_is_what_the_single_route_makes_of_it() {
    let rig = Rig::new(Generation::Both, |sim| {
        sim.secret("/", "A", "a${B}").secret("/", "B", "b${A}")
    });
    let single = rig.read("/", "A").unwrap();
    assert!(single.contains("${"), "{single}");
    assert_eq!(rig.read_many("/", &["A"]).unwrap(), [Got::Alone]);
}

#[test]
fn a_changed_target_changes_the_value_although_the_version_stays() {
    let rig = Rig::new(Generation::Both, referring);
    let url = wanted("/", "URL");
    let first = fetched(rig.ask(&url).unwrap());
    let url = again(&url, first.validator);
    assert_eq!(Got::of(rig.ask(&url)), Got::Unchanged);
    rig.sim.set("/db", "PASSWORD", "new");
    assert_eq!(Got::of(rig.ask(&url)), Got::value("postgres://u:new@h"));
}
