//! `secretfs audit`, of a mount that is read.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn who_opened_what_is_shown_and_followed() {
    let entries = ["{name: A, file: a}", "{name: B, file: b, allow: [nobody]}"];
    let mount = Scripted::mounted("", &entries);
    mount.sim.set("A", value("a", 64));
    mount.sim.set("B", value("b", 64));
    // Alive, so that its executable can be seen.
    let mut probe = mount.probe();
    assert_eq!(probe.slurp(mount.file("a")), Ok(value("a", 64)));
    let mut follower = mount
        .secretfs(["audit", "--follow"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("secretfs");
    let mut lines = BufReader::new(follower.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    let opened = next();
    assert!(
        opened.contains("  opened        a  by ") && opened.contains("/probe (pid "),
        "{opened}"
    );
    assert_eq!(probe.slurp(mount.file("b")), Err(libc::EACCES));
    let refused = next();
    assert!(refused.contains("  EACCES        b  by "), "{refused}");
    follower.kill().expect("kill");
    follower.wait().expect("its end");
    let json = mount.run(["audit", "--json"]);
    let last = json.lines().last().expect("a line");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(
        (&last["file"], &last["errno"]),
        (&"b".into(), &libc::EACCES.into())
    );
    assert!(!json.contains(secretfs_tests::fixture::MARKER));
}

#[test]
fn where_nothing_was_opened_it_says_so() {
    let mount = Scripted::new();
    let output = mount.secretfs(["audit"]).output().expect("secretfs");
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was opened yet"));
}
