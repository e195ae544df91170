//! `umount.fuse.secretfs`: what umount(8) starts, so that values are wiped first and open files hinder
//! nothing, as with `secretfs unmount`.

use super::account::Account;
use super::args::UnmountHelper;
use super::mount::{absolute, refuse_namespace};
use super::{UNMOUNT, hand_over};
use crate::error::{CliError, Status};
use crate::output::{print, show};
use rustix::process::geteuid;
use secretfs_mount_helper::control::client;
use secretfs_mount_helper::mount::{FS_TYPE, mountinfo};
use std::path::{Path, PathBuf};

/// Runs the program.
pub(super) fn run(args: &UnmountHelper) -> Result<(), CliError> {
    refuse_namespace(&args.both)?;
    if geteuid().is_root() {
        let owner = owner(&args.mountpoint)?;
        if owner.uid != 0 {
            let mut words = vec![absolute(&args.mountpoint)?];
            if args.both.verbose > 0 {
                words.push("-v".into());
            }
            return Err(hand_over::go_on_as(&owner, UNMOUNT, words));
        }
    }
    client::unmount(&args.mountpoint)?;
    if args.both.verbose > 0 {
        let place = show(&args.mountpoint);
        print(format!("umount: {place} unmounted\n"))?;
    }
    Ok(())
}

/// Whose mount it is, from the table of mounts: root is not let in to ask it.
fn owner(mountpoint: &Path) -> Result<Account, CliError> {
    // As umount(8) has found it there: root follows no path of a user's, which may lead nowhere.
    let place = PathBuf::from(absolute(mountpoint)?);
    let mounts = mountinfo::read().map_err(|error| {
        CliError::new(
            Status::Other,
            format!("cannot read /proc/self/mountinfo: {error}"),
            "mount /proc",
        )
    })?;
    let uid = mountinfo::top_at(&mounts, &place)
        .filter(|top| top.fs_type == FS_TYPE)
        .and_then(|top| top.user)
        .ok_or_else(|| {
            CliError::new(
                Status::Mount,
                format!("no secrets are mounted at {}", show(mountpoint)),
                "see `findmnt -t fuse.secretfs`",
            )
        })?;
    // A user who was removed meanwhile has no name and no home, and needs neither for this.
    let found = Account::of(uid).ok().flatten();
    Ok(found.unwrap_or_else(|| Account {
        name: uid.to_string().into(),
        uid,
        gid: uid,
        home: "/".into(),
        shell: "/bin/sh".into(),
    }))
}
