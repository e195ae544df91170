//! Values that change at the server.

use super::{Mount, secret};
use secretfs_tests::infisical::Generation;
use std::time::Duration;

#[test]
fn a_rotated_value_is_seen_by_the_first_open_after_the_ttl_and_by_no_handle_before() {
    for generation in [Generation::V3Only, Generation::Both] {
        let mount = Mount::of(generation);
        mount.sim.set("/", "A", &secret("one"));
        let mount = mount.mounted("ttl: 60s", &["{name: A, file: a}".to_owned()]);
        let mut probe = mount.probe();
        let held = probe.open(mount.file("a"));
        mount.sim.set("/", "A", &secret("two"));
        assert_eq!(mount.read("a"), Ok(secret("one").into_bytes()));
        mount.advance(Duration::from_secs(61));
        assert_eq!(mount.read("a"), Ok(secret("two").into_bytes()));
        assert_eq!(probe.pread(held, 0, 100), secret("one").into_bytes());
    }
}

#[test]
fn a_value_whose_reference_changed_is_another_one_although_its_version_is_not() {
    let mount = Mount::of(Generation::Both);
    mount.sim.set("/db", "PASSWORD", "one");
    mount.sim.set(
        "/",
        "URL",
        &format!("{} ${{dev.db.PASSWORD}}", super::MARKER),
    );
    let mount = mount.mounted("ttl: 60s", &["{name: URL, file: url}".to_owned()]);
    let url = |password: &str| format!("{} {password}", super::MARKER).into_bytes();
    assert_eq!(mount.read("url"), Ok(url("one")));
    let before = mount.probe().stat(mount.file("url"));
    mount.sim.set("/db", "PASSWORD", "two");
    mount.advance(Duration::from_secs(61));
    assert_eq!(mount.read("url"), Ok(url("two")));
    assert_ne!(mount.probe().stat(mount.file("url")), before);
}

#[test]
fn a_secret_that_is_deleted_is_gone_at_its_next_check_and_not_served_stale() {
    let mount = Mount::of(Generation::V3Only);
    mount.sim.set("/", "A", &secret("a"));
    let mount = mount.mounted("ttl: 60s, stale: 1h", &["{name: A, file: a}".to_owned()]);
    assert_eq!(mount.read("a"), Ok(secret("a").into_bytes()));
    mount.sim.delete("/", "A");
    mount.advance(Duration::from_secs(61));
    assert_eq!(mount.read("a"), Err(libc::ENOENT));
    // Written anew it has another id, and version 1 again.
    mount.sim.set("/", "A", &secret("b"));
    mount.advance(Duration::from_secs(6));
    assert_eq!(mount.read("a"), Ok(secret("b").into_bytes()));
}
