//! The runtime folder: `$XDG_RUNTIME_DIR/secretfs` if that is the user's and 0700, else a 0700
//! folder `secretfs-UID` under /tmp. What is found there decides which process a command talks to
//! and where credentials go, so a folder that another user could have made is refused.
//!
//! Mounts that root makes for the user may outlast the user's logins, with whom the first goes: theirs is
//! `/run/secretfs-UID`, which root makes beforehand.

use crate::error::HelperError;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fchown, fstat, open, statat};
use rustix::io::Errno;
use rustix::process::{Gid, Uid, getuid};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most bytes of a socket's path (`sun_path`, with its final NUL).
const SOCKET_PATH_LIMIT: usize = 108;

/// A runtime folder that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeFolder {
    path: PathBuf,
}

impl RuntimeFolder {
    /// The folder of new mounts; made if missing.
    ///
    /// # Errors
    /// Neither place can be used; the text says why.
    pub fn create() -> Result<Self, HelperError> {
        Self::create_in(
            std::env::var_os("XDG_RUNTIME_DIR").as_deref(),
            Path::new("/tmp"),
        )
    }

    /// The folder of new mounts that may outlast the user's logins: what [`RuntimeFolder::make_lasting`]
    /// made, else as the others'.
    ///
    /// # Errors
    /// As [`RuntimeFolder::create`].
    pub fn create_lasting() -> Result<Self, HelperError> {
        let path = below_run(Path::new("/run"), getuid());
        match private_folder(&path) {
            Ok(()) => Ok(Self { path }),
            Err(_) => Self::create(),
        }
    }

    /// Makes that folder for a user. To be called as root, who alone can make anything in /run.
    ///
    /// # Errors
    /// It cannot be made, or is something else.
    pub fn make_lasting(uid: Uid, gid: Gid) -> std::io::Result<()> {
        Self::make_lasting_in(Path::new("/run"), uid, gid)
    }

    fn make_lasting_in(run: &Path, uid: Uid, gid: Gid) -> std::io::Result<()> {
        let path = below_run(run, uid);
        make(&path)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open(&path, flags, Mode::empty())?;
        // In this order: what has been given away is not changed any more.
        if fstat(&folder)?.st_uid == getuid().as_raw() {
            fchown(&folder, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// Every folder where mounts of this user may have left something: a command does not need to
    /// have the environment that `mount` had.
    #[must_use]
    pub fn existing() -> Vec<Self> {
        Self::existing_in(
            std::env::var_os("XDG_RUNTIME_DIR").as_deref(),
            Path::new("/run"),
            Path::new("/tmp"),
        )
    }

    fn create_in(runtime_dir: Option<&OsStr>, tmp: &Path) -> Result<Self, HelperError> {
        if let Some(path) = below_runtime_dir(runtime_dir) {
            let made = make(&path);
            if made.is_ok() && private_folder(&path).is_ok() {
                return Ok(Self { path });
            }
        }
        let path = below_tmp(tmp);
        let refused = |reason: &str| {
            HelperError::other(
                format!("cannot use the runtime folder {}: {reason}", path.display()),
                format!(
                    "remove {} or set XDG_RUNTIME_DIR to a folder of yours with mode 0700",
                    path.display()
                ),
            )
        };
        make(&path).map_err(|errno| refused(&std::io::Error::from(errno).to_string()))?;
        private_folder(&path).map_err(refused)?;
        Ok(Self { path })
    }

    fn existing_in(runtime_dir: Option<&OsStr>, run: &Path, tmp: &Path) -> Vec<Self> {
        let mut folders: Vec<Self> = Vec::new();
        // A command started from elsewhere (cron, ssh, sudo -u) has no XDG_RUNTIME_DIR.
        let usual = run.join("user").join(getuid().as_raw().to_string());
        let candidates = [
            below_runtime_dir(runtime_dir),
            below_runtime_dir(Some(usual.as_os_str())),
            Some(below_run(run, getuid())),
            Some(below_tmp(tmp)),
        ];
        for path in candidates.into_iter().flatten() {
            if private_folder(&path).is_ok() && !folders.iter().any(|folder| folder.path == path) {
                folders.push(Self { path });
            }
        }
        folders
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The record of the mount at `mountpoint`.
    #[must_use]
    pub fn record(&self, mountpoint: &Path) -> PathBuf {
        self.path.join(format!("{}.json", key(mountpoint)))
    }

    /// The file whose lock says that a helper is at work on `mountpoint`.
    #[must_use]
    pub fn lock(&self, mountpoint: &Path) -> PathBuf {
        self.path.join(format!("{}.lock", key(mountpoint)))
    }

    /// The control socket of the mount at `mountpoint`.
    #[must_use]
    pub fn socket(&self, mountpoint: &Path) -> PathBuf {
        self.path.join(format!("{}.sock", key(mountpoint)))
    }
}

/// The name that a mountpoint's files have: short enough for a socket's path, of plain characters.
fn key(mountpoint: &Path) -> String {
    let digest = Sha256::digest(mountpoint.as_os_str().as_bytes());
    digest.iter().take(8).fold(String::new(), |mut name, byte| {
        name.push_str(&format!("{byte:02x}"));
        name
    })
}

/// The folder below `$XDG_RUNTIME_DIR`, where that is usable.
fn below_runtime_dir(runtime_dir: Option<&OsStr>) -> Option<PathBuf> {
    let base = Path::new(runtime_dir.filter(|dir| !dir.is_empty())?);
    if !base.is_absolute() || private_folder(base).is_err() {
        return None;
    }
    let path = base.join("secretfs");
    let longest = path.as_os_str().len() + "/0123456789abcdef.sock".len() + 1;
    (longest <= SOCKET_PATH_LIMIT).then_some(path)
}

fn below_tmp(tmp: &Path) -> PathBuf {
    below_run(tmp, getuid())
}

fn below_run(run: &Path, uid: Uid) -> PathBuf {
    run.join(format!("secretfs-{}", uid.as_raw()))
}

fn make(path: &Path) -> Result<(), Errno> {
    match rustix::fs::mkdir(path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Whether `path` is a folder of this user that nobody else can enter, and no symbolic link.
fn private_folder(path: &Path) -> Result<(), &'static str> {
    let stat: Stat =
        statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).map_err(|_| "it cannot be looked at")?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {}
        FileType::Symlink => return Err("it is a symbolic link"),
        _ => return Err("it is not a folder"),
    }
    if stat.st_uid != getuid().as_raw() {
        return Err("it belongs to another user");
    }
    if stat.st_mode & 0o7777 != 0o700 {
        return Err("its mode is not 0700");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getgid;
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn folder(mode: u32) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        set_permissions(dir.path(), Permissions::from_mode(mode)).unwrap();
        dir
    }

    fn created(runtime: &Path, tmp: &Path) -> PathBuf {
        RuntimeFolder::create_in(Some(runtime.as_os_str()), tmp)
            .unwrap()
            .path
    }

    #[test]
    fn a_private_runtime_dir_is_used() {
        let (runtime, tmp) = (folder(0o700), folder(0o700));
        assert_eq!(
            created(runtime.path(), tmp.path()),
            runtime.path().join("secretfs")
        );
    }

    #[test]
    fn a_runtime_dir_that_others_can_enter_is_not_used() {
        let (runtime, tmp) = (folder(0o755), folder(0o700));
        assert_eq!(created(runtime.path(), tmp.path()), below_tmp(tmp.path()));
    }

    #[test]
    fn a_folder_in_it_that_others_can_enter_or_that_is_a_link_is_not_used() {
        let (runtime, tmp) = (folder(0o700), folder(0o700));
        create_dir(runtime.path().join("secretfs")).unwrap();
        set_permissions(
            runtime.path().join("secretfs"),
            Permissions::from_mode(0o755),
        )
        .unwrap();
        assert_eq!(created(runtime.path(), tmp.path()), below_tmp(tmp.path()));

        let (runtime, elsewhere) = (folder(0o700), folder(0o700));
        symlink(elsewhere.path(), runtime.path().join("secretfs")).unwrap();
        assert_eq!(created(runtime.path(), tmp.path()), below_tmp(tmp.path()));
    }

    #[test]
    fn a_runtime_dir_too_long_for_a_socket_is_not_used() {
        let (base, tmp) = (folder(0o700), folder(0o700));
        let long = base.path().join("x".repeat(90));
        create_dir(&long).unwrap();
        set_permissions(&long, Permissions::from_mode(0o700)).unwrap();
        assert_eq!(created(&long, tmp.path()), below_tmp(tmp.path()));
    }

    #[test]
    fn a_link_at_the_place_in_tmp_is_refused_with_help() {
        let (tmp, elsewhere) = (folder(0o700), folder(0o700));
        symlink(elsewhere.path(), below_tmp(tmp.path())).unwrap();
        let error = RuntimeFolder::create_in(None, tmp.path()).unwrap_err();
        assert!(error.message.contains("symbolic link"), "{error}");
        assert!(!error.help.is_empty());
    }

    #[test]
    fn commands_look_in_every_place() {
        let (runtime, run, tmp) = (folder(0o700), folder(0o755), folder(0o700));
        let first = RuntimeFolder::create_in(Some(runtime.path().as_os_str()), tmp.path()).unwrap();
        let second = RuntimeFolder::create_in(None, tmp.path()).unwrap();
        RuntimeFolder::make_lasting_in(run.path(), getuid(), getgid()).unwrap();
        // Twice is no error, and changes nothing.
        RuntimeFolder::make_lasting_in(run.path(), getuid(), getgid()).unwrap();
        let found =
            RuntimeFolder::existing_in(Some(runtime.path().as_os_str()), run.path(), tmp.path());
        let third = below_run(run.path(), getuid());
        assert!(found.contains(&first) && found.contains(&second));
        assert!(found.iter().any(|found| found.path == third));
        let link = below_run(run.path(), Uid::from_raw(1));
        symlink(tmp.path(), &link).unwrap();
        assert!(RuntimeFolder::make_lasting_in(run.path(), Uid::from_raw(1), getgid()).is_err());
    }

    #[test]
    fn two_mountpoints_have_different_files() {
        let tmp = folder(0o700);
        let folder = RuntimeFolder::create_in(None, tmp.path()).unwrap();
        assert_ne!(
            folder.socket(Path::new("/a")),
            folder.socket(Path::new("/b"))
        );
        assert_eq!(folder.lock(Path::new("/a")), folder.lock(Path::new("/a")));
    }
}
