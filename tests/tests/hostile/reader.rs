//! fsx, as far as it only reads: random reads of random files by random calls, against the bytes that were put
//! there. <https://github.com/linux-test-project/ltp> has the original, which writes.

use super::scripted::Scripted;
use secretfs_tests::fixture::value;
use secretfs_tests::fuzzing::mutate::Random;
use secretfs_tests::probe::Probe;
use secretfs_tests::script::{Outcome, Step, from_hex};

/// Lengths around what the kernel and the daemon read at once.
const LENGTHS: [usize; 10] = [
    1, 2, 100, 4_095, 4_096, 4_097, 65_536, 131_071, 131_073, 300_000,
];
/// Calls; ten times as many with `SECRETFS_LONG`.
const CALLS: usize = 1_500;

struct Reader<'a> {
    probe: Probe,
    mount: &'a Scripted,
    random: Random,
    /// Each open file: its descriptor, whose it is, and where its next read begins.
    open: Vec<(i32, usize, u64)>,
    files: Vec<Vec<u8>>,
}

impl Reader<'_> {
    fn place(&mut self, len: usize) -> u64 {
        // Around the ends, at boundaries of pages, and anywhere.
        let any = self.random.below(len + 10);
        let at = match self.random.below(4) {
            0 => len.saturating_sub(self.random.below(5)),
            1 => (any / 4096) * 4096,
            2 => 0,
            _ => any,
        };
        at as u64
    }

    fn one(&mut self) {
        if self.open.is_empty() || (self.open.len() < 16 && self.random.below(6) == 0) {
            let which = self.random.below(self.files.len());
            let fd = self.probe.open(self.mount.file(&format!("f{which}")));
            self.open.push((fd, which, 0));
            return;
        }
        let at = self.random.below(self.open.len());
        let (fd, which, position) = self.open[at];
        let bytes = self.files[which].clone();
        let offset = self.place(bytes.len());
        let len = 1 + self.random.below(2 * bytes.len().min(140_000));
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let expected = &bytes[from..bytes.len().min(from + len)];
        let told = |outcome: Outcome| match outcome {
            Outcome::Bytes(hex) => from_hex(&hex),
            other => panic!("f{which}: {other:?}"),
        };
        match self.random.below(9) {
            0 => {
                self.probe.run(&Step::Close { fd });
                self.open.swap_remove(at);
            }
            1 => {
                assert_eq!(
                    self.probe.run(&Step::Seek { fd, offset }),
                    Outcome::Number(offset)
                );
                self.open[at].2 = offset;
            }
            2 => {
                // The handle's own position.
                let from = usize::try_from(position)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let read = told(self.probe.run(&Step::Read { fd, len }));
                assert_eq!(
                    read,
                    bytes[from..bytes.len().min(from + len)],
                    "f{which}: {len} at its position {position}"
                );
                self.open[at].2 = position + read.len() as u64;
            }
            3 => assert_eq!(self.probe.fstat(fd).size, bytes.len() as u64),
            4 => {
                let read = told(self.probe.run(&Step::ReadVector {
                    fd,
                    offset,
                    lens: vec![1, len / 3, 0, len],
                }));
                let most = 1 + len / 3 + len;
                assert_eq!(
                    read,
                    bytes[from..bytes.len().min(from + most)],
                    "f{which}: readv of {most} at {offset}"
                );
            }
            5 if from < bytes.len() => {
                let sent = told(self.probe.run(&Step::Sendfile {
                    fd,
                    offset,
                    len: len.min(60_000),
                }));
                // As much as the pipe takes at once.
                assert!(
                    !sent.is_empty() && bytes[from..].starts_with(&sent),
                    "f{which}: sendfile of {len} at {offset}"
                );
            }
            6 if from < bytes.len() => {
                let moved = told(self.probe.run(&Step::Splice {
                    fd,
                    offset,
                    len: len.min(60_000),
                }));
                assert!(
                    !moved.is_empty() && bytes[from..].starts_with(&moved),
                    "f{which}: splice of {len} at {offset}"
                );
            }
            7 => self.holes(fd, offset, bytes.len()),
            _ => assert_eq!(
                self.probe.pread(fd, offset, len),
                expected,
                "f{which}: {len} at {offset}"
            ),
        }
    }

    /// A file is data from its beginning to its end, and has one hole, behind it.
    fn holes(&mut self, fd: i32, offset: u64, len: usize) {
        let len = len as u64;
        let at = |index: usize, position: u64, open: &mut Vec<(i32, usize, u64)>| {
            open[index].2 = position;
        };
        let index = self
            .open
            .iter()
            .position(|(open, _, _)| *open == fd)
            .expect("open");
        for (data, expected) in [(true, offset), (false, len)] {
            let outcome = self.probe.run(&Step::SeekHole { fd, offset, data });
            if offset < len {
                assert_eq!(
                    outcome,
                    Outcome::Number(expected),
                    "data: {data}, {offset} of {len}"
                );
                at(index, expected, &mut self.open);
            } else {
                assert_eq!(
                    outcome,
                    Outcome::Failed(libc::ENXIO),
                    "data: {data}, {offset} of {len}"
                );
            }
        }
    }
}

#[test]
fn random_reads_by_every_call_have_the_bytes_that_are_there() {
    let files: Vec<Vec<u8>> = LENGTHS
        .iter()
        .enumerate()
        .map(|(n, len)| exactly(n, *len))
        .collect();
    let entries: Vec<String> = (0..files.len())
        .map(|n| format!("{{name: x{n}/A, file: f{n}}}"))
        .collect();
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mount = Scripted::mounted("", &entries);
    for (n, bytes) in files.iter().enumerate() {
        mount.sim.set(&format!("x{n}/A"), bytes);
    }
    let calls = if std::env::var_os("SECRETFS_LONG").is_some() {
        CALLS * 10
    } else {
        CALLS
    };
    let mut reader = Reader {
        probe: mount.probe(),
        mount: &mount,
        random: Random::new(4),
        open: Vec::new(),
        files,
    };
    for _ in 0..calls {
        reader.one();
    }
    // Nothing was fetched more than once: every handle saw the version of its open.
    assert!(
        mount.sim.count() <= LENGTHS.len() * 2,
        "{} requests",
        mount.sim.count()
    );
}

/// So many bytes of a file, none like another's.
fn exactly(n: usize, len: usize) -> Vec<u8> {
    let mut random = Random::new(n as u64 + 1);
    let mut bytes = value(&n.to_string(), len.max(64));
    bytes.truncate(len);
    // The marker of the fixture stays, so that a copy on a disk is found.
    for byte in bytes.iter_mut().skip(64) {
        *byte = u8::try_from(random.below(256)).expect("a byte");
    }
    bytes
}
