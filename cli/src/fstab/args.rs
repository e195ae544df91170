//! What mount(8) and umount(8) give a helper, as their manual pages say under "External helpers".

use crate::error::CliError;
use clap::{ArgAction, Parser, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// Mounts the secrets of a map, for mount(8) and a line of fstab
///
/// The mount is that of `secretfs mount`, read-only and for one user alone. Called by root it needs
/// uid=USER: every process runs as that user. It returns when files can be opened. Where nobody can be
/// asked for a credential it mounts all the same, and opens answer "Required key not available" until
/// `secretfs unlock` or `secretfs login`.
#[derive(Debug, Parser)]
#[command(
    name = "mount.secretfs",
    version,
    max_term_width = 80,
    after_help = "Mount options:\n  \
        uid=USER               whose files they are; needed by root\n  \
        offline                local vaults and fallbacks only, never a network\n  \
        passphrase_file=FILE   the vault's passphrase, in a file that USER can read\n  \
        allow_root             let root read the files as well\n  \
        insecure_memory        go on with memory that cannot be locked\n\n\
        Those of mount(8) itself (noauto, nofail, user, _netdev, ro, x-…) are taken as well.\n\n\
        Examples:\n  \
        mount -t secretfs /home/alice/secrets.yml /home/alice/secrets -o uid=alice\n  \
        /home/alice/s.yml  /home/alice/secrets  secretfs  uid=alice,noauto,user  0 0\n\n\
        Exit status: 0 ok, 1 usage, 2 the system, 32 the mount failed."
)]
pub(crate) struct MountHelper {
    /// The map
    #[arg(value_name = "MAP", value_hint = ValueHint::FilePath)]
    pub(super) map: PathBuf,
    /// Where to mount
    #[arg(value_hint = ValueHint::DirPath)]
    pub(super) mountpoint: PathBuf,
    /// Mount options, separated by commas
    #[arg(short = 'o', value_name = "OPTIONS", action = ArgAction::Append)]
    pub(super) options: Vec<OsString>,
    /// Take options that are not known
    #[arg(short = 's', action = ArgAction::Count)]
    pub(super) sloppy: u8,
    /// Check the map and the options, and mount nothing
    #[arg(short = 'f', action = ArgAction::Count)]
    pub(super) fake: u8,
    #[command(flatten)]
    pub(super) both: Both,
}

/// Unmounts secrets, for umount(8)
///
/// The values are wiped first, and files that are open do not hinder it: their handles answer
/// "Input/output error".
#[derive(Debug, Parser)]
#[command(
    name = "umount.fuse.secretfs",
    version,
    max_term_width = 80,
    after_help = "Example:\n  umount /home/alice/secrets\n\n\
        Exit status: 0 ok, 1 usage, 2 the system, 32 it could not be unmounted."
)]
pub(crate) struct UnmountHelper {
    /// What to unmount
    #[arg(value_hint = ValueHint::DirPath)]
    pub(super) mountpoint: PathBuf,
    /// Always so: open files never hinder
    #[arg(short = 'f', action = ArgAction::Count)]
    pub(super) force: u8,
    /// Always so: what is open is detached
    #[arg(short = 'l', action = ArgAction::Count)]
    pub(super) lazy: u8,
    /// Always so: the mount is read-only
    #[arg(short = 'r', action = ArgAction::Count)]
    pub(super) read_only: u8,
    #[command(flatten)]
    pub(super) both: Both,
}

/// What both are given.
#[derive(Debug, clap::Args)]
pub(crate) struct Both {
    /// There is no file /etc/mtab of its own that could be written
    #[arg(short = 'n', action = ArgAction::Count)]
    pub(super) no_mtab: u8,
    /// Say what was done
    #[arg(short = 'v', action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Another mount namespace: not possible
    #[arg(short = 'N', value_name = "NAMESPACE")]
    pub(super) namespace: Option<OsString>,
    /// The type, as fstab has it
    #[arg(short = 't', value_name = "TYPE")]
    pub(super) kind: Option<OsString>,
}

/// Parses the command line. Help and version are printed here, and end with a status of 0.
pub(super) fn parse<T: Parser>() -> Result<T, CliError> {
    crate::usage::parse_as()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound_and_show_an_example() {
        for mut command in [MountHelper::command(), UnmountHelper::command()] {
            command.clone().debug_assert();
            assert!(command.render_long_help().to_string().contains("Example"));
        }
    }

    #[test]
    fn what_mount_gives_its_helpers_is_understood() {
        let words = [
            "mount.secretfs",
            "/m.yml",
            "/m",
            "-s",
            "-f",
            "-n",
            "-v",
            "-o",
            "rw,uid=7",
            "-t",
            "x.y",
        ];
        let args = MountHelper::try_parse_from(words).expect("understood");
        assert_eq!((args.map, args.mountpoint), ("/m.yml".into(), "/m".into()));
        assert_eq!((args.sloppy, args.fake, args.both.verbose), (1, 1, 1));
        assert_eq!(args.options, ["rw,uid=7"]);
        let words = ["umount", "-fl", "-N", "/proc/7/ns/mnt", "/m"];
        let args = UnmountHelper::try_parse_from(words).expect("understood");
        assert_eq!(
            args.both.namespace.as_deref(),
            Some("/proc/7/ns/mnt".as_ref())
        );
    }
}
