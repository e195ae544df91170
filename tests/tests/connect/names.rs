//! Vault and item by id or name (contract onepassword.md §2.3, §4.3, §4.4).

use super::rig::{Rig, bytes, spelled};
use secretfs_providers::{Answer, ErrorKind, ProviderError};
use secretfs_tests::connect::{Connect, Field, Item, Route};
use secretfs_tests::http_sim::Tls;

/// Looks like an id, and is a name.
const LIKE: &str = "wepiqdxdzncjtnvmv5fegud4qy";

fn item(title: &str, value: &str) -> Item {
    Item::new(title).field(Field::new("f").value(value))
}

fn told(error: &ProviderError) -> (ErrorKind, &str) {
    (error.kind, &error.message)
}

#[test]
fn a_vault_whose_name_looks_like_an_id_is_found_by_it() {
    let rig = Rig::new();
    let vault = rig.sim.vault(LIKE);
    rig.sim.item(&vault, item("db", "v"));
    assert_eq!(rig.read(&format!("op://{LIKE}/db/f")).unwrap(), "v");
    // Found out once: the id is remembered, and not tried as one again.
    rig.sim.forget_requests();
    assert_eq!(rig.read(&format!("op://{LIKE}/db/f")).unwrap(), "v");
    assert_eq!(rig.sim.total(), 1);
}

#[test]
fn an_item_whose_title_looks_like_an_id_is_found_by_it() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, item(LIKE, "v"));
    assert_eq!(rig.read(&format!("op://Prod/{LIKE}/f")).unwrap(), "v");
    rig.sim.forget_requests();
    assert_eq!(rig.read(&format!("op://Prod/{LIKE}/f")).unwrap(), "v");
    assert_eq!(rig.sim.total(), 1);
}

#[test]
fn an_id_wins_over_a_title_that_looks_like_it() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db", "by id"));
    rig.sim.item(&vault, item(&id, "by title"));
    assert_eq!(rig.read(&format!("op://Prod/{id}/f")).unwrap(), "by id");
}

#[test]
fn the_exact_name_wins_and_one_that_differs_in_case_will_do_alone() {
    let rig = Rig::new();
    let vault = rig.sim.vault("prod");
    rig.sim.vault("PROD");
    rig.sim.item(&vault, item("db", "small"));
    rig.sim.item(&vault, item("DB", "large"));
    rig.sim.item(&vault, item("Web", "web"));
    assert_eq!(rig.read("op://prod/db/f").unwrap(), "small");
    assert_eq!(rig.read("op://prod/DB/f").unwrap(), "large");
    assert_eq!(rig.read("op://prod/wEB/F").unwrap(), "web");
}

#[test]
fn two_vaults_of_one_name_are_ambiguous_and_their_ids_are_told() {
    let rig = Rig::new();
    let (a, b) = (rig.sim.vault("Prod"), rig.sim.vault("Prod"));
    let error = rig.fetch("op://Prod/db/f").unwrap_err();
    let message = format!("provider w: several vaults are named \"Prod\": `{a}`, `{b}`");
    assert_eq!(told(&error), (ErrorKind::Ambiguous, message.as_str()));
    let (c, d) = (rig.sim.vault("Other"), rig.sim.vault("OTHER"));
    let error = rig.fetch("op://other/db/f").unwrap_err();
    assert!(
        error.message.contains(&c) && error.message.contains(&d),
        "{error}"
    );
}

#[test]
fn two_items_of_one_title_are_ambiguous_and_their_ids_are_told() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let a = rig.sim.item(&vault, item("db", "secret one"));
    let b = rig.sim.item(&vault, item("db", "secret two"));
    let error = rig.fetch("op://Prod/db/f").unwrap_err();
    let message = format!("provider w: op://Prod/db/f: several items of that title: `{a}`, `{b}`");
    assert_eq!(told(&error), (ErrorKind::Ambiguous, message.as_str()));
    assert_eq!(rig.sim.count(Route::Item), 0);
    assert_eq!(rig.read(&format!("op://Prod/{b}/f")).unwrap(), "secret two");
}

#[test]
fn an_archived_item_is_none_by_title_and_says_so_by_id() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let old = rig.sim.item(&vault, item("db", "old").state("ARCHIVED"));
    rig.sim.item(&vault, item("db", "new"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "new");
    let error = rig.fetch(&format!("op://Prod/{old}/f")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert!(
        error.message.ends_with("the item is archived or deleted"),
        "{error}"
    );
}

#[test]
fn a_filter_that_lets_others_through_changes_nothing() {
    let rig = Rig::new();
    rig.sim.loose_filters();
    let vault = rig.sim.vault("Prod");
    rig.sim.vault("Production");
    rig.sim.item(&vault, item("db2", "no"));
    rig.sim.item(&vault, item("db", "v"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "v");
    let error = rig.fetch("op://Prod/d/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    let error = rig.fetch("op://Pro/db/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}

#[test]
fn names_that_no_reference_can_express_stay_inside_their_quotes() {
    let rig = Rig::new();
    for name in [
        "Prod DB (main)",
        "50% / router",
        "a\"b",
        "a\\",
        "x\" or name pr \"",
        "a+b&filter=x#?",
        "\u{e9}\u{1f511}",
    ] {
        let vault = rig.sim.vault(name);
        rig.sim
            .item(&vault, Item::new(name).field(Field::new(name).value(name)));
        let fetched = rig.fetch_as(&spelled(name, name, name)).unwrap();
        assert_eq!(bytes(&fetched), name.as_bytes());
    }
}

#[test]
fn a_vault_or_item_that_was_replaced_is_found_again() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db", "1"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "1");
    rig.sim.delete(&vault, &id);
    rig.sim.item(&vault, item("db", "2"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "2");
    rig.sim.delete_vault(&vault);
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, item("db", "3"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "3");
}

#[test]
fn an_item_or_vault_that_has_another_name_by_now_is_not_taken_for_the_one_that_is_meant() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db", "1"));
    let first = rig.fetch("op://Prod/db/f").unwrap();
    rig.sim.change(&vault, &id, |item| item.rename("db-old"));
    assert_eq!(
        rig.read("op://Prod/db/f").unwrap_err().kind,
        ErrorKind::Missing
    );
    rig.sim.item(&vault, item("db", "2"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "2");
    // A change of case alone is none.
    rig.sim.change(&vault, &id, |item| item.rename("DB-OLD"));
    assert_eq!(rig.read("op://Prod/db-old/f").unwrap(), "1");
    // The vault: seen when it is asked whether it has changed.
    rig.sim.rename_vault(&vault, "Old");
    let other = rig.sim.vault("Prod");
    rig.sim.item(&other, item("db", "3"));
    let second = rig.fetch("op://Old/db/f").unwrap();
    assert_eq!(bytes(&second), b"2");
    rig.pass(std::time::Duration::from_secs(300));
    let Answer::Value(third) = rig.again("op://Prod/db/f", &second).unwrap() else {
        panic!("unchanged");
    };
    assert_eq!(bytes(&third), b"3");
    assert_ne!(first.validator, third.validator);
}

#[test]
fn what_is_not_there_is_told_by_what_is_missing() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let id = rig.sim.item(&vault, item("db", "v"));
    for (reference, kind, end) in [
        (
            "op://Nope/db/f".to_owned(),
            ErrorKind::Missing,
            "there is no such vault, or the token has no access to it",
        ),
        (
            "op://Prod/nope/f".to_owned(),
            ErrorKind::Missing,
            "there is no such item in the vault",
        ),
        (
            format!("op://{vault}/{LIKE}/f"),
            ErrorKind::Missing,
            "there is no such item in the vault",
        ),
        (
            format!("op://{LIKE}/{id}/f"),
            ErrorKind::Denied,
            "the token may not read the vault, or there is none of this id",
        ),
        (
            "op://Prod/db/nope".to_owned(),
            ErrorKind::Missing,
            "the item has no such field or file there",
        ),
        (
            "op://Prod/db/nope/f".to_owned(),
            ErrorKind::Missing,
            "the item has no such section",
        ),
    ] {
        let error = rig.fetch(&reference).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(error.message, format!("provider w: {reference}: {end}"));
        assert!(!error.help.is_empty());
    }
}

#[test]
fn a_vault_that_the_token_may_not_read_is_none_by_name_and_denied_by_id() {
    let rig = Rig::new();
    let (open, closed) = (rig.sim.vault("Open"), rig.sim.vault("Closed"));
    let id = rig.sim.item(&closed, item("db", "v"));
    rig.sim.allow(&[&open]);
    let error = rig.fetch("op://Closed/db/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    let error = rig.fetch(&format!("op://{closed}/{id}/f")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
}

#[test]
fn a_path_prefix_of_the_server_is_kept() {
    let sim = Connect::start(Tls::No);
    sim.prefix("/connect/one");
    let rig = Rig::with(sim, "/connect/one");
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, item("db", "v"));
    assert_eq!(rig.read("op://Prod/db/f").unwrap(), "v");
}
