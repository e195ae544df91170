//! How a session ends, and what does not end it.

use crate::fake::file;
use crate::mount::{Mounted, eventually};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use secretfs_fs::fuse::EndReason;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

fn reason(mounted: &Mounted) -> EndReason {
    let ended = mounted.ended.lock().unwrap();
    ended.recv_timeout(Duration::from_secs(10)).unwrap()
}

#[test]
fn an_unmount_is_told() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.unmount();
    let reason = reason(&mounted);
    assert!(matches!(reason, EndReason::Unmounted), "{reason:?}");
}

#[test]
fn an_abort_is_told_apart() {
    let mounted = Mounted::new(&[file("a")]);
    let device = std::fs::metadata(mounted.root()).unwrap().dev();
    let minor = rustix::fs::minor(device).to_string();
    // Not mounted everywhere; only root can make up for that.
    let control = tempfile::tempdir().unwrap();
    let own = mount("none", control.path(), "fusectl", MountFlags::empty(), None).is_ok();
    let control = if own {
        control.path()
    } else {
        Path::new("/sys/fs/fuse/connections")
    };
    let aborted = std::fs::write(control.join(minor).join("abort"), "1");
    if own {
        unmount(control, UnmountFlags::DETACH).unwrap();
    }
    if aborted.is_err() {
        return eprintln!("skipped: no fusectl");
    }
    let reason = reason(&mounted);
    assert!(matches!(reason, EndReason::Aborted), "{reason:?}");
}

#[test]
fn after_the_end_a_lock_waits_for_nobody() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    assert_eq!(mounted.read("a"), b"value");
    mounted.unmount();
    reason(&mounted);
    let done = mounted.world.fs.lock();
    mounted
        .world
        .wait(async { tokio::time::timeout(Duration::from_secs(10), done).await })
        .unwrap()
        .unwrap();
}

#[test]
fn a_panic_in_one_request_is_eio_and_the_mount_lives() {
    let mounted = Mounted::new(&[file("a"), file("b")]);
    mounted.world.set("a", b"value");
    mounted.world.set("b", b"bee");
    mounted.world.vault.panic_at_peek(true);
    assert_eq!(mounted.errno("a"), rustix::io::Errno::IO.raw_os_error());
    mounted.world.vault.panic_at_peek(false);
    assert_eq!(mounted.read("b"), b"bee");
    // The same in a task.
    mounted.world.vault.panic_at_open(true);
    assert_eq!(mounted.errno("a"), rustix::io::Errno::IO.raw_os_error());
    mounted.world.vault.panic_at_open(false);
    assert_eq!(mounted.read("a"), b"value");
    eventually("nobody waits", || mounted.world.fs.waiting() == 0);
}
