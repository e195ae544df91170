//! The child that mounts for the command. What it reads of credentials is gone with it before the
//! command starts, and the mount-helper that it starts is not a child of the command.

use crate::error::{CliError, Status};
use crate::keyring::Outside;
use crate::map::Map;
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use secretfs_fs::map::Part;
use secretfs_mount_helper::launch::LaunchRequest;
use serde::{Deserialize, Serialize};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// First argument of this role; the second is an [`Order`] as JSON, which holds no secret.
pub(crate) const ROLE: &str = "internal-run-mounter";

/// What is to be mounted, for whom.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Who becomes the command.
    pub(super) parent: u32,
    pub(super) mountpoint: PathBuf,
    pub(super) map: PathBuf,
    pub(super) part: Part,
    pub(super) offline: bool,
    pub(super) insecure_memory: bool,
    pub(super) passphrase_file: Option<PathBuf>,
    /// Of the user namespace that this process was in before `--private`.
    pub(super) keys: Outside,
}

/// Has it mounted. Standard input is the command's, which the child uses only to ask a person.
///
/// # Errors
/// The child's own, which it has told.
pub(super) fn start(order: &Order) -> Result<(), CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::new(
            Status::Other,
            format!("cannot start the process that mounts: {error}"),
            "see that /proc is mounted and that the limit of processes is not reached",
        )
    };
    let json = serde_json::to_string(order).map_err(|_| {
        CliError::new(
            Status::Other,
            "cannot mount for a command: the path of the map or of the runtime folder is not UTF-8",
            "put the map at a place with a plain name",
        )
    })?;
    let status = Command::new("/proc/self/exe")
        .args([ROLE, &json])
        .status()
        .map_err(|error| failed(&error))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(CliError::told(Status::from_number(
            u8::try_from(code).unwrap_or(1),
        ))),
        None => Err(failed(&status)),
    }
}

/// The role.
pub(crate) fn run() -> ExitCode {
    let order = std::env::args().nth(2);
    let Some(order) = order.and_then(|json| serde_json::from_str::<Order>(&json).ok()) else {
        return ExitCode::FAILURE;
    };
    match mount(order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn mount(order: Order) -> Result<(), CliError> {
    let owner = parent(order.parent)?;
    let map = Map::find(Some(&order.map))?.part(&order.part);
    let mut request = LaunchRequest {
        insecure_memory: order.insecure_memory,
        offline: order.offline,
        part: Some(order.part),
        ..LaunchRequest::new(order.mountpoint, order.map, map.defaults())
    };
    let passphrase_file = order.passphrase_file.as_deref();
    crate::mounting::mount(&map, &mut request, passphrase_file, Some(owner), order.keys).map(drop)
}

/// A pidfd of the process that started this one, if that is still the one that the order names: a number
/// may be another's by now.
fn parent(pid: u32) -> Result<OwnedFd, CliError> {
    let gone = || {
        CliError::new(
            Status::Other,
            "the command that this mount is for is gone",
            "",
        )
    };
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(gone)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| gone())?;
    if getppid() != Some(pid) {
        return Err(gone());
    }
    Ok(pidfd)
}
