//! `secretfs init onepassword`: from a vault to a map that mounts.

use super::Mount;
use secretfs_tests::connect::{Field, Item, Route};
use secretfs_tests::fixture::{MARKER, told};
use secretfs_tests::http_sim::{Outage, Tls};
use std::process::Output;

fn init(mount: &Mount, args: &[&str]) -> Output {
    let mut command = mount.secretfs(["init", "onepassword", "--output"]);
    command.arg(mount.map()).args(args);
    if let Some(ca) = mount.sim.ca_file() {
        command.arg("--connect-ca-file").arg(ca);
    }
    command.output().expect("init")
}

fn field(label: &str) -> Field {
    Field::new(label).value(&format!("{MARKER} {label}"))
}

#[test]
fn a_vault_becomes_a_map_of_its_fields_and_files_that_mounts_at_once() {
    let mount = Mount::new(Tls::Yes);
    let db = Item::new("Prod DB (main)")
        .section("s", Some("login"))
        .field(field("username"))
        .field(field("pass/word").section("s"))
        .field(Field::new("notesPlain"))
        .field(Field::otp("code", 30))
        .file("ca.pem", MARKER.as_bytes());
    mount.sim.item(&mount.vault, db);
    // Told apart by their ids.
    let twice = Item::new("twice")
        .field(field("key").id("one"))
        .field(field("key").id("two"));
    mount.sim.item(&mount.vault, twice);
    let same = ["same", "SAME"].map(|title| {
        mount
            .sim
            .item(&mount.vault, Item::new(title).field(field("f")))
    });
    mount.sim.item(
        &mount.vault,
        Item::new("old").field(field("f")).state("ARCHIVED"),
    );
    let output = init(&mount, &["--vault", "Prod"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(
        told(&output).contains("8 entries; edit it, then `secretfs mount`"),
        "{}",
        told(&output)
    );
    assert_eq!(mount.sim.count(Route::Content), 0, "no file is read");
    // The vault's name, its items, and each of the four that are not archived.
    assert_eq!(mount.sim.total(), 6);
    let map = std::fs::read_to_string(mount.map()).expect("the map");
    assert!(
        !map.contains(MARKER) && map.contains(&same[0]) && map.contains(&same[1]),
        "{map}"
    );
    mount.mount();
    let mut probe = mount.probe();
    for (file, value) in [
        ("Prod-DB-main/username", format!("{MARKER} username")),
        ("Prod-DB-main/pass-word", format!("{MARKER} pass/word")),
        ("Prod-DB-main/ca.pem", MARKER.to_owned()),
        ("twice/key", format!("{MARKER} key")),
        ("twice/key-2", format!("{MARKER} key")),
        ("same/f", format!("{MARKER} f")),
        ("SAME/f-2", format!("{MARKER} f")),
    ] {
        assert_eq!(
            probe.slurp(mount.file(file)),
            Ok(value.into_bytes()),
            "{file}: {map}"
        );
    }
    assert_eq!(
        probe
            .slurp(mount.file("Prod-DB-main/code"))
            .map(|code| code.len()),
        Ok(6)
    );
    drop(probe);
}

#[test]
fn what_goes_wrong_is_told_as_check_does_and_nothing_is_written() {
    let mount = Mount::new(Tls::No);
    mount.sim.vault("Bare");
    let expect = |mount: &Mount, args: &[&str], status: i32, text: &str| {
        let output = init(mount, args);
        assert_eq!(output.status.code(), Some(status), "{}", told(&output));
        assert!(
            told(&output).contains(text),
            "{text:?} is not in {}",
            told(&output)
        );
        assert!(!mount.map().exists());
    };
    expect(
        &mount,
        &["--vault", "Prdo"],
        1,
        "help: did you mean `Prod`?",
    );
    expect(
        &mount,
        &["--vault", "Bare"],
        1,
        "there is nothing in the vault \"Bare\"",
    );
    expect(
        &mount,
        &["--vault", "Bare", "--connect-host", "ftp://x"],
        3,
        "connect_host",
    );
    mount.sim.set_token("another");
    expect(&mount, &["--vault", "Prod"], 4, "refuses");
    mount.sim.outage(Some(Outage::Refuse));
    expect(&mount, &["--vault", "Prod"], 5, "provider onepassword");
    mount.sim.outage(None);
}

#[test]
fn a_map_that_is_there_is_replaced_only_by_force() {
    let mount = Mount::new(Tls::No);
    mount
        .sim
        .item(&mount.vault, Item::new("db").field(field("f")));
    mount.write_map("mine");
    let output = init(&mount, &["--vault", "Prod"]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert_eq!(std::fs::read(mount.map()).expect("the map"), b"mine");
    assert_eq!(mount.sim.total(), 0);
    let output = init(&mount, &["--vault", &mount.vault, "--force"]);
    assert!(output.status.success(), "{}", told(&output));
    mount.mount();
    assert_eq!(mount.read("db/f"), Ok(format!("{MARKER} f").into_bytes()));
}
