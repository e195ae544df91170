//! `scanner`, to be run as root: for each line of standard input, a request of
//! `secretfs_tests::memory::client`, it looks for patterns in the memory of processes and answers with
//! one line. It writes what it finds, and never what it was looking for.

use secretfs_tests::memory::client::{Request, answer};
use std::io::{BufRead, Write};

fn main() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input");
        let request: Request = serde_json::from_str(&line).expect("a request");
        let report = serde_json::to_string(&answer(&request)).expect("a report");
        if writeln!(out, "{report}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
    }
}
