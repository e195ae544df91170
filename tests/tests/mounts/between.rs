//! `unmount` between two steps of a helper that locks, or that mounts again at unlock: the test holds the
//! mountpoint's lock, as the one of them does that is at work at that moment. `lock` where the mount goes
//! before it has answered.

use crate::scripted::Scripted;
use rustix::fs::{FlockOperation, inotify};
use secretfs_tests::fixture::value;
use secretfs_tests::session::bus::Bus;
use secretfs_tests::session::simulated::Logind;
use secretfs_tests::session::wait_armed;
use secretfs_tests::{system, user, wait};
use std::fs::{File, Permissions};
use std::mem::MaybeUninit;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// The record of the one mount, once it is there.
fn record(mount: &Scripted) -> PathBuf {
    wait::until("the record", || {
        let files = std::fs::read_dir(mount.path("run/secretfs")).ok()?;
        let mut paths = files.flatten().map(|file| file.path());
        paths.find(|path| path.extension().is_some_and(|name| name == "json"))
    })
}

/// Takes the lock of the mountpoint whose record this is.
fn take_lock(record: &Path) -> File {
    let lock = File::create(record.with_extension("lock")).expect("a file");
    lock.set_permissions(Permissions::from_mode(0o666))
        .expect("for the mounting user too");
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("flock");
    lock
}

/// A helper that has just unmounted at a lock holds the mountpoint's lock until its record says so. With
/// `remount_on_unlock` it would mount again at the next unlock what was said to be unmounted.
#[test]
fn what_another_process_is_at_work_on_is_not_said_to_be_unmounted_before_it_is() {
    let mount = Scripted::with_value(value("a", 64));
    mount.run(["lock", "--all"]);
    mount.wait_for_no_mount();
    mount.wait_for_no_process();
    let record = record(&mount);
    let lock = take_lock(&record);
    let output = mount.secretfs(["unmount", "--all"]).output();
    let output = output.expect("secretfs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("by another process"), "{said}");
    assert!(record.exists());

    drop(lock);
    mount.run(["unmount", "--all"]);
    assert!(!record.exists());
}

/// The helper has seen that the mount is still locked, and waits for the lock to mount it again; what holds
/// the lock is `unmount`, which removes the record.
#[test]
fn what_is_unmounted_while_a_helper_sets_out_to_mount_it_again_stays_unmounted() {
    let mut mount = Scripted::new();
    let system = Bus::open(&mount.path(""), "system");
    mount.environment("DBUS_SYSTEM_BUS_ADDRESS", system.address());
    mount.set_map("remount_on_unlock: true", &["{name: A, file: a}"]);
    mount.sim.set("A", value("a", 64));
    let logind = Logind::start(&system);
    logind.add("c1", user::mounting().uid, "user");
    mount.mount();
    wait_armed(&mount, &["lock"]);
    logind.lock("c1");
    mount.wait_for_no_mount();
    wait::until("it says that it is locked", || {
        (mount.status()["state"] == "locked").then_some(())
    });
    let record = record(&mount);
    let lock = take_lock(&record);
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let opened = inotify::init(flags).expect("inotify");
    inotify::add_watch(
        &opened,
        record.with_extension("lock"),
        inotify::WatchFlags::OPEN,
    )
    .expect("a watch");
    logind.unlock("c1");
    let mut buffer = [MaybeUninit::uninit(); 256];
    let mut events = inotify::Reader::new(opened, &mut buffer);
    wait::until("the helper tries to take the lock", || {
        events.next().ok().map(drop)
    });
    std::fs::remove_file(&record).expect("the record");
    drop(lock);
    mount.wait_for_no_process();
    assert!(!mount.is_mounted() && !record.exists());
    assert_eq!(mount.sim.count(), 0, "nothing was read");
}

/// The socket of a command, once it has another one than `former`; `None`: it ended without.
fn socket_after(command: &mut Child, former: Option<&str>) -> Option<String> {
    wait::until("a connection", || {
        if command.try_wait().expect("a child").is_some() {
            return Some(None);
        }
        let open = std::fs::read_dir(format!("/proc/{}/fd", command.id())).ok()?;
        let targets = open.flatten().flat_map(|fd| std::fs::read_link(fd.path()));
        let mut sockets = targets.filter_map(|target| {
            let target = target.into_os_string().into_string().ok()?;
            target.starts_with("socket:").then_some(target)
        });
        let other = sockets.find(|socket| Some(socket.as_str()) != former);
        other.map(Some)
    })
}

/// At a logout, say, when `unmount` and the session's own `lock` meet: what is gone is locked.
#[test]
fn a_lock_whose_mount_goes_before_it_is_answered_has_locked() {
    let mount = Scripted::with_value(value("a", 64));
    let helper = mount.process("internal-mount-helper").pid;
    system::signal(helper, "STOP");
    // The first connection only asks whether the helper is there. A machine so busy that it was not seen
    // here sees the second one as the first, and the command end: then once more.
    let lock = (0..5).find_map(|_| {
        let mut lock = mount.secretfs(["lock", "--all"]);
        let lock = lock.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut lock = lock.expect("secretfs");
        let first = socket_after(&mut lock, None);
        let second = first.and_then(|first| socket_after(&mut lock, Some(&first)));
        second.map(|_| lock)
    });
    system::signal(helper, "KILL");
    let output = lock.expect("a request").wait_with_output();
    let output = output.expect("secretfs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(output.stdout.starts_with(b"locked "));
    mount.wait_for_no_mount();
}
