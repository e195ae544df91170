//! `status --watch`: the status as it is now, for as long as somebody looks. On a terminal it is drawn
//! in place; elsewhere each change is one more status, or with `--json` one more line.

mod changes;
mod events;
mod fit;
mod observe;
mod screen;
#[cfg(test)]
mod tests;
mod tty;

use crate::error::{CliError, Status};
use observe::Mounts;
use secretfs_mount_helper::control::MountStatus;
use secretfs_mount_helper::control::client::{self, Found};
use std::path::{Path, PathBuf};

/// Runs until it is told to end, or nobody can see it any more.
pub(super) fn run(json: bool, only: Option<PathBuf>) -> Result<(), CliError> {
    let mounts = OfThisUser { only };
    if !json && tty::can_draw() {
        events::run(mounts)
    } else {
        changes::run(mounts, json)
    }
}

/// The mounts of this user, or the one that was named.
struct OfThisUser {
    only: Option<PathBuf>,
}

impl Mounts for OfThisUser {
    type One = Found;

    fn list(&self) -> Vec<Found> {
        let mut all = client::all();
        all.retain(|one| {
            self.only
                .as_deref()
                .is_none_or(|only| one.mountpoint() == only)
        });
        all
    }

    fn place(one: &Found) -> &Path {
        one.mountpoint()
    }

    fn ask(&self, one: &Found) -> MountStatus {
        client::status(one)
    }

    fn unanswered(&self, one: &Found) -> MountStatus {
        client::unanswered(one)
    }
}

fn failed(what: &str, error: &std::io::Error) -> CliError {
    CliError::new(Status::Other, format!("{what}: {error}"), "")
}
