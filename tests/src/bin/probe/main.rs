//! Does system calls as the mounting user, one for each line of standard input, and answers each with
//! one line. See `tests/src/script.rs`.

#[cfg(feature = "test-hooks")]
mod attempt;
mod calls;
mod changes;
#[cfg(feature = "test-hooks")]
mod clock;
mod mapping;
mod timing;

use calls::Calls;
use std::io::{BufRead, Write};

fn main() {
    #[cfg(feature = "test-hooks")]
    if std::env::args().nth(1).as_deref() == Some("advance") {
        return clock::advance_by_arguments();
    }
    #[cfg(feature = "test-hooks")]
    if std::env::args().nth(1).as_deref() == Some("attempt") {
        return attempt::attempt();
    }
    let mut calls = Calls::default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input");
        let step = serde_json::from_str(&line).expect("a step");
        let outcome = calls.run(step);
        let answer = serde_json::to_string(&outcome).expect("an outcome");
        if writeln!(out, "{answer}")
            .and_then(|()| out.flush())
            .is_err()
        {
            return;
        }
    }
}
