//! `secretfs unmount`: wipes, then unmounts, also when files are open and also when nothing answers.

use crate::args::TargetArgs;
use crate::control;
use crate::error::CliError;
use crate::output::{print, show};
use secretfs_mount_helper::control::client;
use secretfs_mount_helper::mount::recover;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(args: &TargetArgs) -> Result<(), CliError> {
    super::for_each(targets(args)?, |mountpoint| {
        match client::unmount(&mountpoint) {
            // It ended by itself since it was listed.
            Err(_) if args.all && is_gone(&mountpoint) => return Ok(()),
            done => done?,
        }
        print(format!("unmounted {}\n", show(&mountpoint)))
    })
}

fn is_gone(mountpoint: &Path) -> bool {
    matches!(client::find(mountpoint), Ok(None)) && matches!(recover::find(mountpoint), Ok(None))
}

/// As for other commands, and the mounts that nobody serves any more.
fn targets(args: &TargetArgs) -> Result<Vec<PathBuf>, CliError> {
    if let Some(named) = &args.mountpoint {
        return Ok(vec![named.clone()]);
    }
    let found = client::all();
    if !args.all && !found.is_empty() {
        return Ok(vec![control::the_meant(found)?.mountpoint().to_owned()]);
    }
    let mut places: Vec<PathBuf> = found
        .iter()
        .map(|one| one.mountpoint().to_owned())
        .collect();
    for dead in recover::dead() {
        if !places.contains(&dead.mountpoint) {
            places.push(dead.mountpoint);
        }
    }
    match places.as_slice() {
        [] | [_, _, ..] if !args.all => Err(crate::mounts::unclear(&places)),
        _ => Ok(places),
    }
}
