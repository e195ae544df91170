//! What only the real kernel can tell: that its retries, sizes and pages fit the tree's promises.

use crate::fake::{dir, file};
use crate::mount::{Mounted, eventually};
use crate::sys::Mapping;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn value(tag: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| tag ^ u8::try_from(at % 251).unwrap())
        .collect()
}

/// Everything that reads a file, each on the same handle, against the bytes that it must show.
fn agrees(file: &File, expected: &[u8]) {
    let len = expected.len();
    assert_eq!(file.metadata().unwrap().len(), len as u64, "fstat");
    let mut read = vec![0; len + 10];
    let n = file.read_at(&mut read, 0).unwrap();
    assert_eq!(&read[..n], expected, "pread");
    let middle = len / 2;
    let n = file.read_at(&mut read, middle as u64).unwrap();
    assert_eq!(&read[..n], &expected[middle..], "pread in the middle");
    let mut at = file;
    at.seek(SeekFrom::End(-1)).unwrap();
    let mut last = Vec::new();
    at.read_to_end(&mut last).unwrap();
    assert_eq!(last, expected[len - 1..], "lseek from the end");
    for shared in [false, true] {
        let mapping = Mapping::new(file, len, shared).unwrap();
        assert_eq!(mapping.bytes(), expected, "mmap, shared: {shared}");
    }
    assert_eq!(sent(file, len), expected, "sendfile");
    assert_eq!(spliced(file, len), expected, "splice");
}

fn sent(file: &File, len: usize) -> Vec<u8> {
    let mut target = tempfile::tempfile().unwrap();
    let mut offset = 0;
    while rustix::fs::sendfile(&target, file, Some(&mut offset), len + 10).unwrap() > 0 {}
    target.rewind().unwrap();
    let mut bytes = Vec::new();
    target.read_to_end(&mut bytes).unwrap();
    bytes
}

fn spliced(file: &File, len: usize) -> Vec<u8> {
    let (mut out, into) = std::io::pipe().unwrap();
    let mut offset = 0;
    let mut bytes = Vec::new();
    loop {
        let n = rustix::pipe::splice(
            file,
            Some(&mut offset),
            &into,
            None,
            len + 10,
            rustix::pipe::SpliceFlags::empty(),
        )
        .unwrap();
        if n == 0 {
            return bytes;
        }
        let mut piece = vec![0; n];
        out.read_exact(&mut piece).unwrap();
        bytes.extend(piece);
    }
}

#[test]
fn one_handle_shows_one_version_whatever_reads_it() {
    for len in [1, 387, 4_096, 4_097, 131_072, 1 << 20] {
        let mounted = Mounted::new(&[file("a")]);
        let bytes = value(7, len);
        mounted.world.set("a", &bytes);
        agrees(&mounted.open("a").unwrap(), &bytes);
        assert_eq!(mounted.world.vault.fetches(), 1);
    }
}

#[test]
fn the_first_system_call_after_a_cold_open_may_be_any() {
    let readers: [fn(&File, usize) -> Vec<u8>; 4] = [
        sent,
        spliced,
        |file, len| Mapping::new(file, len, true).unwrap().bytes(),
        |file, len| Mapping::new(file, len, false).unwrap().bytes(),
    ];
    for listed_before in [false, true] {
        for reader in readers {
            let mounted = Mounted::new(&[file("a")]);
            let bytes = value(1, 5_000);
            mounted.world.set("a", &bytes);
            if listed_before {
                // The kernel knows the name, and a size of 0.
                assert_eq!(mounted.size("a"), 0);
            }
            assert_eq!(reader(&mounted.open("a").unwrap(), 5_000), bytes);
        }
    }
}

#[test]
fn a_value_that_came_with_another_file_is_exact_at_its_first_open() {
    let mounted = Mounted::new(&[file("a")]);
    let bytes = value(1, 5_000);
    assert_eq!(mounted.size("a"), 0);
    mounted.world.set("a", &bytes);
    mounted.world.gathered("a");
    assert_eq!(sent(&mounted.open("a").unwrap(), 5_000), bytes);
    assert_eq!(mounted.world.vault.fetches(), 0);
}

#[test]
fn the_inode_stays_from_before_the_first_open_to_after_it() {
    // cp and tar refuse a file that "was replaced" between their stat and their open.
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    let before = std::fs::metadata(mounted.path("a")).unwrap();
    let opened = mounted.open("a").unwrap().metadata().unwrap();
    assert_eq!(before.ino(), opened.ino());
    assert_eq!((before.len(), opened.len()), (0, 5));
    let target = tempfile::tempdir().unwrap();
    for options in [["-a", "--sparse=never"], ["-a", "--reflink=auto"]] {
        mounted.world.expire("a");
        let copied = Command::new("cp")
            .args(options)
            .arg(mounted.path("a"))
            .arg(target.path())
            .output()
            .unwrap();
        assert!(copied.status.success(), "{copied:?}");
        assert_eq!(std::fs::read(target.path().join("a")).unwrap(), b"value");
    }
}

#[test]
fn a_rotation_to_another_length_leaves_the_old_handle_as_it_was() {
    let mounted = Mounted::new(&[file("a")]);
    let versions = [
        value(1, 3_000),
        value(2, 5_000),
        value(3, 10),
        value(4, 70_000),
    ];
    let mut held: Vec<(File, Mapping, &Vec<u8>)> = Vec::new();
    let mut inodes = Vec::new();
    for version in &versions {
        mounted.world.set("a", version);
        let handle = mounted.open("a").unwrap();
        let mapping = Mapping::new(&handle, version.len(), true).unwrap();
        inodes.push(handle.metadata().unwrap().ino());
        held.push((handle, mapping, version));
        // Old and new, interleaved, twice.
        for _ in 0..2 {
            for (handle, mapping, version) in &held {
                agrees(handle, version);
                assert_eq!(&mapping.bytes(), *version);
            }
        }
        assert_eq!(mounted.size("a"), version.len() as u64);
        assert_eq!(&mounted.read("a"), version);
    }
    inodes.dedup();
    assert_eq!(inodes.len(), versions.len());
}

#[test]
fn an_expired_value_that_did_not_change_keeps_its_inode_and_needs_no_retry() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"value");
    let first = mounted.open("a").unwrap().metadata().unwrap();
    mounted.world.expire("a");
    let second = mounted.open("a").unwrap().metadata().unwrap();
    assert_eq!((first.ino(), first.mtime()), (second.ino(), second.mtime()));
    assert_eq!(mounted.world.vault.fetches(), 2);
}

#[test]
fn stat_shows_a_version_that_a_refresh_published_though_nobody_opened_it() {
    use secretfs_fs::cache::CacheListener;
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"old");
    assert_eq!(mounted.read("a"), b"old");
    let inode = std::fs::metadata(mounted.path("a")).unwrap().ino();
    let snapshot = mounted.world.set("a", b"newer");
    let key = mounted.world.key("a");
    mounted.world.fs.published(key, &snapshot);
    eventually("the new size", || mounted.size("a") == 5);
    assert_ne!(std::fs::metadata(mounted.path("a")).unwrap().ino(), inode);
}

#[test]
fn an_old_handle_can_be_opened_again_through_proc() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", b"old");
    let old = mounted.open("a").unwrap();
    mounted.world.set("a", b"newer");
    assert_eq!(mounted.read("a"), b"newer");
    let proc = |file: &File| format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file));
    assert_eq!(std::fs::read(proc(&old)).unwrap(), b"old");
    let shell = Command::new("cat")
        .arg("/dev/stdin")
        .stdin(mounted.open("a").unwrap())
        .output()
        .unwrap();
    assert_eq!(shell.stdout, b"newer");
}

#[test]
fn many_readers_of_a_rotating_file_see_whole_versions_and_no_error() {
    let mounted = Mounted::new(&[file("a")]);
    mounted.world.set("a", &value(0, 1_000));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let bytes = mounted.read("a");
                    let tag = bytes[0];
                    assert_eq!(bytes, value(tag, 1_000 + usize::from(tag) * 100));
                }
            });
        }
        for tag in 1..50_u8 {
            mounted
                .world
                .set("a", &value(tag, 1_000 + usize::from(tag) * 100));
            std::thread::sleep(Duration::from_millis(2));
        }
    });
}

#[test]
fn a_walk_that_only_looks_fetches_nothing() {
    let mounted = Mounted::new(&[file("a"), file("sub/b"), file("sub/deeper/c")]);
    for command in [
        &["ls", "-lR"][..],
        &["find"],
        &["du", "-a"],
        &["file", "-L"],
        &["stat"],
    ] {
        let path = mounted.path(if command[0] == "file" { "a" } else { "" });
        if let Ok(output) = Command::new(command[0])
            .args(&command[1..])
            .arg(path)
            .output()
            && command[0] != "file"
        {
            assert!(output.status.success(), "{command:?}: {output:?}");
        }
    }
    let before = mounted.world.vault.fetches();
    assert_eq!(before, 0);
}

#[test]
fn a_slow_open_keeps_nobody_from_anything_else() {
    let mounted = Mounted::new(&[file("a"), file("b"), dir("d")]);
    mounted.world.set("b", b"value");
    assert_eq!(mounted.read("b"), b"value");
    mounted.world.set("a", b"slow");
    mounted.world.set_names("d", Ok(&["x"]));
    mounted.world.vault.hang(true);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| mounted.read("a"));
        let listing = scope.spawn(|| std::fs::read_dir(mounted.path("d")).unwrap().count());
        eventually("both wait", || {
            mounted.world.vault.fetches() == 2 && mounted.world.vault.lists() == 1
        });
        assert_eq!(std::fs::read_dir(mounted.root()).unwrap().count(), 3);
        assert_eq!(mounted.read("b"), b"value");
        assert_eq!(mounted.size("a"), 0);
        assert!(!slow.is_finished() && !listing.is_finished());
        mounted.world.vault.hang(false);
        assert_eq!(slow.join().unwrap(), b"slow");
        assert_eq!(listing.join().unwrap(), 1);
    });
}

#[test]
fn copy_file_range_copies_the_version_or_says_that_it_cannot() {
    let mounted = Mounted::new(&[file("a")]);
    let bytes = value(9, 9_000);
    mounted.world.set("a", &bytes);
    let source = mounted.open("a").unwrap();
    let target = tempfile::NamedTempFile::new().unwrap();
    match rustix::fs::copy_file_range(&source, Some(&mut 0), target.as_file(), None, 9_000) {
        Ok(n) => assert_eq!(std::fs::read(target.path()).unwrap(), bytes[..n]),
        // From FUSE to another file system the kernel refuses, and cp takes another way.
        Err(errno) => assert_eq!(errno, rustix::io::Errno::XDEV),
    }
}

#[test]
fn ten_thousand_files_are_listed_in_fifty_milliseconds() {
    let entries: Vec<_> = (0..10_000).map(|n| file(&format!("file-{n:05}"))).collect();
    let mounted = Mounted::new(&entries);
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            let output = Command::new("ls")
                .arg(mounted.root())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_eq!(output.stdout.split(|b| *b == b'\n').count(), 10_001);
            start.elapsed()
        })
        .min()
        .unwrap();
    eprintln!("ls of 10,000: {best:?}");
    // Unoptimised code is allowed three times as long.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 150 } else { 50 });
    assert!(best <= limit, "{best:?}");
}
