//! Names that only a list can carry, and odd ones that a path can (contract §5, "Names").

use super::rig::*;
use secretfs_providers::ErrorKind;
use secretfs_tests::infisical::Generation;

#[test]
fn names_that_no_path_can_carry_come_from_the_list() {
    let long = "N".repeat(101);
    let key = "\u{1f511}".repeat(30);
    for generation in BOTH {
        for name in ["..", ".", &long, &key] {
            let rig = Rig::new(generation, |sim| sim.secret("/a", name, "1"));
            assert_eq!(rig.read("/a", name), Ok("1".into()), "{name}");
            assert_eq!(rig.counts(), (0, 1), "{name}");
            assert_eq!(rig.read("/a", &"M".repeat(101)), Err(ErrorKind::Missing));
        }
    }
}

#[test]
fn odd_names_that_a_path_can_carry_are_asked_for_by_themselves() {
    let names = [
        "-rf", "a\nb", "$x", "'q'", "\"", "h\u{e9}", "a%2Fb", "a+b", "a?b#c", "&", "key", "KEY",
    ];
    for generation in BOTH {
        let rig = Rig::new(generation, |sim| {
            for (at, name) in names.iter().enumerate() {
                sim.set("/", name, &at.to_string());
            }
            // The name of a folder may be a secret's too.
            sim.secret("/a", "X", "x").secret("/", "a", "a")
        });
        for (at, name) in names.iter().enumerate() {
            assert_eq!(rig.read("/", name), Ok(at.to_string()), "{name}");
        }
        assert_eq!(rig.read("/", "a"), Ok("a".into()));
        assert_eq!(rig.counts(), (names.len() + 1, 0));
        let all = rig.read_many("/", &names).unwrap();
        for (at, got) in all.iter().enumerate() {
            assert_eq!(*got, Got::value(&at.to_string()));
        }
    }
}

#[test]
fn a_name_for_the_list_alone_whose_value_holds_a_reference_is_not_served_with_it() {
    let name = "N".repeat(101);
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.secret("/gone", "X", "x")
            .secret("/", &name, "${dev.gone.X}")
    });
    rig.sim.delete_folder("/gone");
    let error = rig.fetch("/", &name).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(
        error.help.contains("expand_references: false"),
        "{}",
        error.help
    );
}
