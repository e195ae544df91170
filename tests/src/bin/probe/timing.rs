//! How long things take, measured where they are done: nothing of the test's own is in the figure.

use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::io::Errno;
use secretfs_tests::script::{Crowd, Outcome};
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::Instant;

/// The stack of a reader: a thousand of them are nothing.
const STACK: usize = 128 << 10;

/// Opens, measures, reads and closes a file so often.
pub(crate) fn rounds(path: &str, times: u32) -> Result<u64, Errno> {
    let mut buffer = vec![0; 128 << 10];
    let start = Instant::now();
    for _ in 0..times {
        round(path, &mut buffer)?;
    }
    Ok(nanoseconds(start))
}

/// The same by many threads, which start at once.
pub(crate) fn crowd(path: &str, readers: usize, times: u32) -> Crowd {
    let barrier = Barrier::new(readers + 1);
    let read = || {
        let mut buffer = vec![0; 16 << 10];
        barrier.wait();
        let mut all = Vec::new();
        for _ in 0..times {
            let start = Instant::now();
            let end = round(path, &mut buffer);
            all.push((nanoseconds(start), end.err()));
        }
        all
    };
    let (whole, all) = std::thread::scope(|scope| {
        let builder = || std::thread::Builder::new().stack_size(STACK);
        let readers: Vec<_> = (0..readers)
            .map(|_| builder().spawn_scoped(scope, read).expect("a thread"))
            .collect();
        barrier.wait();
        let start = Instant::now();
        let ends = readers.into_iter().map(|reader| reader.join());
        let all: Vec<_> = ends.flat_map(|all| all.expect("a reader")).collect();
        (nanoseconds(start), all)
    });
    let mut took: Vec<u64> = all.iter().map(|(took, _)| *took).collect();
    took.sort_unstable();
    let failures: Vec<Errno> = all.iter().filter_map(|(_, failure)| *failure).collect();
    Crowd {
        whole,
        reads: took.len() as u64,
        failed: failures.len() as u64,
        errno: failures.first().map_or(0, |errno| errno.raw_os_error()),
        p50: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
    }
}

/// Starts a program and waits for its end.
pub(crate) fn launch(args: &[String]) -> std::io::Result<Outcome> {
    let (program, rest) = args.split_first().expect("a program");
    // A file and not a pipe: what it leaves running would keep that open.
    let mut told = std::fs::File::from(rustix::fs::memfd_create("told", MemfdFlags::CLOEXEC)?);
    let mut command = Command::new(program);
    command.args(rest);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(told.try_clone()?);
    let start = Instant::now();
    let status = command.status()?;
    let took = nanoseconds(start);
    if status.success() {
        return Ok(Outcome::Nanoseconds(took));
    }
    let mut text = String::new();
    told.rewind()?;
    told.read_to_string(&mut text)?;
    Ok(Outcome::Ended(format!("{status}: {text}")))
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn round(path: &str, buffer: &mut [u8]) -> Result<(), Errno> {
    let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let size = rustix::fs::fstat(&fd)?.st_size;
    let mut have = 0;
    loop {
        let read = rustix::io::read(&fd, &mut *buffer)?;
        if read == 0 {
            break;
        }
        have += read;
    }
    if i64::try_from(have) == Ok(size) {
        return Ok(());
    }
    // Not an errno of the kernel's for this: an fstat that does not agree with the bytes.
    Err(Errno::BADMSG)
}
