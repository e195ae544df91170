//! `secretfs unmount`: wipes, then unmounts, also when files are open and also when nothing answers.

use crate::args::TargetArgs;
use crate::control;
use crate::error::CliError;
use crate::output::{print, show};
use secretfs_mount_helper::control::client;
use secretfs_mount_helper::mount::{Mounted, recover};
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(args: &TargetArgs) -> Result<(), CliError> {
    super::for_each(targets(args)?, |target| {
        let mountpoint = match &target {
            Target::Ours(mountpoint) => mountpoint,
            Target::Dead(mounted) => &mounted.mountpoint,
        };
        let done = match &target {
            Target::Ours(mountpoint) => client::unmount(mountpoint),
            Target::Dead(mounted) => recover::remove_dead(mounted),
        };
        match done {
            // It ended by itself since it was listed.
            Err(_) if args.all && is_gone(mountpoint) => return Ok(()),
            done => done?,
        }
        print(format!("unmounted {}\n", show(mountpoint)))
    })
}

/// What is to be unmounted.
enum Target {
    /// A mount that a record of ours tells of, or that somebody named.
    Ours(PathBuf),
    /// One that nobody serves any more.
    Dead(Mounted),
}

fn is_gone(mountpoint: &Path) -> bool {
    matches!(client::find(mountpoint), Ok(None)) && matches!(recover::find(mountpoint), Ok(None))
}

/// As for other commands, and the mounts that nobody serves any more.
fn targets(args: &TargetArgs) -> Result<Vec<Target>, CliError> {
    if let Some(named) = &args.mountpoint {
        return Ok(vec![Target::Ours(named.clone())]);
    }
    let found = client::all();
    if !args.all && !found.is_empty() {
        let meant = control::the_meant(found)?;
        return Ok(vec![Target::Ours(meant.mountpoint().to_owned())]);
    }
    let mut places: Vec<PathBuf> = found
        .iter()
        .map(|one| one.mountpoint().to_owned())
        .collect();
    let mut targets: Vec<Target> = places.iter().cloned().map(Target::Ours).collect();
    for dead in recover::dead() {
        if !places.contains(&dead.mountpoint) {
            places.push(dead.mountpoint.clone());
            targets.push(Target::Dead(dead));
        }
    }
    match targets.as_slice() {
        [] | [_, _, ..] if !args.all => Err(crate::mounts::unclear(&places)),
        _ => Ok(targets),
    }
}
