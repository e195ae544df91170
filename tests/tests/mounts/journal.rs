//! The audit in systemd's journal, with the real journald.

use secretfs_tests::fixture::{Fixture, MARKER, told, value};
use secretfs_tests::machine::Machine;
use secretfs_tests::systemd::Journald;
use secretfs_tests::user::mounting;
use secretfs_tests::wait;
use serde_json::{Value, json};

/// A fixture with a file `a`, and `b` that nobody may open.
fn fixture(config: &str) -> Fixture {
    let fixture = Fixture::new();
    let mut vault = fixture.vault();
    vault.set("A", &value("a", 64));
    vault.set("B", &value("b", 64));
    fixture.write_map(&format!(
        "config: {{{config}}}\nproviders: {{v: {{type: local, file: {:?}}}}}\n\
         secrets: [{{name: A, file: sub/a}}, {{name: B, file: b, allow: [nobody]}}]\n",
        vault.file()
    ));
    fixture
}

fn mount(fixture: &Fixture, machine: &Machine<'_>) {
    let mut mount = machine.user(mounting(), fixture.path("secretfs"));
    let output = mount.args(fixture.mount_args()).output().expect("secretfs");
    assert!(output.status.success(), "{}", told(&output));
}

/// The entries about opens, once there are so many.
fn opens(journal: &Journald<'_>, count: usize) -> Vec<Value> {
    wait::until("the journal has them", || {
        let entries = journal.entries();
        (entries.len() >= count).then_some(entries)
    })
}

#[test]
fn who_opened_what_is_in_the_journal_too_and_no_value() {
    let fixture = fixture("");
    let machine = Machine::new(&fixture);
    let journal = Journald::start(&machine);
    mount(&fixture, &machine);
    assert_eq!(machine.read("sub/a"), Ok(value("a", 64)));
    assert!(machine.read("b").is_err());
    let entries = opens(&journal, 2);
    let lines = std::fs::read_to_string(fixture.path("state/secretfs/audit.jsonl")).expect("it");
    let lines: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!((entries.len(), lines.len()), (2, 2), "{entries:?}");
    for (entry, line) in entries.iter().zip(&lines) {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        for (field, key) in [
            ("SECRETFS_FILE", "file"),
            ("SECRETFS_PID", "pid"),
            ("SECRETFS_UID", "uid"),
            ("SECRETFS_VERSION", "version"),
            ("SECRETFS_ERRNO", "errno"),
            ("SECRETFS_TIME", "time"),
        ] {
            assert_eq!(entry[field], json!(text(&line[key])), "{field}");
        }
        // A reader that ended at once may be without it.
        if line["exe"].is_string() {
            assert_eq!(entry["SECRETFS_EXE"], line["exe"]);
        }
        assert_eq!(entry["SYSLOG_IDENTIFIER"], "secretfs");
        assert_eq!(entry["SYSLOG_FACILITY"], "10");
        // What journald itself says of the sender: the user's helper.
        assert_eq!(entry["_UID"], json!(mounting().uid.to_string()));
    }
    assert_eq!(
        (&entries[0]["PRIORITY"], &entries[1]["PRIORITY"]),
        (&json!("6"), &json!("5"))
    );
    let message = entries[0]["MESSAGE"].as_str().expect("a message");
    assert!(message.starts_with("sub/a opened by "), "{message}");
    let message = entries[1]["MESSAGE"].as_str().expect("a message");
    assert!(message.ends_with(": Permission denied"), "{message}");
    assert!(!json!(entries).to_string().contains(MARKER));
    fixture.run(["unmount", "--all"]);
}

#[test]
fn a_journal_that_goes_and_comes_back_is_told_again_and_the_file_has_all() {
    let fixture = fixture("ttl: 1h");
    let machine = Machine::new(&fixture);
    let journal = Journald::start(&machine);
    mount(&fixture, &machine);
    assert_eq!(machine.read("sub/a"), Ok(value("a", 64)));
    assert_eq!(opens(&journal, 1).len(), 1);
    drop(journal);
    assert_eq!(machine.read("sub/a"), Ok(value("a", 64)), "nobody waits");
    let audit = fixture.path("state/secretfs/audit.jsonl");
    let lines = || std::fs::read_to_string(&audit).expect("it").lines().count();
    wait::until("the file has it", || (lines() == 2).then_some(()));
    let journal = Journald::start(&machine);
    assert_eq!(machine.read("sub/a"), Ok(value("a", 64)));
    wait::until("the file has all", || (lines() == 3).then_some(()));
    // What it kept before, and what came since.
    assert_eq!(opens(&journal, 2).len(), 2);
    fixture.run(["unmount", "--all"]);
}

#[test]
fn where_the_map_wants_no_audit_the_journal_is_told_nothing() {
    let fixture = fixture("audit: false");
    let machine = Machine::new(&fixture);
    let journal = Journald::start(&machine);
    mount(&fixture, &machine);
    assert_eq!(machine.read("sub/a"), Ok(value("a", 64)));
    fixture.run(["unmount", "--all"]);
    fixture.wait_for_no_process();
    // What comes last shows that nothing came before it.
    let last = "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(\
                b'MESSAGE=last\\nSYSLOG_IDENTIFIER=secretfs\\n', '/run/systemd/journal/socket')";
    let output = machine.root("python3").args(["-c", last]).output();
    assert!(output.expect("python3").status.success());
    let entries = opens(&journal, 1);
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["MESSAGE"], "last");
}
