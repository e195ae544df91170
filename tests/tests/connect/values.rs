//! Exact values, one-time passwords, SSH keys.

use super::rig::{Rig, bytes, wanted};
use secretfs_providers::{ErrorKind, Wanted};
use secretfs_tests::connect::{Field, Item};
use std::time::Duration;

fn of(rig: &Rig, item: Item) -> String {
    let vault = rig.sim.vault("Prod");
    let item = rig.sim.item(&vault, item);
    format!("op://{vault}/{item}")
}

#[test]
fn a_value_has_its_exact_bytes() {
    let rig = Rig::over_tls();
    for exact in [
        "h\u{e9}llo\r\n\0 \"\\ \u{1f511}\n\n",
        "\u{1}\u{2}\u{8}\u{e}\u{1f}\u{7f}",
        "line1\r\nline2\r\n",
        "  \t x \t  ",
        "\n",
        "{\"id\":\"x\",\"value\":\"y\"}",
    ] {
        let base = of(&rig, Item::new("i").field(Field::new("f").value(exact)));
        assert_eq!(rig.read(&format!("{base}/f")).unwrap(), exact);
    }
}

#[test]
fn a_field_without_a_value_is_empty() {
    let rig = Rig::new();
    let base = of(&rig, Item::new("i").field(Field::new("notesPlain")));
    assert_eq!(rig.read(&format!("{base}/notesPlain")).unwrap(), "");
}

#[test]
fn a_section_is_named_by_label_or_id() {
    let rig = Rig::new();
    let item = Item::new("i")
        .section("add more", None)
        .section("Section_47DC", Some("database"))
        .field(Field::new("token").id("1").value("top").section("add more"))
        .field(
            Field::new("token")
                .id("2")
                .value("in")
                .section("Section_47DC"),
        );
    let base = of(&rig, item);
    for (path, expected) in [
        ("token", "top"),
        ("database/token", "in"),
        ("Section_47DC/token", "in"),
        ("DATABASE/Token", "in"),
        ("database/2", "in"),
        ("2", "in"),
    ] {
        assert_eq!(
            rig.read(&format!("{base}/{path}")).unwrap(),
            expected,
            "{path}"
        );
    }
}

#[test]
fn a_value_beyond_max_size_is_too_large_and_leaves_nothing() {
    let rig = Rig::new();
    let base = of(
        &rig,
        Item::new("i").field(Field::new("f").value(&"x".repeat(5000))),
    );
    let used = rig.pool.used();
    let small = Wanted {
        max_size: 4999,
        ..wanted(&format!("{base}/f"))
    };
    let error = rig.fetch_as(&small).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert_eq!(rig.pool.used(), used);
    let enough = Wanted {
        max_size: 5000,
        ..small
    };
    assert_eq!(bytes(&rig.fetch_as(&enough).unwrap()).len(), 5000);
}

#[test]
fn a_one_time_password_is_fetched_fresh_and_kept_for_the_rest_of_its_period() {
    let rig = Rig::new();
    let item = Item::new("i")
        .field(Field::otp("code", 30))
        .field(Field::otp("slow", 60));
    let base = of(&rig, item);
    for (reference, period) in [
        (format!("{base}/code?attribute=otp"), 30),
        (format!("{base}/code?attribute=totp"), 30),
        (format!("{base}/slow?attr=otp"), 60),
    ] {
        let fetched = rig.fetch(&reference).unwrap();
        assert_eq!(bytes(&fetched).len(), 6);
        let max_age = fetched.max_age.unwrap();
        assert!(max_age <= Duration::from_secs(period), "{max_age:?}");
        assert!(fetched.validator.is_none());
    }
    // At 1,800,000,010 s ten seconds of a period of 30 s are over.
    let fetched = rig.fetch(&format!("{base}/code?attribute=otp")).unwrap();
    assert_eq!(fetched.max_age, Some(Duration::from_secs(20)));
    // Every time it is asked for.
    let before = rig.sim.total();
    rig.fetch(&format!("{base}/code?attribute=otp")).unwrap();
    assert_eq!(rig.sim.total(), before + 1);
}

#[test]
fn a_one_time_password_of_an_old_server_is_no_empty_file() {
    let rig = Rig::new();
    rig.sim.old();
    let base = of(&rig, Item::new("i").field(Field::otp("code", 30)));
    let error = rig
        .fetch(&format!("{base}/code?attribute=otp"))
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.help.contains("1.4.0"), "{error:?}");
}

#[test]
fn an_ssh_key_comes_as_openssh_takes_it_and_the_same_each_time() {
    let rig = Rig::new();
    let output = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "ED25519"])
        .output()
        .expect("openssl");
    let stored = String::from_utf8(output.stdout).expect("PEM");
    let item = Item::new("key").field(Field::new("private key").id("private_key").value(&stored));
    let base = of(&rig, item);
    let reference = format!("{base}/private key?ssh-format=openssh");
    let key = rig.read(&reference).unwrap();
    assert!(key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert_eq!(rig.read(&reference).unwrap(), key);
    // Without the query it is what is stored.
    assert_eq!(rig.read(&format!("{base}/private key")).unwrap(), stored);
}

#[test]
fn a_field_of_another_type_never_comes_in_the_format_that_was_asked_for() {
    let rig = Rig::new();
    let base = of(&rig, Item::new("i").field(Field::new("f").value("hunter2")));
    for query in ["attribute=otp", "ssh-format=openssh"] {
        let error = rig.fetch(&format!("{base}/f?{query}")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    // The server is well.
    assert_eq!(
        secretfs_providers::Provider::health(&rig.client),
        secretfs_providers::Health::Good
    );
}
