//! `secretfs mount`: asks for what is missing, and returns when the files can be opened.

use crate::args::MountArgs;
use crate::control;
use crate::error::{CliError, Status};
use crate::keyring::Outside;
use crate::map::Map;
use crate::output::{print, show};
use secretfs_mount_helper::launch::{LaunchRequest, Running};
use secretfs_mount_helper::place::mountpoint::normalise;

/// Runs the command.
pub(crate) fn run(args: &MountArgs) -> Result<(), CliError> {
    let map = Map::find(args.map.map.as_deref())?;
    let mountpoint = normalise(&map.mountpoint(args.mountpoint.as_deref())?)?;
    control::refuse_early(&mountpoint)?;
    let mut request = LaunchRequest {
        foreground: args.foreground,
        insecure_memory: args.insecure_memory,
        offline: args.offline,
        allow_root: args.allow_root,
        ..LaunchRequest::new(mountpoint, map.path.clone(), map.defaults())
    };
    let passphrase_file = args.passphrase.passphrase_file.as_deref();
    let (launched, running) = crate::mounting::mount(
        &map,
        &mut request,
        passphrase_file,
        None,
        Outside::default(),
    )?;
    let files = match map.entries().len() {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    let place = show(&request.mountpoint);
    let done = print(format!("mounted {place}: {files} of {}\n", show(&map.path)));
    if args.foreground {
        crate::notify::ready(&place);
        return stay(running, launched.pid);
    }
    done
}

/// Waits for the end of a foreground mount; passes on the signals that ask for it.
fn stay(running: Running, helper: u32) -> Result<(), CliError> {
    let status = crate::foreground::wait(running, helper).map_err(|error| {
        CliError::new(
            Status::Mount,
            format!("cannot wait for the end of the mount: {error}"),
            "see `secretfs status`",
        )
    })?;
    if status.success() {
        return Ok(());
    }
    Err(CliError::new(
        Status::Mount,
        format!("the mount ended: {status}"),
        "the log tells why: ~/.local/state/secretfs/secretfs.log",
    ))
}
