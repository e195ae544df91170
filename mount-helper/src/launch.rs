//! Starting a mount: spawns the helper, hands it the request, and waits until the mount answers.

use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// What to mount, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchRequest {
    /// Where, absolute.
    pub mountpoint: PathBuf,
    /// The map, absolute. The helper reads it again, and watches it.
    pub map: PathBuf,
    /// Stay in the terminal's session, log to standard error.
    pub foreground: bool,
    /// Go on with memory that is not locked.
    pub insecure_memory: bool,
    /// Local vaults and fallbacks only.
    pub offline: bool,
    /// Let root in as well.
    pub allow_root: bool,
}

/// The running mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// The helper's process id.
    pub pid: u32,
    /// What the user should know: a missing credential, a degraded protection.
    pub warnings: Vec<String>,
}

/// Why there is no mount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct LaunchError {
    /// The exit status of the command (product.md, "The commands").
    pub status: u8,
    /// What failed, on what, why.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Spawns the helper and waits until the mount answers. With `credentials`, that end of a
/// socketpair reaches the daemon as soon as it runs, and nothing reads it on the way.
///
/// In the background this returns when the mount answers. With `foreground`, it returns when the
/// mount answers too; wait for the helper's end with [`wait`].
///
/// # Errors
/// See [`LaunchError`].
pub fn start(
    request: &LaunchRequest,
    credentials: Option<OwnedFd>,
) -> Result<(Launched, Running), LaunchError> {
    let _ = (request, credentials);
    Err(LaunchError {
        status: 1,
        message: "not there yet".into(),
        help: String::new(),
    })
}

/// The helper that was spawned.
#[derive(Debug)]
pub struct Running {
    child: std::process::Child,
}

/// Waits for the end of a foreground helper; returns its exit status.
///
/// # Errors
/// The helper could not be waited for.
pub fn wait(mut running: Running) -> std::io::Result<std::process::ExitStatus> {
    running.child.wait()
}
