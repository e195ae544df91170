//! Drives a probe: a process of the mounting user that does system calls one by one.

use crate::script::{Change, Outcome, Stat, Step, from_hex};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running probe. Ends when dropped.
#[derive(Debug)]
pub struct Probe {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Probe {
    /// Starts the probe that `command` names.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the probe");
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Hands over a step without waiting for what comes of it.
    ///
    /// # Panics
    /// The probe is gone.
    pub fn begin(&mut self, step: &Step) {
        let mut line = serde_json::to_string(step).expect("a step");
        line.push('\n');
        let input = self.input.as_mut().expect("a running probe");
        input.write_all(line.as_bytes()).expect("the probe listens");
    }

    /// What came of the step that was begun.
    ///
    /// # Panics
    /// The probe is gone.
    pub fn finish(&mut self) -> Outcome {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).expect("the probe lives and answers")
    }

    /// One step, and what came of it.
    pub fn run(&mut self, step: &Step) -> Outcome {
        self.begin(step);
        self.finish()
    }

    /// Opens for reading.
    ///
    /// # Panics
    /// It cannot be opened.
    pub fn open(&mut self, path: impl AsRef<std::path::Path>) -> i32 {
        match self.try_open(path) {
            Ok(fd) => fd,
            Err(errno) => panic!("open: {}", name(errno)),
        }
    }

    /// Opens for reading; the errno where that fails.
    ///
    /// # Errors
    /// The errno.
    pub fn try_open(&mut self, path: impl AsRef<std::path::Path>) -> Result<i32, i32> {
        let path = text(path);
        match self.run(&Step::Open { path, flags: 0 }) {
            Outcome::Handle(fd) => Ok(fd),
            Outcome::Failed(errno) => Err(errno),
            other => panic!("open: {other:?}"),
        }
    }

    /// The attributes of an open file.
    ///
    /// # Panics
    /// fstat fails.
    pub fn fstat(&mut self, fd: i32) -> Stat {
        match self.run(&Step::Fstat { fd }) {
            Outcome::Stat(stat) => stat,
            other => panic!("fstat: {other:?}"),
        }
    }

    /// The attributes of a file that is not open.
    ///
    /// # Panics
    /// stat fails.
    pub fn stat(&mut self, path: impl AsRef<std::path::Path>) -> Stat {
        match self.run(&Step::Stat { path: text(path) }) {
            Outcome::Stat(stat) => stat,
            other => panic!("stat: {other:?}"),
        }
    }

    /// Bytes at an offset.
    ///
    /// # Panics
    /// pread fails.
    pub fn pread(&mut self, fd: i32, offset: u64, len: usize) -> Vec<u8> {
        bytes(self.run(&Step::Pread { fd, offset, len }))
    }

    /// The whole file, opened, measured, read and closed; the errno where that fails.
    ///
    /// # Errors
    /// The errno; `EBADMSG` where fstat's size was not the number of bytes.
    pub fn slurp(&mut self, path: impl AsRef<std::path::Path>) -> Result<Vec<u8>, i32> {
        match self.run(&Step::Slurp { path: text(path) }) {
            Outcome::Bytes(hex) => Ok(from_hex(&hex)),
            Outcome::Failed(errno) => Err(errno),
            other => panic!("slurp: {other:?}"),
        }
    }

    /// The sorted names of a folder.
    ///
    /// # Panics
    /// It cannot be listed.
    pub fn list(&mut self, path: impl AsRef<std::path::Path>) -> Vec<String> {
        match self.run(&Step::List { path: text(path) }) {
            Outcome::Names(names) => names,
            other => panic!("list: {other:?}"),
        }
    }

    /// An extended attribute, as text.
    ///
    /// # Errors
    /// The errno.
    pub fn attribute(
        &mut self,
        path: impl AsRef<std::path::Path>,
        name: &str,
    ) -> Result<String, i32> {
        let step = Step::Attribute {
            path: text(path),
            name: name.to_owned(),
        };
        match self.run(&step) {
            Outcome::Bytes(hex) => Ok(String::from_utf8(from_hex(&hex)).expect("text")),
            Outcome::Failed(errno) => Err(errno),
            other => panic!("getxattr: {other:?}"),
        }
    }

    /// Tries to change something; the errno of the refusal, 0 where it worked.
    ///
    /// # Panics
    /// The probe is gone.
    pub fn attempt(&mut self, what: Change, path: impl AsRef<std::path::Path>) -> i32 {
        match self.run(&Step::Attempt {
            what,
            path: text(path),
        }) {
            Outcome::Done => 0,
            Outcome::Failed(errno) => errno,
            other => panic!("{what:?}: {other:?}"),
        }
    }

    /// Waits for the probe to end by itself, after a signal say.
    ///
    /// # Panics
    /// It does not.
    pub fn ended_within(&mut self, limit: std::time::Duration) -> std::process::ExitStatus {
        crate::wait::within(limit, "the probe ends", || {
            self.child.try_wait().expect("wait")
        })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may be blocked in an open: SIGKILL must reach it there, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of an outcome.
///
/// # Panics
/// It has none.
#[must_use]
pub fn bytes(outcome: Outcome) -> Vec<u8> {
    match outcome {
        Outcome::Bytes(hex) => from_hex(&hex),
        Outcome::Failed(errno) => panic!("failed: {}", name(errno)),
        other => panic!("no bytes: {other:?}"),
    }
}

fn text(path: impl AsRef<std::path::Path>) -> String {
    path.as_ref().to_str().expect("a path in UTF-8").to_owned()
}

fn name(errno: i32) -> String {
    std::io::Error::from_raw_os_error(errno).to_string()
}
