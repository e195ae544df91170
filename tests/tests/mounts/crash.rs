//! Whatever process is killed: no mount stays, no value stays readable, and the next mount works.

use crate::scripted::Scripted;
use secretfs_mount_helper::mount::{Mounted, mountinfo, recover};
use secretfs_tests::fixture::value;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::system;

fn killed(role: &str) {
    let mount = Scripted::with_value(value("a", 9_000));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    assert_eq!(probe.pread(fd, 0, 10), value("a", 9_000)[..10]);
    let Outcome::Handle(map) = probe.run(&Step::Map {
        fd,
        len: 9_000,
        shared: false,
    }) else {
        panic!("mmap");
    };
    let map = usize::try_from(map).expect("a number");

    system::signal(mount.process(role).pid, "KILL");
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    match probe.run(&Step::Pread {
        fd,
        offset: 0,
        len: 10,
    }) {
        Outcome::Failed(errno) => {
            assert!(
                [libc::EIO, libc::ENOTCONN, libc::ECONNABORTED].contains(&errno),
                "{errno}"
            );
        }
        other => panic!("a handle reads on after {role} was killed: {other:?}"),
    }
    // A page that was never touched needs the daemon.
    let last = probe.run(&Step::Peek { map, len: 9_000 });
    assert!(matches!(last, Outcome::Failed(_)), "{last:?}");
    drop(probe);

    mount.mount();
    assert_eq!(mount.read("a"), Ok(value("a", 9_000)));
}

#[test]
fn killing_the_daemon_leaves_no_mount() {
    killed("internal-daemon");
}

#[test]
fn killing_the_helper_leaves_no_mount() {
    killed("internal-mount-helper");
}

#[test]
fn killing_the_sentinel_leaves_a_working_mount_or_none() {
    let mount = Scripted::with_value(value("a", 64));
    system::signal(mount.process("internal-sentinel").pid, "KILL");
    let outcome = mount.read("a");
    if mount.is_mounted() && outcome.is_ok() {
        assert_eq!(outcome, Ok(value("a", 64)));
        mount.unmount();
    } else {
        mount.wait_for_no_mount();
    }
    mount.wait_for_no_process();
}

#[test]
fn sigterm_and_sigint_wipe_and_unmount() {
    for signal in ["TERM", "INT"] {
        wipes_and_unmounts(signal);
    }
}

fn wipes_and_unmounts(signal: &str) {
    let mount = Scripted::with_value(value("a", 64));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    system::signal(mount.process("internal-mount-helper").pid, signal);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    assert!(matches!(
        probe.run(&Step::Pread {
            fd,
            offset: 0,
            len: 10
        }),
        Outcome::Failed(_)
    ));
}

#[test]
fn a_mount_that_nobody_serves_any_more_is_recovered_by_the_next_mount() {
    let mount = Scripted::with_value(value("a", 64));
    // All at once: nobody is left who could unmount.
    let mut all: Vec<String> = mount
        .processes()
        .iter()
        .map(|p| p.pid.to_string())
        .collect();
    all.insert(0, "-STOP".into());
    assert!(
        std::process::Command::new("kill")
            .args(&all)
            .status()
            .expect("kill")
            .success()
    );
    all[0] = "-KILL".into();
    assert!(
        std::process::Command::new("kill")
            .args(&all)
            .status()
            .expect("kill")
            .success()
    );
    mount.wait_for_no_process();
    assert!(
        mount.is_mounted(),
        "a dead mount, which is what this is about"
    );
    assert_eq!(mount.probe().try_open(mount.file("a")), Err(libc::ENOTCONN));
    mount.mount();
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    assert_eq!(
        system::mounts_below(&mount.mountpoint()).len(),
        1,
        "not one above the other"
    );
}

#[test]
fn a_mount_that_nobody_serves_any_more_is_removed_by_unmount() {
    let mount = Scripted::with_value(value("a", 64));
    let mut all: Vec<String> = mount
        .processes()
        .iter()
        .map(|p| p.pid.to_string())
        .collect();
    all.insert(0, "-STOP".into());
    std::process::Command::new("kill")
        .args(&all)
        .status()
        .expect("kill");
    all[0] = "-KILL".into();
    std::process::Command::new("kill")
        .args(&all)
        .status()
        .expect("kill");
    mount.wait_for_no_process();
    mount.unmount();
}

#[test]
fn a_mount_that_got_the_number_of_one_that_is_gone_is_left_alone() {
    let mount = Scripted::with_value(value("a", 64));
    let mounts = mountinfo::read().expect("mountinfo");
    let ours = mountinfo::top_at(&mounts, &mount.mountpoint()).expect("a mount");
    // The kernel gives the lowest number that is free: that of what was unmounted a moment ago.
    let gone = Mounted {
        mountpoint: mount.path("gone"),
        device: ours.device,
    };
    recover::remove(&gone).expect("nothing is there");
    assert_eq!(mount.read("a"), Ok(value("a", 64)), "its connection lives");
}
