//! What mount(8) and umount(8) start: the executable under the names `mount.secretfs` and
//! `umount.fuse.secretfs`. Called by root, it becomes the user first, for good: every process of a mount
//! is the user's.
//!
//! | room | what it does |
//! |---|---|
//! | [`args`] | what mount(8) gives a helper |
//! | [`options`] | the mount options |
//! | [`account`] | the user: looked up, and become |
//! | [`hand_over`] | what of root's process the user's gets, and what not |
//! | [`mount`], [`unmount`] | the two programs |

mod account;
mod args;
mod hand_over;
mod mount;
mod options;
mod unmount;

pub(crate) use args::{MountHelper, UnmountHelper};

use crate::error::{CliError, Status};
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

/// The names of the program that mounts. The second is for a line of fstab that names the type as the
/// table of mounts shows it.
pub(crate) const MOUNT: [&str; 2] = ["mount.secretfs", "mount.fuse.secretfs"];
/// The name of the program that unmounts: umount(8) takes the type from the table of mounts.
pub(crate) const UNMOUNT: &str = "umount.fuse.secretfs";

/// The program that this process was started as, if it is one of mount(8)'s.
pub(crate) fn called_as(name: Option<&OsStr>) -> Option<fn() -> ExitCode> {
    let name = Path::new(name?).file_name()?.to_str()?;
    if MOUNT.contains(&name) {
        return Some(|| ended(|| mount::run(&args::parse()?)));
    }
    if name == UNMOUNT {
        return Some(|| ended(|| unmount::run(&args::parse()?)));
    }
    None
}

/// The statuses that mount(8) has for its helpers: it passes them on.
fn ended(program: fn() -> Result<(), CliError>) -> ExitCode {
    // What mount(8) had open is nobody's here, and root's not a user's. An older kernel cannot.
    let _ = secretfs_memory::harden::inherited::close_inherited();
    // Root reads what the user's process says, or somebody the log of a boot.
    crate::output::show_whole_paths();
    let Err(error) = program() else {
        return ExitCode::SUCCESS;
    };
    let status = error.status();
    if error.report() == ExitCode::SUCCESS {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(match status {
        Status::Usage => 1,
        Status::Other => 2,
        _ => 32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_it_is_called_by_decides() {
        let is = |name: &str| called_as(Some(OsStr::new(name))).is_some();
        assert!(is("/sbin/mount.secretfs") && is("umount.fuse.secretfs"));
        assert!(is("mount.fuse.secretfs"));
        assert!(!is("/usr/bin/secretfs") && !is("mount"));
        assert!(called_as(None).is_none());
    }
}
