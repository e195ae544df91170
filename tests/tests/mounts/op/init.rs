//! `secretfs init onepassword` through `op`.

use super::{Mount, VAULT, text};
use secretfs_tests::fixture::{told, value};
use secretfs_tests::op::{Act, Item, Vault};
use serde_json::json;
use std::process::Output;

fn init(mount: &Mount, args: &[&str]) -> Output {
    let mut command = mount.secretfs(["init", "onepassword", "--output"]);
    command.arg(mount.map()).args(args);
    command.output().expect("init")
}

#[test]
fn a_vault_becomes_a_map_of_its_fields_and_files_that_mounts_at_once() {
    let mount = Mount::new();
    let secret = |name: &str| text(&value(name, 64));
    mount
        .add(
            Item::new(1, "Prod DB (main)")
                .field("username", &secret("user"))
                .field("pass/word", &secret("pass"))
                .raw(&json!({"id": "notesPlain", "type": "STRING", "label": "notesPlain"}))
                .file("ca.pem", &value("pem", 64)),
        )
        .item(2, "same")
        .item(3, "SAME");
    let output = init(&mount, &["--vault", "prod"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(
        told(&output).contains("5 entries; edit it, then `secretfs mount`"),
        "{}",
        told(&output)
    );
    let id = |n: usize| format!("i{n:0>25}");
    let get = |n| format!("item get --format=json --vault={VAULT} {}", id(n));
    assert_eq!(
        mount.op.args(),
        [
            "item list --format=json --vault=prod".to_owned(),
            get(1),
            get(2),
            get(3)
        ]
    );
    let map = std::fs::read_to_string(mount.map()).expect("the map");
    assert!(map.contains("backend: op") && map.contains(&id(2)), "{map}");
    mount.mount();
    for (file, of) in [
        ("Prod-DB-main/username", "user"),
        ("Prod-DB-main/pass-word", "pass"),
        ("Prod-DB-main/ca.pem", "pem"),
        ("same/f", "same"),
        ("SAME/f-2", "SAME"),
    ] {
        assert_eq!(mount.read(file), Ok(value(of, 64)), "{file}: {map}");
    }
}

#[test]
fn an_account_that_is_named_is_used_and_stands_in_the_map() {
    let mut mount = Mount::new();
    mount.item(1, "db");
    mount.change(|account| account.account = Some("my.1password.com".to_owned()));
    // A server in the environment is not what was asked for.
    let server = (
        "OP_CONNECT_HOST".to_owned(),
        "http://127.0.0.1:9".to_owned(),
    );
    mount.fixture.environment.push(server);
    let output = init(
        &mount,
        &["--vault", "Prod", "--account", "my.1password.com"],
    );
    assert!(
        output.status.success(),
        "{} {:?}",
        told(&output),
        mount.op.args()
    );
    mount.mount();
    assert_eq!(mount.read("db/f"), Ok(value("db", 64)));
}

#[test]
fn what_was_found_until_requests_were_limited_is_a_map_that_says_so() {
    let mount = Mount::new();
    mount.item(1, "db").item(2, "gone").item(3, "third");
    mount.next(&[
        Act::Answer,
        Act::Answer,
        Act::Fail("\"gone\" isn't an item in the \"Prod\" vault.".to_owned()),
        Act::Fail("(401) Unauthorized: the session has expired".to_owned()),
    ]);
    let output = init(&mount, &["--vault", "Prod"]);
    assert!(output.status.success(), "{}", told(&output));
    for said in ["1 entry", "the map is not of all of the vault"] {
        assert!(told(&output).contains(said), "{said}: {}", told(&output));
    }
}

#[test]
fn what_goes_wrong_is_told_and_nothing_is_written() {
    let mount = Mount::new();
    mount.change(|account| {
        account.vaults.push(Vault {
            id: "v0000000000000000000000001".to_owned(),
            name: "Bare".to_owned(),
            items: Vec::new(),
        });
    });
    mount.item(1, "db");
    let expect = |acts: &[Act], vault: &str, status: i32, text: &str| {
        mount.next(acts);
        let output = init(&mount, &["--vault", vault]);
        assert_eq!(output.status.code(), Some(status), "{}", told(&output));
        let told = told(&output);
        assert!(told.contains(text) && told.contains("help: "), "{told}");
        assert!(!mount.map().exists());
    };
    expect(
        &[],
        "Prdo",
        1,
        "there is no vault \"Prdo\", or it may not be read",
    );
    expect(&[], "Bare", 1, "there is nothing in the vault \"Bare\"");
    let signed_out = Act::Fail("You are not currently signed in.".to_owned());
    expect(&[signed_out], "Prod", 4, "nobody is signed in");
    let lies = |text: &str| Act::Print(secretfs_tests::script::to_hex(text.as_bytes()));
    expect(&[lies("{}")], "Prod", 1, "it is no list");
    let elsewhere = format!(
        r#"[{{"id":"i{:0>25}","title":"x","vault":{{"id":"{VAULT}"}}}},{{"id":"i{:0>25}","title":"y"}}]"#,
        1, 2
    );
    expect(&[lies(&elsewhere)], "Prod", 1, "it is no list of one vault");
    // Another item than was asked for.
    let other =
        r#"{"id":"x0000000000000000000000000","title":"db","vault":{"id":"v"},"fields":[]}"#;
    expect(&[Act::Answer, lies(other)], "Prod", 1, "another item");
}
