//! The mounts of this user, as commands name them and ask their helpers.

use crate::args::TargetArgs;
use crate::error::{CliError, Status};
use crate::mounts::{self, Place};
use crate::output::show;
use secretfs_mount_helper::control::client::{self, Found};
use secretfs_mount_helper::control::{MountStatus, Request, Response};
use secretfs_mount_helper::mount::recover;
use secretfs_mount_helper::place::mountpoint;
use std::os::fd::OwnedFd;
use std::path::Path;

fn place(found: &Found) -> Place {
    Place {
        mountpoint: found.mountpoint().to_owned(),
        map: found.record.request.map.clone(),
        running: found.is_running(),
    }
}

/// The mounts that a command means: the named one, all, or the one of [`mounts::choose`].
pub(crate) fn targets(args: &TargetArgs) -> Result<Vec<Found>, CliError> {
    if let Some(named) = &args.mountpoint {
        return Ok(vec![client::expect(named)?]);
    }
    let all = client::all();
    if args.all {
        return Ok(all);
    }
    Ok(vec![the_meant(all)?])
}

/// The mount that is meant where none is named.
pub(crate) fn the_meant(all: Vec<Found>) -> Result<Found, CliError> {
    let places: Vec<Place> = all.iter().map(place).collect();
    let chosen = mounts::choose(&places, crate::map::discovered)?;
    all.into_iter()
        .zip(&places)
        .find_map(|(found, place)| (place == chosen).then_some(found))
        .ok_or_else(mounts::nothing_mounted)
}

/// The state of each, asked at once: one that hangs takes its time, and no more.
pub(crate) fn statuses(mounts: &[Found]) -> Vec<MountStatus> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = mounts
            .iter()
            .map(|found| {
                let thread = std::thread::Builder::new();
                thread.spawn_scoped(scope, || client::status(found)).ok()
            })
            .collect();
        asked
            .into_iter()
            .zip(mounts)
            .map(|(answer, found)| {
                let answer = answer.and_then(|thread| thread.join().ok());
                answer.unwrap_or_else(|| client::unanswered(found))
            })
            .collect()
    })
}

/// Asks a helper that must be running.
pub(crate) fn ask(
    found: &Found,
    request: &Request,
    channel: Option<OwnedFd>,
) -> Result<Response, CliError> {
    Ok(client::request(
        found,
        request,
        channel.into_iter().collect(),
    )?)
}

/// Refuses what `mount` would refuse later: before anybody types a passphrase for nothing. The
/// mount-helper decides.
pub(crate) fn refuse_early(path: &Path) -> Result<(), CliError> {
    if let Some(found) = client::find(path)?.filter(client::stays) {
        let by = found.record.helper.map_or(0, |helper| helper.pid);
        return Err(CliError::new(
            Status::Mount,
            format!(
                "{} is already mounted by process {by} with the map {}",
                show(path),
                show(&found.record.request.map)
            ),
            format!(
                "use it as it is, or run `secretfs unmount {}` first",
                show(path)
            ),
        ));
    }
    // A dead mount is not to be looked at: that may hang. The helper takes it away first.
    let dead = recover::find(path).is_ok_and(|mounted| mounted.is_some());
    if !dead && path.symlink_metadata().is_ok() {
        mountpoint::prepare(path)?;
    }
    Ok(())
}
