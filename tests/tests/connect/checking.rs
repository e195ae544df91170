//! What `check --online` finds out: there, missing and what there is instead, forbidden, ambiguous.

use super::rig::Rig;
use secretfs_providers::ErrorKind;
use secretfs_tests::connect::{Field, Item, Route};

fn item(title: &str, fields: &[&str]) -> Item {
    let fields = fields
        .iter()
        .map(|label| Field::new(label).value("hunter2"));
    fields.fold(Item::new(title), Item::field)
}

fn helps(rig: &Rig, rows: &[(&str, &str)]) {
    for (reference, help) in rows {
        let error = rig.check(reference).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Missing, "{reference}: {error}");
        assert_eq!(error.help, *help, "{reference}");
        let told = format!("{error}{}", error.help);
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn all_entries_of_an_item_are_checked_with_one_request_for_it_and_no_value_stays() {
    let rig = Rig::over_tls();
    let vault = rig.sim.vault("Prod");
    let labels: Vec<_> = (0..20).map(|n| format!("f{n}")).collect();
    let labels: Vec<_> = labels.iter().map(String::as_str).collect();
    rig.sim
        .item(&vault, item("db", &labels).file("key", b"hunter2"));
    rig.sim.item(&vault, item("web", &["f0"]));
    let mut references: Vec<_> = labels.iter().map(|l| format!("op://Prod/db/{l}")).collect();
    references.extend(["op://Prod/web/f0", "op://Prod/db/key"].map(str::to_owned));
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    let used = rig.pool.used();
    let answers = rig.check_many(&references);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let counts = [Route::Vaults, Route::Items, Route::Item].map(|route| rig.sim.count(route));
    // The vault's name, and for each of the two items its title and itself.
    assert_eq!((counts, rig.sim.total()), ([1, 2, 2], 5));
    assert_eq!(rig.pool.used(), used);
}

#[test]
fn a_missing_field_is_told_with_the_nearest_of_its_item_or_with_all_of_them() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let db = item("db", &["username", "password"])
        .section("s1", Some("login"))
        .section("s2", Some("mail"))
        .section("add more", None)
        .field(Field::new("api-key").section("s1").value("hunter2"))
        .field(Field::new("extra").section("add more").value("hunter2"))
        .file("ca.pem", b"hunter2");
    rig.sim.item(&vault, db);
    rig.sim.item(&vault, Item::new("empty"));
    let all = "the item has `username`, `password`, `login/api-key`, `extra`, `ca.pem`";
    helps(
        &rig,
        &[
            ("op://Prod/db/pasword", "did you mean `password`?"),
            ("op://Prod/db/apikey", "did you mean `login/api-key`?"),
            ("op://Prod/db/CA.pen", "did you mean `ca.pem`?"),
            ("op://Prod/db/nothing-like-it", all),
            (
                "op://Prod/db/logn/api-key",
                "did you mean the section `login`?",
            ),
            (
                "op://Prod/db/whatever/api-key",
                "the item has the sections `login`, `mail`",
            ),
            (
                "op://Prod/db/mail/api-key",
                "`api-key` is in the section `login`",
            ),
            (
                "op://Prod/db/login/password",
                "`password` is in no section: leave the section out",
            ),
            ("op://Prod/empty/f", "the item has no fields and no files"),
            (
                "op://Prod/empty/s/f",
                "the item has no sections: leave the section out",
            ),
        ],
    );
    // What is wrong with one says nothing of the others.
    rig.sim.forget_requests();
    let answers = rig.check_many(&["op://Prod/db/pasword", "op://Prod/db/password"]);
    assert!(answers[0].is_err() && answers[1].is_ok(), "{answers:?}");
    assert_eq!(rig.sim.total(), 1);
}

#[test]
fn a_missing_item_is_told_with_the_nearest_of_its_vault_and_the_vault_is_listed_once() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    rig.sim.vault("Bare");
    rig.sim.item(&vault, item("database", &["f"]));
    rig.sim.item(&vault, item("web", &["f"]));
    rig.sim.item(&vault, item("gone", &["f"]).state("ARCHIVED"));
    let by_id = format!("op://{vault}/databse/f");
    helps(
        &rig,
        &[
            ("op://Prod/databse/f", "did you mean `database`?"),
            (&by_id, "did you mean `database`?"),
            (
                "op://Prod/nothing-like-it/f",
                "the vault has `database`, `web`",
            ),
            ("op://Bare/db/f", "the vault is empty"),
        ],
    );
    rig.sim.forget_requests();
    let rig = Rig::with(rig.sim, "");
    let missing = [
        "op://Prod/a1/f",
        "op://Prod/a2/f",
        "op://Prod/a3/f",
        "op://Prod/a4/f",
    ];
    assert!(rig.check_many(&missing).iter().all(Result::is_err));
    let lists = rig.sim.requests();
    let lists = lists.iter().filter(|seen| seen.query.is_empty());
    assert_eq!(lists.count(), 1);
}

#[test]
fn a_missing_vault_is_told_with_those_that_the_token_may_read() {
    let rig = Rig::new();
    let (prod, closed) = (rig.sim.vault("Production"), rig.sim.vault("Closed"));
    let other = rig.sim.vault("Other");
    rig.sim.allow(&[&prod, &other]);
    helps(
        &rig,
        &[
            ("op://Prodution/db/f", "did you mean `Production`?"),
            (
                "op://Closed/db/f",
                "the token may read `Production`, `Other`",
            ),
        ],
    );
    let error = rig.check(&format!("op://{closed}/db/f")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.help, "the token may read `Production`, `Other`");
    rig.sim.allow(&[]);
    let rig = Rig::with(rig.sim, "");
    let none = "the token may read no vault; Connect serves no private ones";
    helps(&rig, &[("op://Prod/db/f", none)]);
}

#[test]
fn what_could_mean_several_is_told_with_their_ids() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let twice = ["twice", "twice"].map(|title| rig.sim.item(&vault, item(title, &["f"])));
    let fields = Item::new("db")
        .field(Field::new("f").id("one").value("hunter2"))
        .field(Field::new("f").id("two").value("hunter2"));
    rig.sim.item(&vault, fields);
    for (reference, ids) in [
        ("op://Prod/twice/f", [twice[0].as_str(), &twice[1]]),
        ("op://Prod/db/f", ["one", "two"]),
    ] {
        let error = rig.check(reference).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous);
        assert!(ids.iter().all(|id| error.message.contains(id)), "{error}");
    }
}

#[test]
fn a_vault_of_many_items_is_told_by_its_first_names() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    for n in 0..2_100 {
        rig.sim
            .item(&vault, Item::new(&format!("item number {n:04}")));
    }
    let error = rig.check("op://Prod/x/f").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    assert!(error.help.ends_with(", …, and more"), "{}", error.help);
    assert!(error.help.len() < 1_000, "{}", error.help);
}
