//! `secretfs check --online` of a Connect server, as a user sees it.

use super::Mount;
use secretfs_tests::connect::{Connect, Field, Item, Route, TOKEN};
use secretfs_tests::fixture::{told, value};
use secretfs_tests::http_sim::{Fault, Outage, Tls};
use std::io::Read;
use std::process::Stdio;

impl Mount {
    /// What `check --online` prints, and that it ends with this status.
    fn check(&self, status: i32) -> String {
        let output = self.secretfs(["check", "--online"]).output();
        let output = output.expect("secretfs");
        assert_eq!(output.status.code(), Some(status), "{}", told(&output));
        let said = told(&output);
        assert!(!said.contains("hunter2") && !said.contains(TOKEN), "{said}");
        said
    }
}

#[test]
fn each_entry_is_there_or_missing_with_what_there_is_instead() {
    let mount = Mount::new(Tls::Yes);
    mount.item("database", b"hunter2");
    let attached = Item::new("files").file("key.pem", b"hunter2");
    mount.sim.item(&mount.vault, attached);
    let twice = [(); 2].map(|()| mount.item("twice", b"hunter2"));
    let entries = [
        "{ref: op://Prod/database/f, file: good}",
        "{ref: op://Prod/files/key.pem, file: key}",
        "{ref: op://Prod/files/kye.pem, file: field}",
        "{ref: op://Prod/databse/f, file: item}",
        "{ref: op://Prodd/database/f, file: vault}",
        "{ref: op://Prod/twice/f, file: twice}",
    ];
    mount.write("", &entries.map(str::to_owned));
    let said = mount.check(1);
    let ambiguous = format!(
        "twice: EIO: op://Prod/twice/f: several items of that title: `{}`, `{}`",
        twice[0], twice[1]
    );
    for line in [
        "w: 2 of 6 can be read",
        "field: ENOENT: op://Prod/files/kye.pem: the item has no such field or file there\n    help: did you mean `key.pem`?",
        "item: ENOENT: op://Prod/databse/f: there is no such item in the vault\n    help: did you mean `database`?",
        "vault: ENOENT: op://Prodd/database/f: there is no such vault, or the token has no access to it\n    help: did you mean `Prod`?",
        &ambiguous,
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    assert_eq!(mount.sim.count(Route::Content), 0);
}

#[test]
fn a_thousand_good_entries_of_fifty_items_are_fifty_items() {
    let mount = Mount::new(Tls::No);
    let mut entries = Vec::new();
    for item in 0..50 {
        let mut made = Item::new(&format!("i{item}"));
        for field in 0..20 {
            made = made.field(Field::new(&format!("f{field}")).value("hunter2"));
            entries.push(format!(
                "{{ref: op://Prod/i{item}/f{field}, file: f{item}_{field}}}"
            ));
        }
        mount.sim.item(&mount.vault, made);
    }
    mount.write("", &entries);
    assert!(mount.check(0).contains("w: 1000 of 1000 can be read"));
    assert_eq!(mount.sim.count(Route::Item), 50);
    // One for the vault's name, and one for each title.
    assert_eq!(mount.sim.total(), 1 + 2 * 50);
}

#[test]
fn credentials_come_before_reachability_before_anything_else() {
    let mount = Mount::new(Tls::No);
    mount.item("db", b"hunter2");
    let away = Connect::start(Tls::No);
    away.outage(Some(Outage::Refuse));
    let mut text = format!("providers:\n  w: {}\n", mount.sim.provider());
    // A local vault whose passphrase is wrong is a credential too, and told before anything is asked.
    text.push_str(&format!(
        "  away: {{type: infisical, site_url: \"{}\", project_id: p, auth: token}}\n",
        away.url()
    ));
    let entry = |provider: &str, of: &str, file: &str| {
        format!("  - {{provider: {provider}, {of}, file: {file}}}\n")
    };
    let missing = entry("w", "ref: op://Prod/nope/f", "a");
    let unreachable = entry("away", "name: A", "b");
    let write = |entries: &str| mount.write_map(&format!("{text}secrets:\n{entries}"));
    let token = [
        ("INFISICAL_TOKEN".to_owned(), "hunter2".to_owned()),
        ("INFISICAL_DOMAIN".to_owned(), away.url()),
    ];
    let check = |status: i32| {
        let output = mount
            .secretfs(["check", "--online"])
            .envs(token.clone())
            .output();
        let output = output.expect("secretfs");
        assert_eq!(output.status.code(), Some(status), "{}", told(&output));
    };
    write(&missing);
    check(1);
    write(&format!("{missing}{unreachable}"));
    check(5);
    mount.sim.set_token("another");
    check(4);
    write(&unreachable);
    check(5);
}

#[test]
fn a_vault_is_asked_for_its_passphrase_and_opened_once_for_all_of_its_secrets() {
    let mount = Mount::new(Tls::No);
    let mut vault = mount.vault();
    let names: Vec<_> = (0..300).map(|n| format!("NAME_{n}")).collect();
    let secret = value("v", 64);
    vault.set_all(names.iter().map(|name| (name.as_str(), secret.as_slice())));
    let mut text = format!(
        "providers:\n  v: {{type: local, file: {:?}}}\nsecrets:\n",
        vault.file()
    );
    for name in &names {
        text.push_str(&format!("  - {{name: {name}, file: {name}}}\n"));
    }
    mount.write_map(&text);
    let passphrase = mount.path("passphrase");
    let args = [
        "check",
        "--online",
        "--passphrase-file",
        passphrase.to_str().expect("UTF-8"),
    ];
    assert!(mount.run(args).contains("v: 300 of 300 can be read"));
}

#[test]
fn on_a_terminal_long_work_shows_how_far_it_is_and_leaves_nothing_on_the_screen() {
    let mount = Mount::new(Tls::No);
    let mut entries = Vec::new();
    for n in 0..3 {
        mount.item(&format!("i{n}"), b"hunter2");
        entries.push(format!("{{ref: op://Prod/i{n}/f, file: f{n}}}"));
    }
    mount.write("", &entries);
    mount.sim.fault_next(Route::Item, 1, Fault::Hang);
    let executable = mount.path("secretfs");
    let mut terminal = mount
        .command("script")
        .args(["--quiet", "--return", "--flush", "--command"])
        .arg(format!("exec {} check --online", executable.display()))
        .arg("/dev/null")
        .env("TERM", "xterm")
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    mount.sim.wait_held(Route::Item, 1);
    let mut screen = terminal.stdout.take().expect("a pipe");
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("] 0 of 3") {
        let mut byte = [0];
        let read = screen.read(&mut byte).expect("the terminal");
        assert_eq!(read, 1, "{}", String::from_utf8_lossy(&shown));
        shown.extend(byte);
    }
    mount.sim.release(Route::Item);
    let mut rest = String::new();
    screen.read_to_string(&mut rest).expect("the terminal");
    assert!(terminal.wait().expect("script").success(), "{rest}");
    let after = rest.rsplit("\u{1b}[2K").next().expect("a part");
    assert_eq!(
        after.trim_start_matches('\r'),
        "w: 3 of 3 can be read\r\n",
        "{rest:?}"
    );
    // Elsewhere there is nothing but the answer.
    let output = mount
        .secretfs(["check", "--online"])
        .output()
        .expect("secretfs");
    assert!(output.stderr.is_empty(), "{}", told(&output));
}
