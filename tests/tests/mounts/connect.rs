//! 1Password through a Connect server on a real mount: bytes, requests, failures, credentials.

mod check;
mod init;

use secretfs_tests::connect::{Connect, Field, Item, Route, TOKEN};
use secretfs_tests::fixture::{Fixture, told, value};
use secretfs_tests::http_sim::{Fault, Outage, Tls};
use secretfs_tests::script::{Outcome, Step, to_hex};
use std::ops::Deref;
use std::time::Duration;

/// A fixture in front of a Connect server with one vault, `Prod`.
struct Mount {
    // First, so that nothing asks a server that is gone.
    fixture: Fixture,
    sim: Connect,
    vault: String,
}

impl Mount {
    /// Nothing mounted yet.
    fn new(tls: Tls) -> Self {
        let sim = Connect::start(tls);
        let vault = sim.vault("Prod");
        let mut fixture = Fixture::new();
        fixture.environment.extend(sim.environment());
        Self {
            fixture,
            sim,
            vault,
        }
    }

    fn write(&self, config: &str, entries: &[String]) {
        let provider = self.sim.provider();
        let mut text = format!("config: {{{config}}}\nproviders:\n  w: {provider}\nsecrets:\n");
        for entry in entries {
            text.push_str(&format!("  - {entry}\n"));
        }
        self.fixture.write_map(&text);
    }

    /// Writes a map of these references, each as the file of its place in the list, and mounts it.
    fn mount_refs(&self, config: &str, references: &[String]) {
        let entry = |(at, reference)| format!("{{ref: \"{reference}\", file: f{at}}}");
        let entries: Vec<_> = references.iter().enumerate().map(entry).collect();
        self.write(config, &entries);
        self.fixture.mount();
    }

    /// An item with one field `f`.
    fn item(&self, title: &str, value: &[u8]) -> String {
        let value = std::str::from_utf8(value).expect("text");
        let item = Item::new(title).field(Field::new("f").value(value));
        self.sim.item(&self.vault, item)
    }
}

impl Deref for Mount {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

#[test]
fn values_and_files_have_their_exact_bytes() {
    let mount = Mount::new(Tls::Yes);
    let texts = [
        "\u{1}\u{2}\u{8}\u{e}\u{1f}\u{7f}",
        "trailing\n\n\n",
        "line1\r\nline2\r\n",
        "a\0b\0",
        "  \u{e9}\u{1f511} \"\\ \t ",
        "\n",
    ]
    .map(|exact| format!("{}{exact}", text(value("exact", 64))));
    let all: Vec<u8> = (0..=255).collect();
    let files = [
        &b"\xff\xfe\0\r\n\n"[..],
        b"\xc3\x28",
        &all,
        &[0xa5; 200_000],
    ];
    let mut item = Item::new("exact");
    for (at, exact) in texts.iter().enumerate() {
        item = item.field(Field::new(&format!("t{at}")).value(exact));
    }
    for (at, exact) in files.iter().enumerate() {
        item = item.file(&format!("file{at}"), exact);
    }
    mount.sim.item(&mount.vault, item);
    let fields = (0..texts.len()).map(|at| format!("op://Prod/exact/t{at}"));
    let names = (0..files.len()).map(|at| format!("op://Prod/exact/file{at}"));
    let references: Vec<_> = fields.chain(names).collect();
    mount.mount_refs("", &references);
    let mut probe = mount.probe();
    let expected = texts.iter().map(|t| t.as_bytes()).chain(files);
    for (at, exact) in expected.enumerate() {
        let file = mount.file(&format!("f{at}"));
        assert_eq!(probe.slurp(&file).as_deref(), Ok(exact), "{at}");
        assert_eq!(probe.stat(&file).size, exact.len() as u64);
    }
}

#[test]
fn looking_fetches_nothing_and_the_first_open_brings_the_whole_item() {
    let mount = Mount::new(Tls::Yes);
    let mut item = Item::new("db");
    for n in 0..20 {
        let value = text(value(&n.to_string(), 64));
        item = item.field(Field::new(&format!("n{n}")).value(&value));
    }
    let id = mount.sim.item(&mount.vault, item);
    let vault = &mount.vault;
    let references: Vec<_> = (0..20).map(|n| format!("op://{vault}/{id}/n{n}")).collect();
    mount.mount_refs("", &references);
    let mut probe = mount.probe();
    assert_eq!(probe.list(mount.mountpoint()).len(), 20);
    assert_eq!(probe.stat(mount.file("f0")).size, 0);
    assert_eq!(mount.sim.total(), 0);
    for n in 0..20 {
        let got = probe.slurp(mount.file(&format!("f{n}")));
        assert_eq!(got, Ok(value(&n.to_string(), 64)));
    }
    assert_eq!((mount.sim.count(Route::Item), mount.sim.total()), (1, 1));
}

#[test]
fn a_thousand_openers_of_one_cold_secret_are_one_request() {
    let mount = Mount::new(Tls::No);
    let id = mount.item("db", &value("v", 64));
    mount.mount_refs("", &[format!("op://{}/{id}/f", mount.vault)]);
    mount.sim.fault_next(Route::Item, 1, Fault::Hang);
    let mut probe = mount.probe();
    probe.begin(&Step::SlurpConcurrently {
        path: mount.file("f0").to_str().expect("UTF-8").to_owned(),
        threads: 1_000,
    });
    mount.sim.wait_held(Route::Item, 1);
    mount.sim.release(Route::Item);
    let expected = Outcome::Bytes(to_hex(&value("v", 64)));
    assert_eq!(probe.finish(), Outcome::Tally(vec![(expected, 1_000)]));
    assert_eq!(mount.sim.total(), 1);
}

#[test]
fn an_expired_value_of_an_unchanged_vault_costs_one_request_and_changes_nothing() {
    let mount = Mount::new(Tls::No);
    let id = mount.item("db", &value("one", 64));
    mount.mount_refs("ttl: 5m", &["op://Prod/db/f".to_owned()]);
    let mut probe = mount.probe();
    assert_eq!(probe.slurp(mount.file("f0")), Ok(value("one", 64)));
    let before = probe.stat(mount.file("f0"));
    for _ in 0..3 {
        mount.sim.forget_requests();
        mount.advance(Duration::from_secs(301));
        assert_eq!(probe.slurp(mount.file("f0")), Ok(value("one", 64)));
        assert_eq!((mount.sim.count(Route::Vault), mount.sim.total()), (1, 1));
        assert_eq!(probe.stat(mount.file("f0")), before);
    }
    let rotated = text(value("two", 80));
    mount
        .sim
        .change(&mount.vault, &id, |item| item.set("f", &rotated));
    mount.advance(Duration::from_secs(301));
    assert_eq!(probe.slurp(mount.file("f0")), Ok(value("two", 80)));
}

#[test]
fn a_one_time_password_is_served_for_its_period_and_no_longer() {
    let mount = Mount::new(Tls::No);
    mount
        .sim
        .item(&mount.vault, Item::new("mfa").field(Field::otp("code", 30)));
    mount.mount_refs("ttl: 5m", &["op://Prod/mfa/code?attribute=otp".to_owned()]);
    let first = mount.read("f0").expect("a code");
    assert_eq!(first.len(), 6);
    mount.sim.forget_requests();
    let wait = Duration::from_secs(31);
    mount.sim.advance(wait);
    mount.advance(wait);
    let second = mount.read("f0").expect("a code");
    assert_ne!(first, second);
    assert_eq!(mount.sim.total(), 1);
    // It never stands in for a code that cannot be had.
    mount.sim.advance(wait);
    mount.advance(wait);
    mount.sim.outage(Some(Outage::Refuse));
    assert_eq!(mount.read("f0"), Err(libc::EHOSTUNREACH));
}

#[test]
fn each_failure_has_its_errno_and_its_reason() {
    let mount = Mount::new(Tls::No);
    let id = mount.item("db", &value("v", 64));
    let empty = Item::new("empty").field(Field::new("f"));
    mount.sim.item(&mount.vault, empty);
    for _ in 0..2 {
        mount.item("twice", b"hunter2");
    }
    let unknown = &id;
    let rows = [
        (
            "op://Prod/db/nope".to_owned(),
            libc::ENOENT,
            "no such field or file",
        ),
        ("op://Prod/nope/f".to_owned(), libc::ENOENT, "no such item"),
        ("op://Nope/db/f".to_owned(), libc::ENOENT, "no such vault"),
        (
            format!("op://{unknown}/db/f"),
            libc::EACCES,
            "may not read the vault",
        ),
        ("op://Prod/twice/f".to_owned(), libc::EIO, "several items"),
        ("op://Prod/empty/f".to_owned(), libc::ENODATA, "empty"),
        (
            "op://Prod/db/f?attribute=otp".to_owned(),
            libc::EIO,
            "one-time passwords",
        ),
        (
            "op://Prod/db/f?ssh-format=openssh".to_owned(),
            libc::EIO,
            "no private key",
        ),
    ];
    let references: Vec<_> = rows
        .iter()
        .map(|(reference, ..)| reference.clone())
        .collect();
    mount.mount_refs("", &references);
    for (at, (reference, errno, reason)) in rows.iter().enumerate() {
        let file = format!("f{at}");
        assert_eq!(mount.read(&file), Err(*errno), "{reference}");
        let error = &mount.status_of(&file)["last_error"];
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(reason), "{reference}: {error}");
        assert!(!error["help"].as_str().expect("a help line").is_empty());
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn an_empty_field_is_a_file_of_no_bytes_where_the_map_allows_it() {
    let mount = Mount::new(Tls::No);
    let notes = Item::new("i").field(Field::new("notesPlain"));
    mount.sim.item(&mount.vault, notes);
    let entry = "{ref: op://Prod/i/notesPlain, file: f0, allow_empty: true}";
    mount.write("", &[entry.to_owned()]);
    mount.mount();
    assert_eq!(mount.read("f0"), Ok(Vec::new()));
}

#[test]
fn names_that_no_reference_can_express_are_spelled_out() {
    let mount = Mount::new(Tls::No);
    let vault = mount.sim.vault("Prod DB (main)");
    let item = Item::new("50% / router").section("s", Some("login")).field(
        Field::new("pass\"word")
            .section("s")
            .value(&text(value("v", 64))),
    );
    mount.sim.item(&vault, item);
    let entry = "{vault: Prod DB (main), item: \"50% / router\", section: login, \
                 field: 'pass\"word', file: router}";
    mount.write("", &[entry.to_owned()]);
    mount.mount();
    assert_eq!(mount.read("router"), Ok(value("v", 64)));
}

#[test]
fn a_stale_value_stands_in_while_the_server_is_away_and_it_recovers_by_itself() {
    let mount = Mount::new(Tls::Yes);
    mount.item("db", &value("v", 64));
    mount.mount_refs("ttl: 5m, stale: 1h", &["op://Prod/db/f".to_owned()]);
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
    mount.sim.outage(Some(Outage::Refuse));
    mount.advance(Duration::from_secs(301));
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
    mount.advance(Duration::from_secs(3600));
    assert_eq!(mount.read("f0"), Err(libc::EHOSTUNREACH));
    mount.sim.outage(None);
    mount.advance(Duration::from_secs(6));
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
}

#[test]
fn without_a_credential_it_mounts_warns_and_opens_are_enokey_until_unlock() {
    let mut mount = Mount::new(Tls::No);
    mount.item("db", &value("v", 64));
    let credential = std::mem::take(&mut mount.fixture.environment);
    mount.write("", &["{ref: op://Prod/db/f, file: f0}".to_owned()]);
    let output = mount
        .secretfs(mount.mount_args())
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("OP_CONNECT_HOST and OP_CONNECT_TOKEN are not set"));
    assert_eq!(mount.read("f0"), Err(libc::ENOKEY));
    assert_eq!(mount.sim.total(), 0);
    let unlocked = mount.secretfs(["unlock"]).envs(credential).output();
    let unlocked = unlocked.expect("secretfs");
    assert!(unlocked.status.success(), "{}", told(&unlocked));
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
    mount.run(["lock"]);
    assert!(!mount.is_mounted() || mount.read("f0").is_err());
}

#[test]
fn half_a_credential_is_status_4_and_nothing_is_mounted() {
    let mut mount = Mount::new(Tls::No);
    mount.write("", &["{ref: op://Prod/db/f, file: f0}".to_owned()]);
    let both = mount.fixture.environment.clone();
    for one in both {
        let name = one.0.clone();
        mount.fixture.environment = vec![one];
        let said = mount.fails(4, mount.mount_args());
        assert!(
            said.contains("help: set both OP_CONNECT_HOST and OP_CONNECT_TOKEN"),
            "{said}"
        );
        assert!(!said.contains(TOKEN), "{said}");
        assert!(!mount.is_mounted(), "{name}");
    }
}

#[test]
fn a_token_is_sent_to_no_server_but_its_own() {
    let mut mount = Mount::new(Tls::No);
    mount.write("", &["{ref: op://Prod/db/f, file: f0}".to_owned()]);
    let other = "http://127.0.0.1:9".to_owned();
    mount.fixture.environment[0].1 = other;
    let output = mount
        .secretfs(mount.mount_args())
        .output()
        .expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
    let said = told(&output);
    assert!(
        said.contains("the token is for http://127.0.0.1:9"),
        "{said}"
    );
    assert_eq!(mount.read("f0"), Err(libc::ENOKEY));
    assert_eq!(mount.sim.total(), 0);
}

#[test]
fn the_token_of_a_service_is_in_its_credentials_directory() {
    let mut mount = Mount::new(Tls::No);
    mount.item("db", &value("v", 64));
    let folder = mount.make_folder("credentials", 0o700);
    mount.fixture.write(
        &folder.join("secretfs.w.token"),
        format!("{TOKEN}\n").as_bytes(),
    );
    mount.fixture.environment.pop();
    let folder = folder.to_str().expect("UTF-8").to_owned();
    let directory = ("CREDENTIALS_DIRECTORY".to_owned(), folder);
    mount.fixture.environment.push(directory);
    mount.mount_refs("", &["op://Prod/db/f".to_owned()]);
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
}

#[test]
fn the_token_is_in_no_process_and_no_log() {
    let mount = Mount::new(Tls::Yes);
    mount.item("db", &value("v", 64));
    mount.mount_refs("", &["op://Prod/db/f".to_owned()]);
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
    for status in [403, 404, 500] {
        mount.sim.fault_next(Route::Item, 1, Fault::Status(status));
        mount.run(["refresh"]);
        let _any = mount.read("f0");
    }
    let has = |bytes: &[u8]| {
        bytes
            .windows(TOKEN.len())
            .any(|part| part == TOKEN.as_bytes())
    };
    for process in mount.processes() {
        assert!(!has(process.args.join(" ").as_bytes()));
        let environ = std::fs::read(format!("/proc/{}/environ", process.pid));
        assert!(!has(&environ.unwrap_or_default()));
    }
    for file in ["secretfs.log", "audit.jsonl"] {
        let log = std::fs::read(mount.path("state/secretfs").join(file)).expect("a log");
        assert!(!log.is_empty() && !has(&log), "{file}");
    }
    assert!(!has(mount.run(["status"]).as_bytes()));
}

#[test]
fn a_mount_whose_server_hangs_answers_in_its_time() {
    let mount = Mount::new(Tls::No);
    mount.item("db", &value("v", 64));
    mount.mount_refs("open_timeout: 1s", &["op://Prod/db/f".to_owned()]);
    mount.sim.fault(Route::Vaults, Fault::Hang);
    assert_eq!(mount.read("f0"), Err(libc::ETIMEDOUT));
    mount.sim.mend_all();
    mount.advance(Duration::from_secs(6));
    assert_eq!(mount.read("f0"), Ok(value("v", 64)));
}
