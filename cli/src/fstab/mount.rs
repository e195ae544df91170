//! `mount.secretfs`: what mount(8) starts for a line of fstab, and for `mount -t secretfs`.

use super::account::Account;
use super::args::{Both, MountHelper};
use super::options::{self, Options};
use super::{MOUNT, hand_over};
use crate::control;
use crate::error::{CliError, Status};
use crate::keyring::Outside;
use crate::map::Map;
use crate::output::{print, show, warn};
use rustix::process::{Gid, Uid, geteuid, getuid};
use secretfs_mount_helper::launch::LaunchRequest;
use secretfs_mount_helper::mount::mountinfo;
use secretfs_mount_helper::place::mountpoint::normalise;
use secretfs_mount_helper::place::{RuntimeFolder, state};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Runs the program.
pub(super) fn run(args: &MountHelper) -> Result<(), CliError> {
    refuse_namespace(&args.both)?;
    let options = Options::parse(&args.options, args.sloppy > 0)?;
    let named = options.uid.as_deref().map(account).transpose()?;
    if geteuid().is_root() {
        let account = named.ok_or_else(nobody_named)?;
        if account.uid != 0 {
            let words = words(args)?;
            // Without it the record is where a logout takes it away, or /tmp's cleaning.
            let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
            let _ = RuntimeFolder::make_lasting(uid, gid);
            return Err(hand_over::go_on_as(&account, MOUNT[0], words));
        }
    } else if let Some(account) = named.filter(|account| account.uid != getuid().as_raw()) {
        return Err(CliError::new(
            Status::Usage,
            format!("this mount is for {}", account.name.display()),
            "let that user mount it, or root",
        ));
    }
    mount(args, &options)
}

/// As the user.
fn mount(args: &MountHelper, options: &Options) -> Result<(), CliError> {
    let map = Map::find(Some(&args.map))?;
    let mountpoint = normalise(&args.mountpoint)?;
    let fake = args.fake > 0;
    if !fake {
        make_ours(&mountpoint)?;
        control::refuse_early(&mountpoint)?;
        warn_of_no_log();
        let mut request = LaunchRequest {
            insecure_memory: options.insecure_memory,
            offline: options.offline,
            allow_root: options.allow_root,
            source: args.map.to_str().map(str::to_owned),
            lasting: true,
            ..LaunchRequest::new(mountpoint, map.path.clone(), map.defaults())
        };
        let passphrase_file = options.passphrase_file.as_deref();
        crate::mounting::mount(
            &map,
            &mut request,
            passphrase_file,
            None,
            Outside::default(),
        )?;
    }
    if args.both.verbose > 0 {
        let (map, place) = (show(&map.path), show(&args.mountpoint));
        let done = if fake { "would be mounted" } else { "mounted" };
        print(format!("mount: {map} {done} on {place}.\n"))?;
    }
    Ok(())
}

/// Accounts of services may have no home.
fn warn_of_no_log() {
    let Some(folder) = state::folder() else {
        return warn("this user has no home: log and audit are kept nowhere", "");
    };
    if let Err(error) = state::create(&folder) {
        let folder = show(&folder);
        warn(
            &format!("log and audit are kept nowhere: cannot make {folder}: {error}"),
            "give the user a home folder; systemd's journal has the audit all the same",
        );
    }
}

/// The folder that systemd makes for a line of fstab, and mount(8) with `X-mount.mkdir`, is root's: the
/// user takes it away and makes another, where the folder above is the user's. That needs no right of
/// root's, and so gives nothing away, whatever a path leads to.
fn make_ours(mountpoint: &Path) -> Result<(), CliError> {
    let mounts = mountinfo::read().unwrap_or_default();
    if let Some(top) = mountinfo::top_at(&mounts, mountpoint) {
        if top.fs_type == "autofs" {
            return Err(CliError::new(
                Status::Mount,
                format!(
                    "cannot mount on {}: an automount of root's lies there",
                    show(mountpoint)
                ),
                "take `x-systemd.automount` out of its line in /etc/fstab: a user cannot mount there",
            ));
        }
        // What is mounted may not answer: it is not to be looked at.
        return Ok(());
    }
    let owner = |path: &Path| Some(std::fs::symlink_metadata(path).ok()?.uid());
    let me = getuid().as_raw();
    if owner(mountpoint) != Some(0) || me == 0 {
        return Ok(());
    }
    if std::fs::remove_dir(mountpoint).is_ok() {
        secretfs_mount_helper::place::mountpoint::prepare(mountpoint)?;
    }
    match owner(mountpoint) {
        Some(0) => {
            let is_empty = std::fs::read_dir(mountpoint).is_ok_and(|all| all.count() == 0);
            let help = match is_empty {
                true => format!("run `chown {me} {}` as root", mountpoint.display()),
                false => "name an empty folder of the user's".to_owned(),
            };
            Err(CliError::new(
                Status::Mount,
                format!("cannot mount on {}: it belongs to root", show(mountpoint)),
                help,
            ))
        }
        _ => Ok(()),
    }
}

/// The same for the user's process: paths absolute, options as they came.
fn words(args: &MountHelper) -> Result<Vec<OsString>, CliError> {
    let mut words = vec![absolute(&args.map)?, absolute(&args.mountpoint)?];
    let flags = [
        (args.sloppy, "-s"),
        (args.fake, "-f"),
        (args.both.verbose, "-v"),
    ];
    let given = flags.into_iter().filter(|(count, _)| *count > 0);
    words.extend(given.map(|(_, flag)| flag.into()));
    words.push("-o".into());
    words.push(options::join(&args.options));
    Ok(words)
}

/// A path that means the same everywhere.
pub(super) fn absolute(path: &Path) -> Result<OsString, CliError> {
    std::path::absolute(path)
        .map(PathBuf::into_os_string)
        .map_err(|error| {
            CliError::new(
                Status::Usage,
                format!("cannot tell where {} is: {error}", show(path)),
                "name it by its absolute path",
            )
        })
}

/// Refuses what cannot be done: the processes of a mount would be in one namespace, and it in another.
pub(super) fn refuse_namespace(both: &Both) -> Result<(), CliError> {
    match &both.namespace {
        None => Ok(()),
        Some(_) => Err(CliError::new(
            Status::Usage,
            "secrets cannot be mounted or unmounted in another namespace",
            "run the whole command there, with `nsenter --mount=…`",
        )),
    }
}

fn account(text: &str) -> Result<Account, CliError> {
    match Account::find(text) {
        Ok(Some(account)) => Ok(account),
        Ok(None) => Err(CliError::new(
            Status::Usage,
            format!("there is no user {text}"),
            "name one of this machine's: `uid=alice`",
        )),
        Err(error) => Err(CliError::new(
            Status::Other,
            format!("cannot tell who {text} is: {error}"),
            "see that the machine's users can be looked up: `getent passwd`",
        )),
    }
}

fn nobody_named() -> CliError {
    // Not taken for it: what root mounts for whom is said, in fstab and elsewhere.
    let sudo = std::env::var("SUDO_USER").ok();
    let who = sudo.filter(|who| who != "root").unwrap_or("alice".into());
    CliError::new(
        Status::Usage,
        "root mounts secrets for a user, and none is named",
        format!("add the mount option `uid={who}`; `uid=root` means root"),
    )
}
