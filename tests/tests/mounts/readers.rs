//! Ways to read, all of which give the same bytes.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::probe::bytes;
use secretfs_tests::script::{Outcome, Step, to_hex};

const LEN: usize = 9_001;

#[test]
fn a_file_has_the_exact_bytes_and_belongs_to_the_user() {
    let mut exact = value("exact", 200);
    exact.extend([0, 1, 0xff, b'\r', b'\n', b' ', b'\n', b'\n']);
    let mount = Scripted::mounted(
        "",
        &["{name: A, file: a}", "{name: A, file: b, mode: '0400'}"],
    );
    mount.sim.set("A", &exact);
    let mut probe = mount.probe();
    assert_eq!(probe.slurp(mount.file("a")), Ok(exact.clone()));
    assert_eq!(probe.slurp(mount.file("b")), Ok(exact));
    let user = secretfs_tests::user::mounting();
    for (file, mode) in [("a", 0o100_600), ("b", 0o100_400), ("", 0o040_700)] {
        let stat = probe.stat(mount.file(file));
        assert_eq!(
            (stat.mode, stat.uid, stat.gid),
            (mode, user.uid, user.gid),
            "{file:?}"
        );
    }
}

#[test]
fn pread_and_lseek_give_any_part_in_any_order() {
    let all = value("parts", LEN);
    let mount = Scripted::with_value(&all);
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    assert_eq!(probe.fstat(fd).size, LEN as u64);
    for (from, len) in [
        (9_000, 10),
        (0, 1),
        (4_095, 2),
        (4_096, 4_096),
        (0, 20_000),
        (8_000, 1_001),
    ] {
        let expected = &all[from..LEN.min(from + len)];
        assert_eq!(
            probe.pread(fd, from as u64, len),
            expected,
            "{len} at {from}"
        );
    }
    assert!(probe.pread(fd, LEN as u64, 10).is_empty());
    assert!(probe.pread(fd, 1 << 40, 10).is_empty());
    assert_eq!(
        probe.run(&Step::SeekEnd { fd, offset: -5 }),
        Outcome::Number(LEN as u64 - 5)
    );
    assert_eq!(
        bytes(probe.run(&Step::Read { fd, len: 100 })),
        &all[LEN - 5..]
    );
    assert_eq!(
        probe.run(&Step::Seek { fd, offset: 10 }),
        Outcome::Number(10)
    );
    assert_eq!(bytes(probe.run(&Step::Read { fd, len: 3 })), &all[10..13]);
    assert_eq!(mount.sim.count(), 1);
}

#[test]
fn shared_and_private_mappings_have_the_bytes() {
    let all = value("mapped", LEN);
    let mount = Scripted::with_value(&all);
    let mut probe = mount.probe();
    for shared in [true, false] {
        let fd = probe.open(mount.file("a"));
        let Outcome::Handle(map) = probe.run(&Step::Map {
            fd,
            len: LEN,
            shared,
        }) else {
            panic!("mmap, shared: {shared}");
        };
        let map = usize::try_from(map).expect("a number");
        assert_eq!(
            bytes(probe.run(&Step::Peek { map, len: LEN })),
            all,
            "shared: {shared}"
        );
        // The mapping outlives its descriptor.
        probe.run(&Step::Close { fd });
        assert_eq!(bytes(probe.run(&Step::Peek { map, len: 100 })), &all[..100]);
        probe.run(&Step::Unmap { map });
    }
}

#[test]
fn sendfile_and_splice_have_the_bytes() {
    let all = value("sent", LEN);
    let mount = Scripted::with_value(&all);
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    assert_eq!(
        bytes(probe.run(&Step::Sendfile {
            fd,
            offset: 0,
            len: 20_000
        })),
        all
    );
    assert_eq!(
        bytes(probe.run(&Step::Splice {
            fd,
            offset: 0,
            len: 20_000
        })),
        all
    );
    assert_eq!(
        bytes(probe.run(&Step::Sendfile {
            fd,
            offset: 100,
            len: 50
        })),
        &all[100..150]
    );
    assert_eq!(
        bytes(probe.run(&Step::Splice {
            fd,
            offset: 8_000,
            len: 50
        })),
        &all[8_000..8_050]
    );
    // In whatever way they were asked for, they agree with read and fstat of the same handle.
    assert_eq!(probe.pread(fd, 0, 20_000), all);
    assert_eq!(probe.fstat(fd).size, LEN as u64);
}

#[test]
fn copy_file_range_has_the_bytes_or_says_that_it_cannot() {
    let all = value("copied", LEN);
    let mount = Scripted::with_value(&all);
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    match probe.run(&Step::CopyRange { fd, len: LEN }) {
        Outcome::Bytes(hex) => assert_eq!(hex, to_hex(&all)),
        // Between file systems of different types, as Linux 5.19 and later say it.
        Outcome::Failed(errno) => assert!([libc::EXDEV, libc::EINVAL].contains(&errno), "{errno}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn unmodified_programs_read_the_bytes() {
    let all = value("programs", LEN);
    let mount = Scripted::with_value(&all);
    let file = mount.file("a");
    let path = file.to_str().expect("UTF-8");
    let python = format!("import sys; sys.stdout.buffer.write(open({path:?}, 'rb').read())");
    let copy = "import shutil, sys; shutil.copyfileobj(open(sys.argv[1], 'rb'), sys.stdout.buffer)";
    let node = "process.stdout.write(require('fs').readFileSync(process.argv[1]))";
    let commands: &[&[&str]] = &[
        &["cat", path],
        &["dd", "status=none", "bs=7", &format!("if={path}")],
        &["head", "-c", "100000", path],
        &["tail", "-c", "+1", path],
        &["/usr/bin/python3", "-c", &python],
        &["/usr/bin/python3", "-c", copy, path],
        &["node", "-e", node, path],
        &["bash", "-c", "cat <\"$0\"", path],
    ];
    for command in commands {
        let output = mount
            .command(command[0])
            .args(&command[1..])
            .output()
            .expect("a program");
        assert!(
            output.status.success(),
            "{command:?}: {}",
            secretfs_tests::fixture::told(&output)
        );
        assert_eq!(output.stdout, all, "{command:?}");
    }
    assert_eq!(mount.sim.count(), 1);
}

#[test]
fn concurrent_readers_of_one_file_see_the_same_bytes() {
    let all = value("shared", LEN);
    let mount = Scripted::with_value(&all);
    let path = mount.file("a").to_str().expect("UTF-8").to_owned();
    let step = Step::SlurpConcurrently { path, threads: 100 };
    let outcome = mount.probe().run(&step);
    assert_eq!(
        outcome,
        Outcome::Tally(vec![(Outcome::Bytes(to_hex(&all)), 100)])
    );
    assert_eq!(mount.sim.count(), 1);
}

#[test]
fn nothing_stays_in_the_page_cache_after_the_last_close() {
    let mount = Scripted::with_value(value("cached", LEN));
    let mut probe = mount.probe();
    let fd = probe.open(mount.file("a"));
    probe.pread(fd, 0, LEN);
    assert_eq!(
        probe.run(&Step::CachedPages { fd }),
        Outcome::Number(0),
        "a plain read fills nothing"
    );
    let Outcome::Handle(map) = probe.run(&Step::Map {
        fd,
        len: LEN,
        shared: false,
    }) else {
        panic!("mmap");
    };
    let map = usize::try_from(map).expect("a number");
    probe.run(&Step::Peek { map, len: LEN });
    probe.run(&Step::Sendfile {
        fd,
        offset: 0,
        len: LEN,
    });
    probe.run(&Step::Unmap { map });
    probe.run(&Step::Close { fd });
    // The release is asynchronous, and so is the invalidation after it.
    let fd = probe.open(mount.file("a"));
    secretfs_tests::wait::until("the pages are gone", || {
        (probe.run(&Step::CachedPages { fd }) == Outcome::Number(0)).then_some(())
    });
}
