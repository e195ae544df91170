//! Moves the clock of a running daemon, so that no test waits for a ttl.

use crate::fixture::Fixture;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// Moves the clock of the daemon that serves `mountpoint`; what the command says of it.
pub(crate) fn advance(fixture: &Fixture, mountpoint: &Path, by: Duration) -> Output {
    let mut command = fixture.command(fixture.probe_path());
    command
        .arg("advance")
        .arg(mountpoint)
        .arg(by.as_millis().to_string());
    command.output().expect("the probe")
}
