//! `secretfs status`: what is mounted, how its providers are, and each file. Never a value.

mod json;
mod table;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use crate::args::StatusArgs;
use crate::error::CliError;
use crate::screen::Look;
use secretfs_fs::link::message::FileStatus;
use secretfs_mount_helper::control::{MountStatus, client};
use secretfs_mount_helper::place::mountpoint::normalise;

/// Runs the command.
pub(crate) fn run(args: &StatusArgs) -> Result<(), CliError> {
    if args.watch {
        let only = args.mountpoint.as_deref().map(normalise).transpose()?;
        return watch::run(args.json, only);
    }
    let mounts = match &args.mountpoint {
        Some(named) => vec![client::expect(named)?],
        None => client::all(),
    };
    let mounts = crate::control::statuses(&mounts);
    crate::output::print(if args.json {
        json::text(&mounts)?
    } else {
        table::render(&mounts, Look::of_stdout())
    })
}

/// A file, and what the daemon tells of it: nothing, if it was never opened.
pub(crate) struct Row<'a> {
    pub(crate) path: String,
    ttl_ms: Option<u64>,
    seen: Option<&'a FileStatus>,
}

/// The files of the map, in its order, with the members of a `dir:` folder after it.
pub(crate) fn rows(status: &MountStatus) -> impl Iterator<Item = Row<'_>> {
    // Sorted by entry, as the daemon reports them.
    let mut told = status
        .daemon
        .iter()
        .flat_map(|page| page.files.iter())
        .collect::<Vec<_>>();
    told.sort_by(|a, b| (a.entry, &a.member).cmp(&(b.entry, &b.member)));
    let mut told = told.into_iter().peekable();
    let mut rows = Vec::with_capacity(status.entries.len());
    // A helper of an older version tells no ttl.
    let ttls = status
        .ttls_ms
        .iter()
        .copied()
        .map(Some)
        .chain(std::iter::repeat(None));
    for ((entry, path), ttl_ms) in (0_u32..).zip(&status.entries).zip(ttls) {
        let itself = told.next_if(|file| file.entry == entry && file.member.is_none());
        rows.push(Row {
            path: path.clone(),
            ttl_ms: itself.map(|file| file.ttl_ms).or(ttl_ms),
            seen: itself,
        });
        while let Some(file) = told.next_if(|file| file.entry == entry) {
            rows.push(Row {
                path: format!("{path}/{}", file.member.as_deref().unwrap_or_default()),
                ttl_ms: Some(file.ttl_ms),
                seen: Some(file),
            });
        }
    }
    rows.into_iter()
}
