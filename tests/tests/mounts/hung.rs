//! `unmount` always ends: with files open, with a working folder inside, with a daemon that hangs.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::{system, wait};
use std::time::{Duration, Instant};

#[test]
fn unmount_goes_on_with_open_files_and_their_handles_answer_eio() {
    let mount = Scripted::with_value(value("a", 64));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    let path = mount.mountpoint().to_str().expect("UTF-8").to_owned();
    assert_eq!(probe.run(&Step::Enter { path }), Outcome::Done);
    mount.unmount();
    let Outcome::Failed(errno) = probe.run(&Step::Pread {
        fd,
        offset: 0,
        len: 10,
    }) else {
        panic!("the handle reads on");
    };
    assert!(
        [libc::EIO, libc::ENOTCONN, libc::ECONNABORTED].contains(&errno),
        "{errno}"
    );
    assert!(
        probe.slurp("a").is_err(),
        "nor can anything be opened from the working folder"
    );
}

#[test]
fn unmount_while_an_open_waits_ends_that_open() {
    let mount = Scripted::mounted("open_timeout: 10m", &["{name: A, file: a}"]);
    mount.sim.set("A", value("late", 64));
    mount.sim.hang("A");
    let mut probe = mount.probe();
    probe.begin(&Step::Slurp {
        path: mount.file("a").to_str().expect("UTF-8").to_owned(),
    });
    mount.sim.wait_held("A", 1);
    mount.unmount();
    assert!(matches!(probe.finish(), Outcome::Failed(_)));
    mount.sim.release("A");
}

#[test]
fn unmount_of_a_stopped_daemon_kills_it_after_a_second() {
    let mount = Scripted::with_value(value("a", 64));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    system::signal(mount.process("internal-daemon").pid, "STOP");
    // A reader that the daemon will never answer.
    probe.begin(&Step::Pread {
        fd,
        offset: 0,
        len: 10,
    });
    let asked = Instant::now();
    mount.unmount();
    assert!(
        asked.elapsed() < Duration::from_secs(6),
        "{:?}",
        asked.elapsed()
    );
    assert!(
        matches!(probe.finish(), Outcome::Failed(_)),
        "the reader is let go"
    );
}

#[test]
fn unmount_of_a_stopped_helper_ends_too() {
    let mount = Scripted::with_value(value("a", 64));
    system::signal(mount.process("internal-mount-helper").pid, "STOP");
    let asked = Instant::now();
    mount.unmount();
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
}

#[test]
fn status_does_not_hang_with_a_stopped_daemon() {
    let mount = Scripted::with_value(value("a", 64));
    let daemon = mount.process("internal-daemon").pid;
    system::signal(daemon, "STOP");
    let asked = Instant::now();
    let mut child = mount
        .secretfs(["status", "--json"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("secretfs");
    wait::within(Duration::from_secs(10), "status ends", || {
        child.try_wait().expect("wait")
    });
    assert!(asked.elapsed() < Duration::from_secs(10));
    system::signal(daemon, "CONT");
}
