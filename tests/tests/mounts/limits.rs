//! Limits: of lockable memory, of entries, of what may be held open.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::script::Step;
use secretfs_tests::wait;

#[test]
fn a_limit_of_64_kib_is_refused_with_the_numbers_and_the_remedy() {
    let mut fixture = Fixture::new();
    fixture.memlock = 64 * 1024;
    fixture.write_map(
        "providers: {v: {type: local, file: /nowhere/vault.age}}\nsecrets: [{name: A, file: a}]\n",
    );
    let mountpoint = fixture.mountpoint();
    let text = fixture.fails(6, ["mount".as_ref(), mountpoint.as_os_str()]);
    assert!(
        text.contains("65536") || text.contains("64 KiB"),
        "the limit is named: {text}"
    );
    assert!(text.contains("help:"), "{text}");
    assert!(
        text.contains("memlock") || text.contains("MEMLOCK"),
        "the remedy is named: {text}"
    );
    assert!(!fixture.is_mounted());
    fixture.wait_for_no_process();
}

#[test]
fn insecure_memory_is_the_way_around_and_status_shows_it() {
    let mut mount = Scripted::new();
    mount.memlock(64 * 1024);
    mount.set_map("", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let mut args = mount.mount_args();
    args.insert(1, "--insecure-memory".into());
    mount.run(args);
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    assert_eq!(mount.status()["memory"]["insecure"], true);
}

#[test]
fn commands_that_hold_no_secret_run_under_any_limit() {
    let mut fixture = Fixture::new();
    fixture.memlock = 0;
    fixture.write_map(
        "providers: {v: {type: local, file: /nowhere/vault.age}}\n\
         secrets: [{name: A, file: a, env: A_FILE}]\n",
    );
    assert!(fixture.run(["env", "--shell", "sh"]).contains("A_FILE"));
    fixture.run(["check"]);
    let status: serde_json::Value =
        serde_json::from_str(&fixture.run(["status", "--json"])).expect("JSON");
    assert_eq!(status, serde_json::json!({"version": 1, "mounts": []}));
    fixture.run(["unmount", "--all"]);
    fixture.run(["completions", "bash"]);
}

#[test]
fn a_map_of_10_000_entries_mounts_lists_and_reloads_under_8_mib() {
    let mount = Scripted::new();
    let map = |count: usize| {
        let mut text = format!("providers: {{s: {}}}\nsecrets:\n", mount.sim.provider());
        for n in 0..count {
            text.push_str(&format!(
                "- {{name: p{n}/N, file: d{}/f{n}, env: E{n}}}\n",
                n % 100
            ));
        }
        text
    };
    mount.write_map(&map(10_000));
    mount.sim.set("p9999/N", value("last", 64));
    mount.mount();
    let mut probe = mount.probe();
    assert_eq!(probe.list(mount.mountpoint()).len(), 100);
    for folder in 0..100 {
        assert_eq!(probe.list(mount.file(&format!("d{folder}"))).len(), 100);
    }
    assert_eq!(mount.sim.count(), 0);
    assert_eq!(probe.slurp(mount.file("d99/f9999")), Ok(value("last", 64)));

    mount.write_map(&map(10_001));
    mount.sim.set("p10000/N", value("new", 64));
    wait::until("the 10,001st entry", || {
        probe.slurp(mount.file("d0/f10000")).ok()
    });
    assert_eq!(probe.slurp(mount.file("d99/f9999")), Ok(value("last", 64)));
    let memory = &mount.status()["memory"];
    let number = |name: &str| memory[name].as_u64().expect("a number");
    assert!(number("locked_bytes") <= number("limit_bytes"), "{memory}");
    assert_eq!(number("limit_bytes"), 8 << 20);
}

#[test]
fn memory_full_of_values_that_are_held_open_is_enomem_until_one_is_closed() {
    let entries: Vec<String> = (0..8)
        .map(|n| format!("{{name: x{n}/A, file: f{n}}}"))
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("open_timeout: 1s", &entries);
    for n in 0..8 {
        mount
            .sim
            .set(&format!("x{n}/A"), value(&n.to_string(), 900_000));
    }
    let mut probe = mount.probe();
    let mut open = Vec::new();
    let errno = loop {
        let path = mount.file(&format!("f{}", open.len()));
        match probe.try_open(path) {
            Ok(fd) => open.push(fd),
            Err(errno) => break errno,
        }
        assert!(
            open.len() < 8,
            "7.2 MB do not fit beside a heap under 8 MiB"
        );
    };
    assert_eq!(errno, libc::ENOMEM);
    assert!(open.len() >= 3, "{} were held", open.len());
    for (n, fd) in open.iter().enumerate() {
        assert_eq!(
            probe.pread(*fd, 0, 1_000_000),
            value(&n.to_string(), 900_000)
        );
    }
    // The values that nobody holds make room by themselves.
    for fd in open.drain(..) {
        probe.run(&Step::Close { fd });
    }
    wait::until("room", || mount.read("f7").ok());
}

#[test]
fn values_that_nobody_holds_make_room_and_are_fetched_again() {
    let entries: Vec<String> = (0..10)
        .map(|n| format!("{{name: x{n}/A, file: f{n}}}"))
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("", &entries);
    let mut probe = mount.probe();
    for n in 0..10 {
        mount
            .sim
            .set(&format!("x{n}/A"), value(&n.to_string(), 500_000));
        assert_eq!(
            probe.slurp(mount.file(&format!("f{n}"))),
            Ok(value(&n.to_string(), 500_000))
        );
    }
    // A flight that finds no room makes some and asks once more, so there may be two for each.
    let asked = mount.sim.count();
    assert!((10..=20).contains(&asked), "{asked}");
    assert_eq!(probe.slurp(mount.file("f9")), Ok(value("9", 500_000)));
    assert_eq!(mount.sim.count(), asked, "the latest is still there");
    assert_eq!(probe.slurp(mount.file("f0")), Ok(value("0", 500_000)));
    assert!(mount.sim.count() > asked, "the oldest was dropped");
    assert_eq!(
        probe.stat(mount.file("f1")).size,
        500_000,
        "also after eviction"
    );
}

#[test]
fn a_value_that_is_larger_than_what_can_be_locked_is_efbig_and_the_others_are_served() {
    let entries = ["{name: A, file: a}", "{name: B, file: b}"];
    let mount = Scripted::mounted("max_size: 64MiB", &entries);
    // Under the limit of 8 MiB, 4 are for values.
    mount.sim.set("A", value("a", 5 << 20));
    mount.sim.set("B", value("b", 64));
    assert_eq!(mount.read("a"), Err(libc::EFBIG));
    assert_eq!(mount.read("b"), Ok(value("b", 64)));
}
