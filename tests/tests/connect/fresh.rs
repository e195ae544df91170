//! Whether a value is still current: `contentVersion` of the vault, `version` of the item (contract
//! onepassword.md §1.6, §4.10).

use super::rig::{Rig, bytes};
use secretfs_providers::Answer;
use secretfs_tests::connect::{Field, Item, Route};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(300);

fn is_unchanged(answer: &Answer) -> bool {
    matches!(answer, Answer::Unchanged)
}

fn item(title: &str) -> Item {
    Item::new(title).field(Field::new("f").value("v"))
}

#[test]
fn a_ttl_check_of_an_unchanged_vault_is_one_request() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, item("db"));
    let first = rig.fetch("op://Prod/db/f").unwrap();
    for _ in 0..3 {
        rig.sim.forget_requests();
        rig.pass(TTL);
        assert!(is_unchanged(&rig.again("op://Prod/db/f", &first).unwrap()));
        assert_eq!((rig.sim.count(Route::Vault), rig.sim.total()), (1, 1));
    }
}

#[test]
fn the_only_item_that_is_known_by_id_is_checked_by_itself_in_one_request() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db"));
    let reference = format!("op://{vault}/{id}/f");
    let first = rig.fetch(&reference).unwrap();
    for _ in 0..2 {
        rig.sim.forget_requests();
        rig.pass(TTL);
        assert!(is_unchanged(&rig.again(&reference, &first).unwrap()));
        assert_eq!(rig.sim.total(), 1);
    }
}

#[test]
fn all_items_of_an_unchanged_vault_are_checked_by_one_request() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let mut known = Vec::new();
    for n in 0..5 {
        let id = rig.sim.item(&vault, item(&format!("i{n}")));
        let reference = format!("op://{vault}/{id}/f");
        let first = rig.fetch(&reference).unwrap();
        known.push((reference, first));
    }
    // By ids alone the state of the vault is not known yet: it is learnt with the first check.
    for round in 0..3 {
        rig.pass(TTL);
        rig.sim.forget_requests();
        for (reference, first) in &known {
            assert!(is_unchanged(&rig.again(reference, first).unwrap()));
        }
        assert_eq!(rig.sim.count(Route::Vault), 1);
        let items = rig.sim.count(Route::Item);
        assert_eq!(items, if round == 0 { 5 } else { 0 });
    }
}

#[test]
fn a_change_elsewhere_in_the_vault_costs_one_more_request_once() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, item("db"));
    let first = rig.fetch("op://Prod/db/f").unwrap();
    rig.sim.touch(&vault);
    for expected in [2, 1] {
        rig.sim.forget_requests();
        rig.pass(TTL);
        assert!(is_unchanged(&rig.again("op://Prod/db/f", &first).unwrap()));
        assert_eq!(rig.sim.total(), expected);
    }
}

#[test]
fn a_changed_item_is_read_anew() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db"));
    let first = rig.fetch("op://Prod/db/f").unwrap();
    rig.sim.change(&vault, &id, |item| item.set("f", "rotated"));
    rig.pass(TTL);
    let Answer::Value(second) = rig.again("op://Prod/db/f", &first).unwrap() else {
        panic!("unchanged");
    };
    assert_eq!(bytes(&second), b"rotated");
    assert_ne!(first.validator, second.validator);
    // And from then on it is the new one that is checked.
    rig.pass(TTL);
    assert!(is_unchanged(&rig.again("op://Prod/db/f", &second).unwrap()));
    assert!(!is_unchanged(&rig.again("op://Prod/db/f", &first).unwrap()));
}

#[test]
fn an_item_that_was_deleted_and_made_again_is_another_one() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db"));
    let first = rig.fetch("op://Prod/db/f").unwrap();
    rig.sim.delete(&vault, &id);
    rig.sim.item(
        &vault,
        Item::new("db").field(Field::new("f").value("other")),
    );
    rig.pass(TTL);
    // Version 1 again, and not the same value.
    let Answer::Value(second) = rig.again("op://Prod/db/f", &first).unwrap() else {
        panic!("unchanged");
    };
    assert_eq!(bytes(&second), b"other");
}

#[test]
fn a_change_between_the_check_of_the_vault_and_the_next_is_never_missed() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db"));
    let mut held = rig.fetch("op://Prod/db/f").unwrap();
    for n in 0..20 {
        let expected = format!("v{n}");
        rig.sim.change(&vault, &id, |item| item.set("f", &expected));
        // Read at once as well, so that item and vault are seen in every order.
        if n % 2 == 0 {
            held = rig.fetch("op://Prod/db/f").unwrap();
        }
        rig.pass(TTL);
        match rig.again("op://Prod/db/f", &held).unwrap() {
            Answer::Value(fetched) => held = fetched,
            Answer::Unchanged => {}
            Answer::Alone => panic!("apart"),
        }
        assert_eq!(bytes(&held), expected.as_bytes());
    }
}

#[test]
fn a_vault_that_is_gone_is_said_by_its_item() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, item("db"));
    let first = rig.fetch("op://Prod/db/f").unwrap();
    rig.sim.delete_vault(&vault);
    rig.pass(TTL);
    let error = rig.again("op://Prod/db/f", &first).unwrap_err();
    assert_eq!(error.kind, secretfs_providers::ErrorKind::Missing);
}

#[test]
fn a_file_of_an_unchanged_item_is_not_fetched_again() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, Item::new("db").file("a", b"one"));
    let first = rig.fetch("op://Prod/db/a").unwrap();
    rig.sim.touch(&vault);
    rig.pass(TTL);
    assert!(is_unchanged(&rig.again("op://Prod/db/a", &first).unwrap()));
    assert_eq!(rig.sim.count(Route::Content), 1);
    rig.sim
        .change(&vault, &id, |item| item.set_file("a", b"another"));
    rig.pass(TTL);
    let Answer::Value(second) = rig.again("op://Prod/db/a", &first).unwrap() else {
        panic!("unchanged");
    };
    assert_eq!(bytes(&second), b"another");
}
