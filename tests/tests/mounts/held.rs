//! Everything that a reader may have of a mount at the moment of a lock, and that none of it can be read
//! afterwards.

use crate::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::probe::Probe;
use secretfs_tests::script::{Outcome, Step};
use secretfs_tests::{system, wait};

const LEN: usize = 9_000;
/// Opens that wait for a provider that hangs.
const WAITING: usize = 100;

/// The entries that [`Held::on`] needs in the map.
pub(crate) const ENTRIES: [&str; 2] = ["{name: A, file: a}", "{name: x/SLOW, file: slow}"];

/// What is held.
pub(crate) struct Held {
    probe: Probe,
    fd: i32,
    maps: [usize; 2],
    waiting: Probe,
    elsewhere: Probe,
    elsewhere_fd: i32,
    minor: u32,
}

impl Held {
    /// An open file, a shared and a private mapping, a working folder inside, a copy of the mount in
    /// another mount namespace with a file open there, and opens that wait.
    pub(crate) fn on(mount: &Scripted) -> Self {
        mount.sim.set("A", value("a", LEN));
        mount.sim.hang("x/SLOW");
        mount.sim.set("x/SLOW", value("late", 64));
        let mut probe = mount.probe();
        let fd = probe.open(mount.file("a"));
        let maps = [true, false].map(|shared| map(&mut probe, fd, shared));
        let path = text(&mount.mountpoint());
        assert_eq!(probe.run(&Step::Enter { path }), Outcome::Done);
        let mut elsewhere = mount.probe_in_a_namespace();
        let elsewhere_fd = elsewhere.open(mount.file("a"));
        assert_eq!(elsewhere.pread(elsewhere_fd, 0, LEN), value("a", LEN));
        let mut waiting = mount.probe();
        waiting.begin(&Step::SlurpConcurrently {
            path: text(&mount.file("slow")),
            threads: WAITING,
        });
        // One flight for all; each thread waits for the kernel.
        mount.sim.wait_held("x/SLOW", 1);
        let pid = waiting.pid();
        wait::until("all opens wait", || {
            (threads_that_wait(pid) >= WAITING).then_some(())
        });
        let minor = system::mounts_below(&mount.mountpoint())[0].minor;
        Self {
            probe,
            fd,
            maps,
            waiting,
            elsewhere,
            elsewhere_fd,
            minor,
        }
    }

    /// Whether the open file has stopped giving bytes.
    pub(crate) fn is_dead(&mut self) -> bool {
        let fd = self.fd;
        matches!(
            self.probe.run(&Step::Pread {
                fd,
                offset: 0,
                len: 10
            }),
            Outcome::Failed(_)
        )
    }

    /// Nothing of it can be read any more, whatever way.
    pub(crate) fn assert_all_gone(mut self, mount: &Scripted) {
        let fd = self.fd;
        // First: an attempt that fails leaves empty pages.
        let pages = self.probe.run(&Step::CachedPages { fd });
        assert_eq!(pages, Outcome::Number(0), "in the page cache");
        gone(
            &mut self.probe,
            &Step::Pread {
                fd,
                offset: 0,
                len: 10,
            },
        );
        let len = LEN;
        for offset in [0, 4096] {
            gone(&mut self.probe, &Step::Sendfile { fd, offset, len });
        }
        for map in self.maps {
            // EFAULT here is SIGBUS elsewhere.
            let peeked = self.probe.run(&Step::Peek { map, len: 10 });
            assert_eq!(peeked, Outcome::Failed(libc::EFAULT));
        }
        for path in ["a", "./a", "../secrets/a"] {
            self.probe.slurp(path).expect_err("from the working folder");
        }
        let fd = self.elsewhere_fd;
        gone(
            &mut self.elsewhere,
            &Step::Pread {
                fd,
                offset: 0,
                len: 10,
            },
        );
        self.elsewhere
            .slurp(mount.file("a"))
            .expect_err("in the other namespace");
        let Outcome::Tally(tally) = self.waiting.finish() else {
            panic!("a tally")
        };
        let answered: usize = tally.iter().map(|(_, count)| count).sum();
        assert_eq!(answered, WAITING, "{tally:?}");
        for (outcome, _) in tally {
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        }
        mount.sim.release("x/SLOW");
        let left = system::mounts_below("/".as_ref());
        if !mount.is_mounted() {
            assert!(left.iter().all(|line| line.minor != self.minor), "{left:?}");
        }
    }
}

fn gone(probe: &mut Probe, step: &Step) {
    match probe.run(step) {
        Outcome::Failed(errno) => assert!(
            [libc::EIO, libc::ENOTCONN, libc::ECONNABORTED, libc::ENODEV].contains(&errno),
            "{step:?}: {errno}"
        ),
        other => panic!("{step:?} reads on: {other:?}"),
    }
}

fn map(probe: &mut Probe, fd: i32, shared: bool) -> usize {
    let Outcome::Handle(map) = probe.run(&Step::Map {
        fd,
        len: LEN,
        shared,
    }) else {
        panic!("mmap");
    };
    let map = usize::try_from(map).expect("a number");
    assert!(matches!(
        probe.run(&Step::Peek { map, len: LEN }),
        Outcome::Bytes(_)
    ));
    map
}

fn threads_that_wait(pid: u32) -> usize {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    threads
        .into_iter()
        .flatten()
        .flatten()
        .filter(|thread| {
            let path = thread.path().join("wchan");
            let place = std::fs::read_to_string(path).unwrap_or_default();
            place.contains("request_wait_answer") || place.contains("fuse")
        })
        .count()
}

fn text(path: &std::path::Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}
