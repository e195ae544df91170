//! When the provider is asked, counted there. The table of the cache is in `fs/src/cache`; here is
//! what an open, a ttl and a failing provider come to on a real mount.

use crate::scripted::Scripted;
use secretfs_providers::ErrorKind;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::scripted::{Op, Simulator};
use std::time::Duration;

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

#[test]
fn opens_within_the_ttl_make_one_request_and_the_next_after_it_another() {
    let mount = Scripted::mounted("ttl: 5m", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    for _ in 0..10 {
        mount.read("a").expect("the value");
    }
    assert_eq!(mount.sim.count(), 1);
    mount.advance(seconds(301));
    mount.read("a").expect("the value");
    assert_eq!(mount.sim.count(), 2);
    let second = &mount.sim.requests()[1];
    assert_eq!(second.validators, [Some("v1".to_owned())], "conditional");
}

#[test]
fn a_stale_value_stands_in_while_its_provider_is_unreachable_and_no_longer_than_stale() {
    let mount = Scripted::mounted("ttl: 5m, stale: 1h", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount.read("a").expect("the value");
    mount.sim.fail("A", ErrorKind::Unreachable);
    mount.advance(seconds(301));
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    assert_eq!(mount.status_of("a")["stale"], true);
    mount.advance(seconds(3_600));
    assert_eq!(mount.read("a"), Err(libc::EHOSTUNREACH));
}

#[test]
fn a_stale_value_never_stands_in_for_missing_denied_or_refused() {
    for (kind, errno) in [
        (ErrorKind::Missing, libc::ENOENT),
        (ErrorKind::Denied, libc::EACCES),
        (ErrorKind::Refused, libc::EKEYREJECTED),
    ] {
        let mount = Scripted::mounted("ttl: 5m, stale: 1h", &["{name: A, file: a}"]);
        mount.sim.set("A", value("a", 64));
        mount.read("a").expect("the value");
        mount.sim.fail("A", kind);
        mount.advance(seconds(301));
        assert_eq!(mount.read("a"), Err(errno), "{kind:?}");
    }
}

#[test]
fn a_failure_is_remembered_for_five_seconds() {
    let mount = Scripted::mounted("", &["{name: A, file: a}"]);
    mount.sim.fail("A", ErrorKind::Missing);
    for _ in 0..10 {
        assert_eq!(mount.read("a"), Err(libc::ENOENT));
    }
    assert_eq!(mount.sim.count(), 1);
    mount.sim.set("A", value("a", 64));
    mount.advance(seconds(6));
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

#[test]
fn the_second_miss_of_a_folder_is_answered_for_the_whole_folder() {
    let entries: Vec<String> = (0..20)
        .map(|n| format!("{{name: place/N{n}, file: f{n}}}"))
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("", &entries);
    for n in 0..20 {
        mount
            .sim
            .set(&format!("place/N{n}"), value(&n.to_string(), 64));
    }
    let mut probe = mount.probe();
    for n in 0..20 {
        assert_eq!(
            probe.slurp(mount.file(&format!("f{n}"))),
            Ok(value(&n.to_string(), 64))
        );
    }
    let ops: Vec<Op> = mount
        .sim
        .requests()
        .iter()
        .map(|request| request.op)
        .collect();
    assert_eq!(ops, [Op::Fetch, Op::FetchMany]);
}

#[test]
fn a_fallback_is_asked_when_the_provider_is_unreachable_and_is_not_cached() {
    let fixture = Fixture::new();
    let first = Simulator::start();
    let second = Simulator::start();
    fixture.write_map(&format!(
        "config: {{provider: first}}\n\
         providers: {{first: {}, second: {}}}\n\
         secrets: [{{name: A, file: a, fallback: second, fallback_name: B}}]\n",
        first.provider(),
        second.provider()
    ));
    first.fail("A", ErrorKind::Unreachable);
    second.set("B", value("fallback", 64));
    fixture.mount();
    assert_eq!(fixture.read("a"), Ok(value("fallback", 64)));
    first.set("A", value("first", 80));
    fixture.advance(seconds(6));
    assert_eq!(fixture.read("a"), Ok(value("first", 80)));
    first.fail("A", ErrorKind::Denied);
    fixture.advance(seconds(301));
    assert_eq!(fixture.read("a"), Err(libc::EACCES), "denied is an answer");
    assert_eq!(second.count(), 1);
    drop(fixture);
}

#[test]
fn a_panic_free_mount_survives_a_provider_that_talks_nonsense() {
    let mount = Scripted::mounted("", &["{name: A, file: a}", "{name: B, file: b}"]);
    mount.sim.set("A", value("a", 64));
    mount.sim.set("B", value("b", 64));
    for _ in 0..3 {
        mount.sim.lie("A", "B");
        mount.read("a").expect_err("another secret's");
        mount.run(["refresh"]);
        mount.sim.mend("A");
        mount.sim.reset("A");
        mount.read("a").expect_err("nothing came");
        mount.run(["refresh"]);
        mount.sim.mend("A");
    }
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    assert_eq!(mount.read("b"), Ok(value("b", 64)));
}
