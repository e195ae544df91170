//! One open sees one version; the next open sees the new one. Reads of old and new handles are
//! interleaved, through every way to read: contract fuse.md §3 measured how one inode mixes them up.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::probe::{Probe, bytes};
use secretfs_tests::script::{Outcome, Step};
use std::time::Duration;

struct Handle {
    fd: i32,
    map: usize,
    expected: Vec<u8>,
}

fn open(probe: &mut Probe, mount: &Scripted, expected: Vec<u8>) -> Handle {
    let fd = probe.open(mount.file("a"));
    let step = Step::Map {
        fd,
        len: expected.len(),
        shared: true,
    };
    let Outcome::Handle(map) = probe.run(&step) else {
        panic!("mmap")
    };
    Handle {
        fd,
        map: usize::try_from(map).expect("a number"),
        expected,
    }
}

/// Every way to read says the version that was current when the handle was opened.
fn agrees(probe: &mut Probe, handle: &Handle) {
    let Handle { fd, map, expected } = handle;
    let (fd, map, len) = (*fd, *map, 100_000);
    assert_eq!(probe.fstat(fd).size, expected.len() as u64, "fstat");
    assert_eq!(&probe.pread(fd, 0, len), expected, "pread");
    assert_eq!(
        &bytes(probe.run(&Step::Peek { map, len })),
        expected,
        "mmap"
    );
    assert_eq!(
        &bytes(probe.run(&Step::Sendfile {
            fd,
            offset: 0,
            len: 60_000
        })),
        expected,
        "sendfile"
    );
    assert_eq!(
        &bytes(probe.run(&Step::Splice {
            fd,
            offset: 0,
            len: 60_000
        })),
        expected,
        "splice"
    );
}

fn rotate(from: usize, to: usize) {
    let first = value("one", from);
    let second = value("two", to);
    let mount = Scripted::mounted("ttl: 5m", &["{name: A, file: a}"]);
    mount.sim.set("A", &first);
    let mut probe = mount.probe();
    let old = open(&mut probe, &mount, first.clone());
    agrees(&mut probe, &old);
    let old_inode = probe.fstat(old.fd).ino;

    mount.sim.set("A", &second);
    assert_eq!(probe.slurp(mount.file("a")), Ok(first), "within its ttl");
    mount.advance(Duration::from_secs(301));
    let new = open(&mut probe, &mount, second);
    for _ in 0..3 {
        agrees(&mut probe, &old);
        agrees(&mut probe, &new);
    }
    let new_inode = probe.fstat(new.fd).ino;
    assert_ne!(old_inode, new_inode, "as after an atomic rename");
    assert_eq!(probe.fstat(old.fd).ino, old_inode);
    assert_eq!(probe.stat(mount.file("a")).ino, new_inode);

    // Closing the new one leaves the old one whole.
    probe.run(&Step::Unmap { map: new.map });
    probe.run(&Step::Close { fd: new.fd });
    agrees(&mut probe, &old);
}

#[test]
fn handles_keep_their_version_across_a_rotation_to_a_longer_value() {
    rotate(3_000, 5_000);
}

#[test]
fn handles_keep_their_version_across_a_rotation_to_a_shorter_value() {
    rotate(50_000, 20);
}

#[test]
fn handles_keep_their_version_across_a_rotation_of_the_same_length() {
    rotate(3_000, 3_000);
}

#[test]
fn refresh_shows_a_rotated_value_at_once() {
    let mount = Scripted::with_value(value("one", 64));
    assert_eq!(mount.read("a"), Ok(value("one", 64)));
    mount.sim.set("A", value("two", 80));
    assert_eq!(mount.read("a"), Ok(value("one", 64)));
    mount.run(["refresh"]);
    assert_eq!(mount.read("a"), Ok(value("two", 80)));
}

#[test]
fn a_program_that_holds_the_folder_open_sees_the_new_version() {
    let mount = Scripted::with_value(value("one", 64));
    let mut probe = mount.probe();
    let path = mount.mountpoint().to_str().expect("UTF-8").to_owned();
    assert_eq!(probe.run(&Step::Enter { path }), Outcome::Done);
    assert_eq!(probe.slurp("a"), Ok(value("one", 64)));
    mount.sim.set("A", value("two", 80));
    mount.advance(Duration::from_secs(301));
    assert_eq!(probe.slurp("a"), Ok(value("two", 80)));
    // It must not keep the mount busy at the end.
    probe.run(&Step::Enter { path: "/".into() });
}
