//! The facts of this machine. Nothing is started, and nothing is changed but this process's own soft
//! limit.

use super::credentials::Signed;
use super::facts::{Facts, Installer, Program};
use super::session::{Armed, LOCKERS};
use crate::keyring::{self, Asking, Keyring};
use rustix::fs::{Access, Mode, OFlags, access, open};
use rustix::process::{Resource, getrlimit};
use secretfs_memory::{harden, limit, sealed};
use secretfs_mount_helper::mount::{direct, program};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Looks at everything.
pub(super) fn look() -> Facts {
    // Nothing is started for it, and nobody is asked.
    let mut keyring = Keyring::new(Asking::Never);
    Facts {
        fuse: open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map(drop)
            .map_err(Into::into),
        mounts_itself: direct::is_allowed(),
        fusermount3: program::fusermount3().map(fusermount3),
        mtab: Path::new("/etc/mtab").exists(),
        no_new_privs: harden::state().no_new_privs,
        apparmor: is_confined_by_apparmor(),
        memlock: limit::available(),
        memfd_secret: sealed::is_secretmem_available(),
        landlock: harden::landlock::version(),
        seccomp: harden::seccomp::is_available(),
        swap: swaps(&read("/proc/swaps")),
        core_pattern: read("/proc/sys/kernel/core_pattern").trim_end().to_owned(),
        no_cores: getrlimit(Resource::Core).current == Some(0),
        session_bus: has_session_bus(),
        // Both make it, elogind for the sake of programs that look for it.
        logind: Path::new("/run/systemd/seats").is_dir()
            && Path::new("/run/dbus/system_bus_socket").exists(),
        lockers: LOCKERS
            .iter()
            .map(|(program, _)| *program)
            .filter(|program| on_path(program).is_some())
            .collect(),
        mounts: Armed::of_all(),
        op: on_path("op"),
        infisical: on_path("infisical"),
        desktop_keyring: keyring.desktop(),
        kernel_keyring: keyring::kernel_is_there(),
        providers: Signed::of_map(&mut keyring),
        installer: Installer::ALL
            .iter()
            .find(|(_, program)| on_path(program).is_some())
            .map(|(installer, _)| *installer),
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn fusermount3(path: &Path) -> Program {
    let setuid_root = std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.uid() == 0 && metadata.mode() & 0o4000 != 0);
    Program {
        path: path.to_owned(),
        setuid_root,
        may_run: access(path, Access::EXEC_OK).is_ok(),
    }
}

/// The profile of Ubuntu 24.10 and later (contract fuse.md §2.6), where AppArmor is on.
fn is_confined_by_apparmor() -> bool {
    read("/sys/module/apparmor/parameters/enabled").starts_with('Y')
        && Path::new("/etc/apparmor.d/fusermount3").exists()
        && !Path::new("/etc/apparmor.d/disable/fusermount3").exists()
}

/// The first column of `/proc/swaps`, below its heading.
pub(super) fn swaps(text: &str) -> Vec<String> {
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn has_session_bus() -> bool {
    if let Some(address) = std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        let address = address.to_string_lossy();
        return match address.strip_prefix("unix:path=") {
            Some(rest) => is_socket(Path::new(rest.split([',', ';']).next().unwrap_or(rest))),
            None => !address.is_empty(),
        };
    }
    std::env::var_os("XDG_RUNTIME_DIR")
        .is_some_and(|folder| is_socket(&Path::new(&folder).join("bus")))
}

fn is_socket(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// A program of this name in a folder of `PATH`.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
}
