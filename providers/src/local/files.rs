//! Replacing a file so that a crash, or another writer, never loses it: a temporary file in the same
//! folder, fsync, rename, fsync of the folder; under a lock.

use super::VaultError;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a command waits for another one: a rekey on a slow machine takes some seconds.
const PATIENCE: Duration = Duration::from_secs(30);

fn error<'a>(what: &'static str, path: &'a Path) -> impl Fn(Errno) -> VaultError + 'a {
    move |errno| VaultError::Io {
        what,
        path: path.to_owned(),
        source: errno.into(),
    }
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// `.NAME.SUFFIX` beside `file`.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(suffix);
    folder_of(file).join(name)
}

/// Makes the folder of `file`, and those above it, for the user alone.
pub(super) fn make_folder(file: &Path) -> Result<(), VaultError> {
    let folder = folder_of(file);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| VaultError::Io {
            what: "make the folder",
            path: folder.to_owned(),
            source,
        })
}

/// Opens for reading. Never waits, as opening a FIFO would.
pub(super) fn open(path: &Path) -> Result<File, VaultError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => Ok(fd.into()),
        Err(Errno::NOENT) => Err(VaultError::Missing(path.to_owned())),
        Err(errno) => Err(error("open", path)(errno)),
    }
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>, VaultError> {
    let io = |source| VaultError::Io {
        what: "read",
        path: path.to_owned(),
        source,
    };
    let file = open(path)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(VaultError::NotRegular(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(VaultError::VaultTooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// The right to write a vault, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the right to write the vault `file`.
    pub(super) fn take(file: &Path) -> Result<Self, VaultError> {
        // Beside the vault, which a rename replaces: a lock on it would be one on the old file.
        // It stays: removing it would let two writers lock two files.
        let path = beside(file, ".lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))
            .map_err(error("open the lock file", &path))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _file: fd.into() }),
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(VaultError::Busy {
                        path: file.to_owned(),
                        seconds: PATIENCE.as_secs(),
                    });
                }
                Err(errno) => return Err(error("lock", &path)(errno)),
            }
        }
    }

    /// Replaces `file` by what `write` writes. On any error `file` is as it was.
    pub(super) fn replace<T>(
        &self,
        file: &Path,
        write: impl FnOnce(&File) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let fresh = beside(file, ".new");
        // Under the lock: what is there was left by a crash.
        drop(std::fs::remove_file(&fresh));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::open(&fresh, flags, Mode::from_raw_mode(0o600))
            .map_err(error("write", &fresh))?;
        let temporary = File::from(fd);
        let result = write(&temporary).and_then(|result| {
            // A full disk may show here only.
            rustix::fs::fsync(&temporary).map_err(error("write", &fresh))?;
            rustix::fs::rename(&fresh, file).map_err(error("replace", file))?;
            Ok(result)
        });
        if result.is_err() {
            drop(std::fs::remove_file(&fresh));
            return result;
        }
        let folder = folder_of(file);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(folder, flags, Mode::empty()).map_err(error("open", folder))?;
        match rustix::fs::fsync(fd) {
            // Some file systems have no fsync of folders.
            Ok(()) | Err(Errno::INVAL) => result,
            Err(errno) => Err(error("write", folder)(errno)),
        }
    }
}

/// What `write` of [`Lock::replace`] gives back for a failed write.
pub(super) fn write_error(path: &Path) -> impl Fn(io::Error) -> VaultError + '_ {
    move |source| VaultError::Io {
        what: "write",
        path: path.to_owned(),
        source,
    }
}
