//! Lock and unlock: what was served can no longer be read, in no way.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::{system, wait};

fn failed(outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Failed(errno) => *errno,
        other => panic!("must fail: {other:?}"),
    }
}

#[test]
fn sealing_refuses_opens_wipes_handles_and_mappings_and_unlock_serves_again() {
    let mount = Scripted::mounted("on_lock: seal", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 9_000));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    assert_eq!(probe.pread(fd, 0, 9_000), value("a", 9_000));
    let Outcome::Handle(map) = probe.run(&Step::Map {
        fd,
        len: 9_000,
        shared: false,
    }) else {
        panic!("mmap");
    };
    let map = usize::try_from(map).expect("a number");
    probe.run(&Step::Peek { map, len: 9_000 });

    mount.run(["lock"]);
    assert!(mount.is_mounted(), "sealed, not unmounted");
    assert_eq!(probe.try_open(mount.file("a")), Err(libc::ENOKEY));
    assert_eq!(
        failed(&probe.run(&Step::Pread {
            fd,
            offset: 0,
            len: 10
        })),
        libc::EIO
    );
    assert_eq!(
        failed(&probe.run(&Step::Peek { map, len: 10 })),
        libc::EFAULT,
        "SIGBUS elsewhere"
    );
    assert_eq!(
        probe.stat(mount.file("a")).size,
        0,
        "as before the first fetch"
    );
    let status = mount.status();
    assert_eq!(status["state"], "locked", "{status}");
    assert_eq!(probe.list(mount.mountpoint()), ["a"], "names are no secret");

    mount.run(["unlock"]);
    assert_eq!(mount.status()["state"], "serving");
    assert_eq!(probe.slurp(mount.file("a")), Ok(value("a", 9_000)));
    assert_eq!(mount.sim.count(), 2, "nothing was kept");
    // The old handle stays dead.
    assert_eq!(
        failed(&probe.run(&Step::Pread {
            fd,
            offset: 0,
            len: 10
        })),
        libc::EIO
    );
}

#[test]
fn a_fetch_that_ends_after_the_lock_shows_nothing() {
    let mount = Scripted::mounted("on_lock: seal, open_timeout: 60s", &["{name: A, file: a}"]);
    mount.sim.set("A", value("late", 64));
    mount.sim.hang("A");
    let mut probe = mount.probe();
    probe.begin(&Step::Slurp {
        path: mount.file("a").to_str().expect("UTF-8").to_owned(),
    });
    mount.sim.wait_held("A", 1);
    mount.run(["lock"]);
    let errno = failed(&probe.finish());
    assert!([libc::ENOKEY, libc::EIO].contains(&errno), "{errno}");
    mount.sim.release("A");
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
}

#[test]
fn locking_unmounts_by_default_and_unlock_mounts_again() {
    let mount = Scripted::with_value(value("a", 64));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    let path = mount.mountpoint().to_str().expect("UTF-8").to_owned();
    assert_eq!(probe.run(&Step::Enter { path }), Outcome::Done);

    mount.run(["lock", "--all"]);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    failed(&probe.run(&Step::Pread {
        fd,
        offset: 0,
        len: 10,
    }));
    probe.slurp("a").expect_err("from the working folder");
    let status = mount.status();
    assert_eq!(status["state"], "locked", "{status}");

    mount.run(["unlock", "--all"]);
    assert!(mount.is_mounted());
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

#[test]
fn a_locked_mount_that_is_unmounted_is_forgotten() {
    let mount = Scripted::with_value(value("a", 64));
    mount.run(["lock", "--all"]);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    mount.run(["unmount", "--all"]);
    let status = mount.run(["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["mounts"], serde_json::json!([]), "{status}");
}

#[test]
fn locking_a_hung_daemon_wipes_and_unmounts_all_the_same() {
    let mount = Scripted::with_value(value("a", 64));
    mount.read("a").expect("the value");
    system::signal(mount.process("internal-daemon").pid, "STOP");
    let mut child = mount.secretfs(["lock", "--all"]).spawn().expect("secretfs");
    wait::until("lock ends", || child.try_wait().expect("wait"));
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
}

#[test]
fn it_locks_when_nothing_was_opened_for_as_long_as_idle_says() {
    let minutes = |n: u64| std::time::Duration::from_secs(60 * n);
    let mount = Scripted::mounted(
        "on_lock: seal, idle: 30m, ttl: 24h",
        &["{name: A, file: a}"],
    );
    mount.sim.set("A", value("a", 64));
    let triggers = mount.status()["triggers"].clone();
    let armed = triggers.as_array().expect("a list");
    assert!(armed.iter().any(|name| name == "idle"), "{triggers}");
    for _ in 0..3 {
        // Each open starts anew.
        mount.advance(minutes(29));
        assert_eq!(mount.read("a"), Ok(value("a", 64)));
    }
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    for _ in 0..2 {
        mount.advance(minutes(31));
        wait::until("it is locked", || {
            (mount.status()["state"] == "locked").then_some(())
        });
        assert_eq!(mount.read("a"), Err(libc::ENOKEY));
        let read = probe.run(&Step::Pread {
            fd,
            offset: 0,
            len: 10,
        });
        assert_eq!(failed(&read), libc::EIO, "held open is not opened");
        mount.run(["unlock"]);
        assert_eq!(mount.read("a"), Ok(value("a", 64)));
    }
    // A map that asks for less, saved meanwhile.
    mount.set_map("on_lock: seal, idle: 1h, ttl: 24h", &["{name: A, file: a}"]);
    wait::until("the map is read", || {
        let log = std::fs::read_to_string(mount.path("state/secretfs/secretfs.log"));
        log.is_ok_and(|log| log.contains("read again"))
            .then_some(())
    });
    mount.advance(minutes(31));
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
}

#[test]
fn idle_unmounts_by_default() {
    let mount = Scripted::mounted("idle: 30m", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    mount.read("a").expect("the value");
    mount.advance_to_the_end(std::time::Duration::from_secs(31 * 60));
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    assert_eq!(mount.status()["state"], "locked");
}

#[test]
fn an_unlock_that_follows_a_lock_at_once_mounts_again() {
    let mount = Scripted::with_value(value("a", 64));
    for _ in 0..10 {
        let mut locking = mount.secretfs(["lock", "--all"]).spawn().expect("secretfs");
        mount.wait_for_no_mount();
        // The helper is on its way out.
        mount.run(["unlock", "--all"]);
        assert!(locking.wait().expect("wait").success());
        assert_eq!(mount.read("a"), Ok(value("a", 64)));
    }
}
