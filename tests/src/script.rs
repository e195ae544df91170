//! What a test says to the probe and what it answers: one line of JSON each.
//!
//! The process of a test may be root, whom the kernel keeps out of the mount. The probe runs as the
//! mounting user, does one system call after the other, and tells what came of it.

use serde::{Deserialize, Serialize};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the arguments of the system calls")]
pub enum Step {
    /// open(2).
    Open { path: String, flags: i32 },
    /// close(2).
    Close { fd: i32 },
    /// fstat(2).
    Fstat { fd: i32 },
    /// stat(2), no open.
    Stat { path: String },
    /// read(2).
    Read { fd: i32, len: usize },
    /// pread(2).
    Pread { fd: i32, offset: u64, len: usize },
    /// preadv(2) into buffers of these lengths.
    ReadVector {
        fd: i32,
        offset: u64,
        lens: Vec<usize>,
    },
    /// lseek(2) with SEEK_DATA, or SEEK_HOLE.
    SeekHole { fd: i32, offset: u64, data: bool },
    /// lseek(2), from the start.
    Seek { fd: i32, offset: u64 },
    /// lseek(2), from the end.
    SeekEnd { fd: i32, offset: i64 },
    /// mmap(2) of the first `len` bytes, for reading.
    Map { fd: i32, len: usize, shared: bool },
    /// Reads a mapping; a page that is gone is EFAULT here, SIGBUS elsewhere.
    Peek { map: usize, len: usize },
    /// munmap(2).
    Unmap { map: usize },
    /// sendfile(2) into a pipe.
    Sendfile { fd: i32, offset: u64, len: usize },
    /// splice(2) into a pipe.
    Splice { fd: i32, offset: u64, len: usize },
    /// copy_file_range(2) into a memory file.
    CopyRange { fd: i32, len: usize },
    /// open, fstat, read to the end, close.
    Slurp { path: String },
    /// `Slurp` from that many threads at once; all must say the same.
    SlurpConcurrently { path: String, threads: usize },
    /// `Slurp` of different files, a thread for each of them, at once.
    SlurpEach { paths: Vec<String> },
    /// The same, and how long each took.
    SlurpTimed { paths: Vec<String> },
    /// `Slurp` one after the other.
    SlurpRepeatedly { path: String, times: usize },
    /// The names of a folder, sorted.
    List { path: String },
    /// getxattr(2).
    Attribute { path: String, name: String },
    /// Tries to change something.
    Attempt { what: Change, path: String },
    /// chdir(2).
    Enter { path: String },
    /// The pages of the file in the page cache (cachestat(2)).
    CachedPages { fd: i32 },
    /// `Slurp` without a look at the bytes, one after the other: how long each takes.
    Time { path: String, times: u32 },
    /// The same by that many threads at once, each so often.
    TimeCrowd {
        path: String,
        readers: usize,
        times: u32,
    },
    /// Starts a program with nothing to read, and waits for its end: how long it takes.
    Launch { args: Vec<String> },
    /// Moves the clock of the daemon (test builds).
    Advance { mountpoint: String, by_ms: u64 },
    /// Bytes that the daemon has in sealed areas, as it tells itself.
    Sealed { mountpoint: String },
    /// Says something to the helper of a mount: a request of its control socket, as JSON.
    Control { mountpoint: String, request: String },
}

/// Ways to change a file, all of which must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the system calls")]
pub enum Change {
    OpenForWriting,
    OpenForBoth,
    Create,
    Truncate,
    Unlink,
    Rmdir,
    Rename,
    Mkdir,
    Symlink,
    HardLink,
    Chmod,
    Chown,
    SetTimes,
    SetAttribute,
    Mknod,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It worked, and there is nothing to tell.
    Done,
    /// The kernel refused, with this errno.
    Failed(i32),
    /// A descriptor or a mapping.
    Handle(i32),
    /// Bytes, in hexadecimal.
    Bytes(String),
    /// A number: an offset, pages.
    Number(u64),
    /// The attributes of a file.
    Stat(Stat),
    /// Names.
    Names(Vec<String>),
    /// What concurrent readers saw: each outcome, and how many saw it.
    Tally(Vec<(Outcome, usize)>),
    /// What each of several saw.
    Each(Vec<Outcome>),
    /// What a helper answered, as JSON. A refusal is `Failed` with the exit status of the command.
    Answer(String),
    /// The same, and the microseconds that it took.
    Timed(Vec<(Outcome, u64)>),
    /// How long it took, in nanoseconds.
    Nanoseconds(u64),
    /// How long many readers took.
    Crowd(Crowd),
    /// The program did not end well: its status, and what it said.
    Ended(String),
}

/// How long many readers took, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// From the first one's start to the last one's end.
    pub whole: u64,
    /// How many reads there were.
    pub reads: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The errno of one that did, or 0.
    pub errno: i32,
    /// The read in the middle.
    pub p50: u64,
    /// The one that 99 of 100 are no slower than.
    pub p99: u64,
}

/// The attributes that tests look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of struct stat")]
pub struct Stat {
    pub size: u64,
    pub ino: u64,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub nlink: u64,
    pub mtime_ms: i64,
}

impl Crowd {
    /// How many failed, and why one of them did.
    #[must_use]
    pub fn failures(&self) -> String {
        match self.errno {
            0 => "0".into(),
            errno => {
                let why = std::io::Error::from_raw_os_error(errno);
                format!("{} of {}: {why}", self.failed, self.reads)
            }
        }
    }
}

impl std::ops::AddAssign for Crowd {
    /// Counts another one's reads and failures among its own.
    fn add_assign(&mut self, other: Self) {
        self.reads += other.reads;
        self.failed += other.failed;
        self.errno = self.errno.max(other.errno);
    }
}

/// Bytes as hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Hexadecimal as bytes.
///
/// # Panics
/// It is not hexadecimal.
#[must_use]
pub fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("hexadecimal");
            u8::from_str_radix(pair, 16).expect("hexadecimal")
        })
        .collect()
}
