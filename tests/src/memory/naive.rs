//! The program `naive`, which reads files into ordinary memory.

use crate::fixture::Fixture;
use crate::place::link_executable;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// It, with the files read.
#[derive(Debug)]
pub struct Naive(Child);

impl Naive {
    /// Has it read files as the mounting user.
    ///
    /// # Panics
    /// It could not read all of them.
    #[must_use]
    pub fn read(fixture: &Fixture, files: &[PathBuf]) -> Self {
        let program = link_executable("naive", &fixture.path(""));
        let mut child = fixture
            .command(program)
            .args(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe"))
            .read_line(&mut line)
            .expect("a line");
        assert_eq!(line.trim(), files.len().to_string());
        Self(child)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
