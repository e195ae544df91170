//! What doctor judges by: plain facts about a machine, so that each verdict can be tested with any.

use super::credentials::Signed;
use super::session::Armed;
use crate::keyring::DesktopState;
use std::io;
use std::path::PathBuf;

/// A machine, as its user sees it.
#[derive(Debug)]
pub(super) struct Facts {
    /// What came of opening `/dev/fuse`.
    pub(super) fuse: io::Result<()>,
    /// This process may mount by itself: root, say.
    pub(super) mounts_itself: bool,
    /// `fusermount3`, where it is installed.
    pub(super) fusermount3: Option<Program>,
    /// There is an `/etc/mtab`, which `fusermount3` reads before it unmounts.
    pub(super) mtab: bool,
    /// Set-user-id programs gain nothing here (`no_new_privs`): a sandbox, a systemd unit.
    pub(super) no_new_privs: bool,
    /// AppArmor has a profile for `fusermount3`, which allows some places only.
    pub(super) apparmor: bool,
    /// What a daemon could lock, in bytes; `u64::MAX`: no limit.
    pub(super) memlock: u64,
    /// The kernel has `memfd_secret`.
    pub(super) memfd_secret: bool,
    /// The version of landlock's interface.
    pub(super) landlock: io::Result<u32>,
    /// The kernel has seccomp filters.
    pub(super) seccomp: bool,
    /// Where the kernel swaps to.
    pub(super) swap: Vec<String>,
    /// `/proc/sys/kernel/core_pattern`, without its newline.
    pub(super) core_pattern: String,
    /// The soft core limit is 0.
    pub(super) no_cores: bool,
    /// The session bus has a socket, or an address that is no path.
    pub(super) session_bus: bool,
    /// systemd-logind or elogind runs.
    pub(super) logind: bool,
    /// The lockers that are installed and tell nobody when they lock.
    pub(super) lockers: Vec<&'static str>,
    /// What runs now.
    pub(super) mounts: Vec<Armed>,
    /// 1Password's command.
    pub(super) op: Option<PathBuf>,
    /// Infisical's command.
    pub(super) infisical: Option<PathBuf>,
    /// The desktop's keyring.
    pub(super) desktop_keyring: DesktopState,
    /// The kernel's keyring of this user can be used.
    pub(super) kernel_keyring: bool,
    /// The providers of the map that is found from here, which need a credential.
    pub(super) providers: Vec<Signed>,
    /// What installs packages here.
    pub(super) installer: Option<Installer>,
}

/// An installed program.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// Where.
    pub(super) path: PathBuf,
    /// It runs as root whoever starts it.
    pub(super) setuid_root: bool,
    /// This user may start it.
    pub(super) may_run: bool,
}

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Installer {
    Apt,
    Dnf,
    Pacman,
    Zypper,
    Apk,
}

impl Installer {
    /// Each, with the program that tells of it.
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Apt, "apt-get"),
        (Self::Dnf, "dnf"),
        (Self::Pacman, "pacman"),
        (Self::Zypper, "zypper"),
        (Self::Apk, "apk"),
    ];

    /// The command that installs packages, up to their names.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Apt => "sudo apt-get install",
            Self::Dnf => "sudo dnf install",
            Self::Pacman => "sudo pacman -S",
            Self::Zypper => "sudo zypper install",
            Self::Apk => "sudo apk add",
        }
    }
}
