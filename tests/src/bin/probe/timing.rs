//! `probe time PATH MILLISECONDS`: opens, measures, reads and closes a file for that long, and prints
//! the nanoseconds of each round, the median over batches.

use rustix::fs::{Mode, OFlags};
use std::time::{Duration, Instant};

const BATCH: u32 = 50;

/// Does what the arguments say.
pub(crate) fn time() {
    let mut args = std::env::args().skip(2);
    let path = args.next().expect("a path");
    let limit = args
        .next()
        .expect("milliseconds")
        .parse()
        .expect("a number");
    let end = Instant::now() + Duration::from_millis(limit);
    let mut batches = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        for _ in 0..BATCH {
            round(&path);
        }
        batches.push(start.elapsed().as_nanos() / u128::from(BATCH));
    }
    batches.sort_unstable();
    #[expect(clippy::print_stdout, reason = "the answer")]
    {
        println!("{}", batches[batches.len() / 2]);
    }
}

fn round(path: &str) {
    let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).expect("open");
    let size = rustix::fs::fstat(&fd).expect("fstat").st_size;
    let mut buffer = [0; 16 * 1024];
    let mut have = 0;
    loop {
        let read = rustix::io::read(&fd, &mut buffer).expect("read");
        if read == 0 {
            break;
        }
        have += read;
    }
    assert_eq!(i64::try_from(have), Ok(size));
}
