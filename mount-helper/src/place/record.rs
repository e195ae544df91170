//! Records: what is mounted where, by whom, with which map. They hold no secret, and stay when a
//! lock has ended all processes, so that `unlock` can mount again.

use super::process::ProcessId;
use super::runtime::RuntimeFolder;
use crate::control::MountState;
use crate::error::HelperError;
use crate::launch::LaunchRequest;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open, stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// No record is longer: a few paths.
const LIMIT: u64 = 64 << 10;

/// What is known of a mount from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What was asked for: mountpoint, map, options.
    pub request: LaunchRequest,
    /// The state when this was written.
    pub state: MountState,
    /// The helper; `None` once a lock has ended it.
    pub helper: Option<ProcessId>,
    /// The daemon.
    pub daemon: Option<ProcessId>,
}

impl Record {
    /// Writes the record in one step: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let temporary = PathBuf::from(name);
        // A link that stands there is not followed, a FIFO not waited for: nothing but a new file will do.
        // The mountpoint's lock is held, so that nobody else is writing one.
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = open(&temporary, flags, Mode::RUSR | Mode::WUSR)?;
        std::fs::File::from(fd).write_all(&text)?;
        std::fs::rename(&temporary, path)
    }

    /// Reads a record. `None`: there is none, or it is none of this version.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = std::fs::File::from(open(path, flags, Mode::empty()).ok()?);
        let mut text = Vec::new();
        file.take(LIMIT).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Every record of a folder, by mountpoint, with its path.
    #[must_use]
    pub fn all(folder: &RuntimeFolder) -> Vec<(PathBuf, Self)> {
        let Ok(entries) = std::fs::read_dir(folder.path()) else {
            return Vec::new();
        };
        let mut records: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .filter_map(|path| Some((path.clone(), Self::read(&path)?)))
            .collect();
        records.sort_by(|a, b| a.1.request.mountpoint.cmp(&b.1.request.mountpoint));
        records
    }

    /// Whether a process that the record names is left.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.helper.is_some_and(ProcessId::is_alive)
    }
}

/// The lock of a mountpoint: whoever holds it is its only helper. The kernel gives it back whatever
/// way the process ends.
#[derive(Debug)]
pub struct InstanceLock {
    path: PathBuf,
    _fd: OwnedFd,
}

impl InstanceLock {
    /// Takes the lock. `Ok(None)`: another helper holds it.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn take(path: &Path) -> std::io::Result<Option<Self>> {
        // Its holder unlinks the file at its end: whoever waited for nothing but the name may then
        // hold a lock that nobody else will find, so the name is compared afterwards.
        for _ in 0..16 {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let fd = open(path, flags, Mode::RUSR | Mode::WUSR)?;
            match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
            let held = fstat(&fd)?;
            if stat(path).is_ok_and(|named| named.st_ino == held.st_ino) {
                return Ok(Some(Self {
                    path: path.to_owned(),
                    _fd: fd,
                }));
            }
        }
        Ok(None)
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The error of a second mount: names the first.
pub(crate) fn already_mounted(mountpoint: &Path, first: Option<&Record>) -> HelperError {
    let by = match first.map(|record| (record.helper, &record.request.map)) {
        Some((Some(helper), map)) => {
            format!(" by process {} with the map {}", helper.pid, map.display())
        }
        _ => String::new(),
    };
    HelperError::mount(
        format!("{} is already mounted{by}", mountpoint.display()),
        format!(
            "use it as it is, or run `secretfs unmount {}` first",
            mountpoint.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            request: LaunchRequest::new(
                "/home/me/secrets".into(),
                "/home/me/secrets.yml".into(),
                secretfs_fs::map::Defaults::default(),
            ),
            state: MountState::Serving,
            helper: Some(ProcessId::current()),
            daemon: None,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_nobody_else_may() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        record().write(&path).unwrap();
        assert_eq!(Record::read(&path), Some(record()));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(record().is_alive());
    }

    /// A FIFO without a reader held the helper up for ever, and the mount with it.
    #[test]
    fn what_stands_at_the_name_of_a_new_record_is_replaced_and_neither_followed_nor_waited_for() {
        use rustix::fs::{CWD, FileType, mknodat};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let new = dir.path().join("a.json.new");
        let victim = dir.path().join("victim");
        std::fs::write(&victim, b"what must stay").unwrap();
        let plant: [&dyn Fn(); 3] = [
            &|| mknodat(CWD, &new, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
            &|| std::os::unix::fs::symlink(&victim, &new).unwrap(),
            &|| std::fs::write(&new, [b'x'; 100_000]).unwrap(),
        ];
        for plant in plant {
            plant();
            record().write(&path).unwrap();
            assert_eq!(Record::read(&path), Some(record()));
            assert!(!new.exists());
        }
        assert_eq!(std::fs::read(&victim).unwrap(), b"what must stay");
    }

    #[test]
    fn rubbish_is_no_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(&path, b"{\"request\":").unwrap();
        assert_eq!(Record::read(&path), None);
        assert_eq!(Record::read(&dir.path().join("b.json")), None);
    }

    #[test]
    fn only_one_holds_the_lock_and_the_next_gets_it_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.lock");
        let first = InstanceLock::take(&path).unwrap().unwrap();
        assert!(InstanceLock::take(&path).unwrap().is_none());
        drop(first);
        assert!(!path.exists());
        assert!(InstanceLock::take(&path).unwrap().is_some());
    }

    #[test]
    fn a_second_mount_is_told_of_the_first() {
        let error = already_mounted(Path::new("/home/me/secrets"), Some(&record()));
        assert_eq!(error.status, 6);
        assert!(error.message.contains(&std::process::id().to_string()));
        assert!(error.message.contains("/home/me/secrets.yml"));
    }
}
