//! `secretfs run -- CMD`: a mount for one command, which ends with it.
//!
//! This process *becomes* the command: its process id, its parent, its terminal, its signals, its exit
//! status are the command's own, and nothing stands between the two that could be killed. The mount is
//! made by a child that is gone before the command starts, so that the command has no child that it did
//! not start and would wait for; the mount-helper watches the command's pidfd.
//!
//! | room | what it does |
//! |---|---|
//! | [`program`] | whether the command can be started, and its start |
//! | [`place`] | where it is mounted |
//! | [`mounter`] | the child that mounts |
//! | [`private`] | the namespaces of `--private` |
//! | [`inject`] | `--inject`: values instead of paths, and no mount |

mod inject;
pub(crate) mod mounter;
mod place;
mod private;
mod program;

use crate::args::RunArgs;
use crate::error::{CliError, Status};
use crate::keyring::{Keyring, Outside};
use crate::map::Map;
use secretfs_fs::map::Part;
use std::convert::Infallible;

/// Runs the command; returns only where it could not be started.
pub(crate) fn run(args: &RunArgs) -> Result<(), CliError> {
    match become_command(args)? {}
}

fn become_command(args: &RunArgs) -> Result<Infallible, CliError> {
    let map = Map::find(args.map.map.as_deref())?;
    let part = Part {
        only: args.only.clone(),
    };
    known(&map, &part)?;
    // Before anybody is asked for a passphrase.
    program::find(&args.command)?;
    if args.inject {
        let environment =
            inject::values(map.part(&part), args.passphrase.passphrase_file.as_deref())?;
        return program::exec(&args.command, environment);
    }
    let place = place::new()?;
    let mut keys = Outside::default();
    let private = if args.private {
        keys = Keyring::for_another_namespace(map.providers());
        Some(private::enter()?)
    } else {
        None
    };
    let order = mounter::Order {
        parent: std::process::id(),
        mountpoint: place.clone(),
        map: map.path.clone(),
        part: part.clone(),
        offline: args.offline,
        insecure_memory: args.insecure_memory,
        passphrase_file: args.passphrase.passphrase_file.clone(),
        keys,
    };
    mounter::start(&order)?;
    if let Some(private) = private {
        private.give_up()?;
    }
    let exports = map.part(&part).exports(&place);
    let environment = exports
        .into_iter()
        .map(|export| (export.name, export.path.into_os_string()))
        .collect();
    program::exec(&args.command, environment)
}

/// A name that no entry has is a mistake of the one who wrote it.
fn known(map: &Map, part: &Part) -> Result<(), CliError> {
    let unknown = map.unknown(part);
    let Some(first) = unknown.first() else {
        return Ok(());
    };
    let names: Vec<&str> = map
        .entries()
        .iter()
        .flat_map(|entry| {
            entry
                .env
                .as_deref()
                .into_iter()
                .chain([entry.path.as_str()])
        })
        .collect();
    let near = secretfs_providers::nearest::nearest(first, names);
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "give a file or a variable as the map names it".to_owned(),
    };
    let list = unknown.join("`, `");
    let message = format!("no entry of the map is called `{list}`");
    Err(CliError::new(Status::Usage, message, help))
}
