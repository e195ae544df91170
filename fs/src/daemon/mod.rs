//! The daemon: the sandboxed process that speaks FUSE and fetches secrets.

use std::process::ExitCode;

/// Runs the daemon until its mount or its helper is gone. Standard input is its end of the link.
#[must_use]
pub fn run() -> ExitCode {
    ExitCode::FAILURE
}
