//! Unmounting for certain: lazily, only what is ours, within a limit, and checked afterwards.

use super::program::{command, fusermount3, run};
use super::{Mounted, direct, mountinfo};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// How long fusermount3 may take.
const LIMIT: Duration = Duration::from_secs(3);

/// What became of an unmount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detached {
    /// The mount is not in the table any more.
    Gone,
    /// Another mount lies on top of it: unmounting here would take that one.
    Covered,
    /// It is still there; why.
    Failed(String),
}

/// Detaches a mount of ours. Open files and working folders in it do not hinder that.
#[must_use]
pub fn detach(mounted: &Mounted) -> Detached {
    // Where the table cannot be read, nothing says that the mount on top is ours.
    let mut reason = String::new();
    for _ in 0..3 {
        match state(mounted) {
            Ok(State::Gone) => return Detached::Gone,
            Ok(State::Covered) => return Detached::Covered,
            Ok(State::OnTop) => {}
            Err(error) => return Detached::Failed(error.to_string()),
        }
        reason = match unmount_top(&mounted.mountpoint) {
            Ok(()) => String::new(),
            Err(reason) => reason,
        };
    }
    match state(mounted) {
        Ok(State::Gone) => Detached::Gone,
        _ => Detached::Failed(reason),
    }
}

/// Whether the mount is in the table, on top or not.
#[must_use]
pub fn is_there(mounted: &Mounted) -> bool {
    state(mounted).is_ok_and(|state| !matches!(state, State::Gone))
}

enum State {
    Gone,
    OnTop,
    Covered,
}

fn state(mounted: &Mounted) -> std::io::Result<State> {
    let mounts = mountinfo::read()?;
    let is_ours = |mount: &mountinfo::Mount| {
        mount.mountpoint == mounted.mountpoint && mount.device == mounted.device
    };
    if !mounts.iter().any(is_ours) {
        return Ok(State::Gone);
    }
    Ok(match mountinfo::top_at(&mounts, &mounted.mountpoint) {
        Some(top) if is_ours(top) => State::OnTop,
        _ => State::Covered,
    })
}

/// Lazily unmounts what is on top at `mountpoint`.
fn unmount_top(mountpoint: &Path) -> Result<(), String> {
    if direct::is_allowed() {
        return direct::detach(mountpoint).map_err(|error| error.to_string());
    }
    let Some(program) = fusermount3() else {
        return Err("fusermount3 is not installed".into());
    };
    let mut command = command(program, Stdio::null());
    command.args(["-u", "-z", "--"]).arg(mountpoint);
    match run(command, LIMIT) {
        Ok((status, _)) if status.success() => Ok(()),
        Ok((status, complaint)) if complaint.is_empty() => Err(status.to_string()),
        Ok((_, complaint)) => Err(complaint),
        Err(error) => Err(error.to_string()),
    }
}
