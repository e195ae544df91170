//! What is told of a mount: `status --json`, the audit, `refresh`. Never a value.

use crate::scripted::Scripted;
use secretfs_providers::ErrorKind;
use secretfs_tests::fixture::{Fixture, MARKER, value};
use secretfs_tests::{user, wait};
use std::collections::BTreeSet;

fn keys(value: &serde_json::Value) -> BTreeSet<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn status_json_has_the_documented_shape() {
    let mount = Scripted::mounted(
        "ttl: 10m",
        &["{name: A, file: a}", "{name: B, file: sub/b}"],
    );
    mount.sim.set("A", value("a", 64));
    mount.sim.fail("B", ErrorKind::Denied);
    mount.read("a").expect("the value");
    mount.read("sub/b").expect_err("denied");
    mount.advance(std::time::Duration::from_secs(60));

    let text = mount.run(["status", "--json"]);
    assert!(!text.contains(MARKER), "never a value: {text}");
    let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(keys(&status), ["mounts", "version"].into());
    assert_eq!(status["version"], 1);
    let status = mount.status();
    for key in [
        "mountpoint",
        "map",
        "state",
        "pid",
        "memory",
        "triggers",
        "providers",
        "files",
    ] {
        assert!(!status[key].is_null(), "{key}: {status}");
    }
    assert_eq!(
        status["mountpoint"],
        mount.mountpoint().to_str().expect("UTF-8")
    );
    assert_eq!(status["map"], mount.map().to_str().expect("UTF-8"));
    assert_eq!(status["state"], "serving");
    for key in ["locked_bytes", "limit_bytes"] {
        assert!(
            status["memory"][key].as_u64().expect("a number") > 0,
            "{status}"
        );
    }
    assert_eq!(status["memory"]["insecure"], false);
    assert!(status["triggers"].is_array());
    let provider = &status["providers"][0];
    assert_eq!(
        (&provider["name"], &provider["type"]),
        (&"s".into(), &"scripted".into())
    );
    assert!(provider["health"].is_string(), "{provider}");
    let pid = u32::try_from(status["pid"].as_u64().expect("a number")).expect("a process id");
    assert!(
        mount.processes().iter().any(|process| process.pid == pid),
        "pid is one of ours"
    );

    let a = mount.status_of("a");
    for key in [
        "path",
        "cached",
        "stale",
        "age_s",
        "ttl_s",
        "size",
        "last_error",
    ] {
        assert!(keys(&a).contains(key), "{key}: {a}");
    }
    assert_eq!(a["cached"], true);
    assert_eq!(a["stale"], false);
    assert_eq!(a["ttl_s"], 600);
    assert_eq!(a["size"], 64);
    assert!(
        a["age_s"]
            .as_u64()
            .is_some_and(|age| (60..120).contains(&age)),
        "{a}"
    );
    assert!(a["last_error"].is_null());
    let b = mount.status_of("sub/b");
    assert_eq!(b["cached"], false);
    assert_eq!(b["last_error"]["errno"], libc::EACCES);
    assert_eq!(keys(&b["last_error"]), ["errno", "help", "message"].into());
}

#[test]
fn without_a_mount_status_is_an_empty_list_and_ends_with_0() {
    let fixture = Fixture::new();
    let text = fixture.run(["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(status, serde_json::json!({"version": 1, "mounts": []}));
    fixture.run(["status"]);
}

#[test]
fn status_for_people_names_each_file_that_failed_and_what_to_do() {
    let mount = Scripted::with_value(value("a", 64));
    mount.sim.fail("A", ErrorKind::Denied);
    mount.read("a").expect_err("denied");
    let text = mount.run(["status"]);
    assert!(text.contains("secrets") && text.contains(" a"), "{text}");
    assert!(
        text.contains("this is a test"),
        "the help of the error: {text}"
    );
}

#[test]
fn refresh_forgets_values_and_failures() {
    let entries = [
        "{name: A, file: a}",
        "{name: x/B, file: b}",
        "{name: y/C, file: c}",
    ];
    let mount = Scripted::mounted("", &entries);
    mount.sim.set("A", value("a", 64));
    mount.sim.set("x/B", value("b", 64));
    mount.sim.fail("y/C", ErrorKind::Missing);
    for file in ["a", "b"] {
        mount.read(file).expect("a value");
    }
    mount.read("c").expect_err("missing");
    assert_eq!(mount.sim.count(), 3);
    mount.run(["refresh", mount.file("a").to_str().expect("UTF-8")]);
    for file in ["a", "b"] {
        mount.read(file).expect("a value");
    }
    assert_eq!(mount.sim.count(), 4, "that one alone");
    mount.sim.set("y/C", value("c", 64));
    mount.run(["refresh"]);
    assert_eq!(mount.read("c"), Ok(value("c", 64)), "negative entries too");
    mount.run(["refresh", mount.file("a").to_str().expect("UTF-8")]);
    mount.fails(
        1,
        ["refresh", mount.file("nothing").to_str().expect("UTF-8")],
    );
}

#[test]
fn each_open_is_a_line_of_the_audit_and_none_holds_a_value() {
    let mount = Scripted::mounted("", &["{name: A, file: a}", "{name: B, file: b}"]);
    mount.sim.set("A", value("a", 64));
    mount.sim.fail("B", ErrorKind::Missing);
    // The probe lives on: the executable of a reader that has ended already cannot be told.
    let mut probe = mount.probe();
    assert_eq!(probe.slurp(mount.file("a")), Ok(value("a", 64)));
    assert_eq!(probe.slurp(mount.file("b")), Err(libc::ENOENT));
    let file = mount.path("state/secretfs/audit.jsonl");
    let lines: Vec<serde_json::Value> = wait::until("two lines", || {
        let text = std::fs::read_to_string(&file).ok()?;
        let lines: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        (lines.len() == 2).then_some(lines)
    });
    for line in &lines {
        let expected = ["errno", "exe", "file", "pid", "time", "uid", "version"];
        assert_eq!(keys(line), expected.into(), "{line}");
        assert_eq!(line["uid"], user::mounting().uid);
    }
    assert_eq!(lines[0]["file"], "a");
    assert_eq!(lines[0]["errno"], 0);
    assert!(
        lines[0]["exe"]
            .as_str()
            .is_some_and(|exe| exe.ends_with("/probe")),
        "{}",
        lines[0]
    );
    assert_eq!(lines[1]["file"], "b");
    assert_eq!(lines[1]["errno"], libc::ENOENT);
    let text = std::fs::read_to_string(&file).expect("the audit");
    assert!(!text.contains(MARKER));
}

#[test]
fn audit_false_writes_nothing() {
    let mount = Scripted::mounted("audit: false", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount.read("a").expect("the value");
    mount.unmount();
    let text = std::fs::read_to_string(mount.path("state/secretfs/audit.jsonl"));
    assert!(text.unwrap_or_default().is_empty());
}
