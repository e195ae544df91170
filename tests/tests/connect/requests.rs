//! How many requests reading takes (contract onepassword.md §1.6, §4.11).

use super::rig::{Rig, bytes, wanted};
use secretfs_providers::{Answer, Provider};
use secretfs_tests::connect::{Field, Item, Route};

fn value(answer: &Answer) -> Vec<u8> {
    match answer {
        Answer::Value(fetched) => bytes(fetched),
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_ids_known_an_item_is_one_request() {
    let rig = Rig::over_tls();
    let vault = rig.sim.vault("Prod");
    let item = rig.sim.item(
        &vault,
        Item::new("db").field(Field::new("password").value("s3cret")),
    );
    let reference = format!("op://{vault}/{item}/password");
    assert_eq!(rig.read(&reference).unwrap(), "s3cret");
    let seen = rig.sim.requests();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!(seen[0].path, format!("/v1/vaults/{vault}/items/{item}"));
    assert!(seen[0].query.is_empty());
}

#[test]
fn names_are_resolved_once_and_then_it_is_one_request_too() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod DB");
    rig.sim.item(
        &vault,
        Item::new("db").field(Field::new("password").value("1")),
    );
    rig.sim.item(
        &vault,
        Item::new("web").field(Field::new("password").value("2")),
    );
    assert_eq!(rig.read("op://Prod DB/db/password").unwrap(), "1");
    let routes: Vec<_> = rig.sim.requests().iter().map(|seen| seen.route).collect();
    assert_eq!(routes, [Route::Vaults, Route::Items, Route::Item]);
    rig.sim.forget_requests();
    assert_eq!(rig.read("op://Prod DB/db/password").unwrap(), "1");
    assert_eq!(rig.sim.total(), 1);
    // The vault is known for its other items.
    rig.sim.forget_requests();
    assert_eq!(rig.read("op://Prod DB/web/password").unwrap(), "2");
    assert_eq!(rig.sim.total(), 2);
}

#[test]
fn twenty_files_of_one_item_are_one_request() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let mut item = Item::new("db");
    for n in 0..20 {
        item = item.field(Field::new(&format!("f{n}")).value(&format!("v{n}")));
    }
    let item = rig
        .sim
        .item(&vault, item.field(Field::new("unmapped").value("no")));
    let references: Vec<_> = (0..20)
        .map(|n| format!("op://{vault}/{item}/f{n}"))
        .collect();
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    let answers = rig.many(&references).unwrap();
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(value(answer.as_ref().unwrap()), format!("v{n}").as_bytes());
    }
    assert_eq!((rig.sim.count(Route::Item), rig.sim.total()), (1, 1));
}

#[test]
fn what_is_wrong_with_one_field_is_that_fields_alone() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let item = rig
        .sim
        .item(&vault, Item::new("db").field(Field::new("a").value("1")));
    let there = format!("op://{vault}/{item}/a");
    let missing = format!("op://{vault}/{item}/b");
    let answers = rig.many(&[&missing, &there]).unwrap();
    assert!(answers[0].is_err());
    assert_eq!(value(answers[1].as_ref().unwrap()), b"1");
    assert_eq!(rig.sim.total(), 1);
}

#[test]
fn a_vault_that_many_look_for_at_once_is_asked_for_once() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    for n in 0..5 {
        rig.sim.item(
            &vault,
            Item::new(&format!("i{n}")).field(Field::new("f").value("v")),
        );
    }
    let cx = rig.context();
    let all = [0, 1, 2, 3, 4].map(|n| wanted(&format!("op://Prod/i{n}/f")));
    let [a, b, c, d, e] = all.each_ref().map(|one| rig.client.fetch(one, &cx));
    let (a, b, c, d, e) = rig.run(async { tokio::join!(a, b, c, d, e) });
    for got in [a, b, c, d, e] {
        assert_eq!(value(&got.unwrap()), b"v");
    }
    assert_eq!(rig.sim.count(Route::Vaults), 1);
    assert_eq!(rig.sim.count(Route::Item), 5);
}

#[test]
fn a_file_takes_its_item_and_its_content() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let item = rig
        .sim
        .item(&vault, Item::new("db").file("key.pem", b"bytes"));
    let reference = format!("op://{vault}/{item}/key.pem");
    assert_eq!(rig.bytes(&reference).unwrap(), b"bytes");
    assert_eq!(
        (rig.sim.count(Route::Item), rig.sim.count(Route::Content)),
        (1, 1)
    );
    assert_eq!(rig.sim.total(), 2);
}

#[test]
fn files_that_nobody_opened_are_not_fetched_with_their_item() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let item = Item::new("db")
        .field(Field::new("f").value("v"))
        .file("a", b"a")
        .file("b", b"b");
    let item = rig.sim.item(&vault, item);
    let of = |field: &str| format!("op://{vault}/{item}/{field}");
    let answers = rig.many(&[&of("f"), &of("a"), &of("b")]).unwrap();
    assert_eq!(value(answers[0].as_ref().unwrap()), b"v");
    assert!(matches!(answers[1], Ok(Answer::Alone)) && matches!(answers[2], Ok(Answer::Alone)));
    assert_eq!(rig.sim.count(Route::Content), 0);
    // The first one is what somebody opened.
    let answers = rig.many(&[&of("a"), &of("f"), &of("b")]).unwrap();
    assert_eq!(value(answers[0].as_ref().unwrap()), b"a");
    assert_eq!(value(answers[1].as_ref().unwrap()), b"v");
    assert_eq!(rig.sim.count(Route::Content), 1);
}

#[test]
fn a_check_reads_no_file() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let item = rig
        .sim
        .item(&vault, Item::new("db").file("large", &[7; 5000]));
    rig.check(&format!("op://{vault}/{item}/large")).unwrap();
    assert_eq!(rig.sim.count(Route::Content), 0);
}

#[test]
fn a_check_of_a_value_beyond_all_memory_says_that_it_is_there() {
    let mut rig = Rig::new();
    rig.pool = secretfs_memory::sealed::SealedPool::new(64 << 10, true).unwrap();
    rig.give(secretfs_tests::connect::TOKEN);
    let vault = rig.sim.vault("Prod");
    let item = Item::new("db").field(Field::new("f").value(&"x".repeat(200_000)));
    let item = rig.sim.item(&vault, item);
    rig.check(&format!("op://{vault}/{item}/f")).unwrap();
    assert!(rig.fetch(&format!("op://{vault}/{item}/f")).is_err());
}

#[test]
fn connections_are_kept_for_the_requests_that_belong_together() {
    let rig = Rig::over_tls();
    let vault = rig.sim.vault("Prod");
    rig.sim.item(&vault, Item::new("db").file("a", b"a"));
    rig.bytes("op://Prod/db/a").unwrap();
    assert_eq!((rig.sim.total(), rig.sim.connections()), (4, 1));
}
