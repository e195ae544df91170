//! A real session of a real elogind on a bus of the test's own: what it says locks, and what it does
//! not say does not.

use crate::held::{ENTRIES, Held};
use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::memory::client::Scanner;
use secretfs_tests::memory::marker::Marker;
use secretfs_tests::session::elogind::{Elogind, Login};
use secretfs_tests::session::wait_armed;
use secretfs_tests::wait;
use std::time::{Duration, Instant};

/// The promise is 100 ms from the signal to the wipe; asserted at ten times that, because the machine
/// that tests may be busy.
const PROMISED: Duration = Duration::from_millis(10 * 100);

/// A home whose processes take `elogind`'s bus for the system's, nothing mounted.
fn on(elogind: &Elogind, config: &str, entries: &[&str]) -> Scripted {
    let mut mount = Scripted::new();
    mount.environment("DBUS_SYSTEM_BUS_ADDRESS", elogind.bus().address());
    mount.set_map(config, entries);
    mount
}

fn start() -> (tempfile::TempDir, Elogind) {
    let folder = tempfile::tempdir().expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("chmod");
    let elogind = Elogind::start(folder.path());
    (folder, elogind)
}

fn log_in<'a>(elogind: &'a Elogind, mount: &Scripted, class: &str) -> Login<'a> {
    elogind.session(class, mount.command("sh"))
}

fn unmounts_whatever_is_held(trigger: impl FnOnce(&Login<'_>)) {
    let (_folder, elogind) = start();
    let mut mount = on(&elogind, "open_timeout: 10m", &ENTRIES);
    let login = log_in(&elogind, &mount, "user");
    mount.environment("XDG_SESSION_ID", &login.id);
    mount.mount();
    wait_armed(&mount, &["lock", "logout", "system-bus"]);
    let held = Held::on(&mount);
    trigger(&login);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    held.assert_all_gone(&mount);
    assert_eq!(mount.status()["state"], "locked");
}

#[test]
fn lock_unmounts_whatever_is_held() {
    unmounts_whatever_is_held(|login| login.lock());
}

#[test]
fn the_locked_hint_unmounts_whatever_is_held() {
    unmounts_whatever_is_held(|login| login.hint(true));
}

#[test]
fn the_end_of_the_session_unmounts_whatever_is_held() {
    unmounts_whatever_is_held(|login| login.terminate());
}

#[test]
fn the_loss_of_the_bus_unmounts_whatever_is_held() {
    let (_folder, mut elogind) = start();
    let mount = on(&elogind, "open_timeout: 10m", &ENTRIES);
    mount.mount();
    wait_armed(&mount, &["system-bus"]);
    let held = Held::on(&mount);
    elogind.kill_bus();
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    held.assert_all_gone(&mount);
}

#[test]
fn a_thousand_values_are_wiped_within_the_promise_while_a_hundred_opens_wait() {
    let (_folder, elogind) = start();
    let mut entries: Vec<String> = ENTRIES.map(str::to_owned).into();
    entries.extend((0..1000).map(|n| format!("{{name: f/V{n}, file: many/{n}}}")));
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mount = on(
        &elogind,
        "on_lock: seal, open_timeout: 10m, ttl: 1h",
        &entries,
    );
    let marker = Marker::new("one of a thousand");
    mount.sim.folder("/f");
    for n in 0..1000 {
        mount.sim.set(&format!("f/V{n}"), marker.value(64));
    }
    let login = log_in(&elogind, &mount, "user");
    mount.mount();
    wait_armed(&mount, &["lock"]);
    let mut probe = mount.probe();
    for n in 0..1000 {
        let seen = probe.slurp(mount.file(&format!("many/{n}")));
        assert!(seen == Ok(marker.value(64)), "{n}: {seen:?}");
    }
    let mut held = Held::on(&mount);
    let asked = Instant::now();
    login.lock();
    wait::until("the handle is dead", || held.is_dead().then_some(()));
    let took = asked.elapsed();
    assert!(took < PROMISED, "{took:?}");
    eprintln!("from the signal to the wipe: {took:?}");
    wait::until("it is locked", || {
        (mount.status()["state"] == "locked").then_some(())
    });
    let pids: Vec<u32> = mount.processes().iter().map(|one| one.pid).collect();
    assert_eq!(pids.len(), 3, "daemon, helper, sentinel");
    let report = Scanner::start(&mount).look(&pids, &marker.patterns());
    assert!(report.findings.is_empty(), "{report:#?}");
    assert_eq!(mount.read("many/7"), Err(libc::ENOKEY));
    held.assert_all_gone(&mount);
}

#[test]
fn terminating_the_session_that_everything_runs_in_leaves_no_mount_and_no_process() {
    let (_folder, elogind) = start();
    let mount = on(&elogind, "", &ENTRIES);
    let mut login = log_in(&elogind, &mount, "user");
    // In the session's control group, as a login's processes are.
    let secretfs = mount.path("secretfs");
    let place = mount.mountpoint();
    login.run(&format!("{} mount {}", secretfs.display(), place.display()));
    wait::until("it is mounted", || mount.is_mounted().then_some(()));
    wait_armed(&mount, &["lock", "logout"]);
    let held = Held::on(&mount);
    login.terminate();
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    held.assert_all_gone(&mount);
}

#[test]
fn a_session_that_ends_is_no_logout_while_another_one_is_left() {
    let (_folder, elogind) = start();
    let mut mount = on(&elogind, "on_lock: seal", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let first = log_in(&elogind, &mount, "user");
    let second = log_in(&elogind, &mount, "user");
    let background = log_in(&elogind, &mount, "background");
    mount.environment("XDG_SESSION_ID", &first.id);
    mount.mount();
    wait_armed(&mount, &["lock", "logout"]);
    first.terminate();
    drop(first);
    // Still heard: what comes after it has come after it here, too.
    second.lock();
    wait::until("it is locked", || {
        (mount.status()["state"] == "locked").then_some(())
    });
    assert!(mount.is_mounted(), "sealed, as the map says of a lock");
    second.terminate();
    drop(second);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    drop(background);
}

#[test]
fn with_remount_on_unlock_it_is_mounted_again_and_only_the_helper_waits_for_that() {
    let (_folder, elogind) = start();
    let mount = on(&elogind, "remount_on_unlock: true", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let login = log_in(&elogind, &mount, "user");
    mount.mount();
    wait_armed(&mount, &["lock"]);
    for _ in 0..3 {
        assert_eq!(mount.read("a"), Ok(value("a", 64)));
        login.lock();
        mount.wait_for_no_mount();
        wait::until("the helper alone is left", || {
            (mount.processes().len() == 1).then_some(())
        });
        let _ = mount.process("internal-mount-helper");
        // The daemon is gone a moment before the helper has taken note of it.
        wait::until("it says that it is locked", || {
            (mount.status()["state"] == "locked").then_some(())
        });
        login.unlock();
        wait::until("it is mounted again", || mount.read("a").ok());
        wait_armed(&mount, &["lock"]);
    }
    // Whoever takes it over in the meantime has it: the one that waited ends.
    login.lock();
    mount.wait_for_no_mount();
    mount.run(["unlock", "--all"]);
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    wait::until("one helper is left", || {
        (mount.processes().len() == 3).then_some(())
    });
    wait_armed(&mount, &["lock"]);
    login.lock();
    mount.wait_for_no_mount();
    mount.run(["unmount", "--all"]);
    mount.wait_for_no_process();
}

#[test]
fn without_it_unlock_changes_nothing() {
    let (_folder, elogind) = start();
    let mount = on(&elogind, "on_lock: seal", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let login = log_in(&elogind, &mount, "user");
    mount.mount();
    wait_armed(&mount, &["lock"]);
    login.hint(true);
    wait::until("it is locked", || {
        (mount.status()["state"] == "locked").then_some(())
    });
    login.hint(false);
    login.unlock();
    // What is heard after both.
    login.terminate();
    wait::until("there is no session any more", || {
        let status = mount.status();
        let triggers = status["triggers"].as_array().expect("a list").clone();
        (!triggers.iter().any(|name| name == "lock")).then_some(())
    });
    assert_eq!(mount.read("a"), Err(libc::ENOKEY));
    assert_eq!(mount.status()["state"], "locked");
}
