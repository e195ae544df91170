//! Versions, ids and times (contract §4).

use super::*;

fn part(rig: &Rig, name: &str) -> Value {
    rig.single("/", "A").json()["secret"][name].clone()
}

#[test]
fn every_write_is_another_version_also_of_the_same_value() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "1"));
    let id = part(&rig, "id");
    let updated = part(&rig, "updatedAt");
    rig.sim.advance(std::time::Duration::from_secs(5));
    rig.sim.set("/", "A", "1");
    assert_eq!(part(&rig, "version"), 2);
    assert_eq!(part(&rig, "id"), id);
    assert_ne!(part(&rig, "updatedAt"), updated);
    rig.sim.delete("/", "A");
    assert_eq!(rig.single("/", "A").status, 404);
    rig.sim.set("/", "A", "1");
    assert_eq!(part(&rig, "version"), 1);
    assert_ne!(part(&rig, "id"), id);
}

#[test]
fn old_versions_can_be_asked_for() {
    let rig = Rig::new(|sim| sim.secret("/", "A", "one").secret("/", "A", "two"));
    let got = rig.get(&single("A", "/", "version=1")).json();
    assert_eq!(text(&got, "/secret/secretValue"), "one");
    assert_eq!(got["secret"]["version"], 1);
    assert_eq!(got["secret"]["id"], part(&rig, "id"));
    for unknown in ["0", "3"] {
        let got = rig.get(&single("A", "/", &format!("version={unknown}")));
        refused(&got, 404, "NotFound", "Secret with name 'A' not found");
    }
}

#[test]
fn a_value_is_read_as_it_was_trimmed_when_it_was_written() {
    let large = "x".repeat(1_048_000);
    for (written, read) in [
        ("", ""),
        ("two newlines\n\n", "two newlines\n"),
        ("line1\r\nline2\r\n", "line1\r\nline2\n"),
        ("a\0b", "a\0b"),
        (large.as_str(), large.as_str()),
    ] {
        let rig = Rig::new(|sim| sim.secret("/", "A", written));
        assert_eq!(rig.value("/", "A"), read);
    }
}
