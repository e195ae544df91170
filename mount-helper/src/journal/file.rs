//! A file that lines are appended to, 0600 and bounded: when it is full it is moved to `NAME.1`.
//! Helpers of several mounts append to one file, so each notices when another has moved it.

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open, stat};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// See the module.
#[derive(Debug)]
pub(super) struct BoundedFile {
    path: PathBuf,
    limit: u64,
    file: Option<File>,
}

impl BoundedFile {
    /// The file is opened when the first line is there.
    pub(super) fn new(path: PathBuf, limit: u64) -> Self {
        Self {
            path,
            limit,
            file: None,
        }
    }

    /// Appends a line in one write; whether all of it is there. A disk that is full or gone loses it, and
    /// no part of it stays: the next line would be appended to that.
    pub(super) fn append(&mut self, line: &[u8]) -> bool {
        self.follow();
        let room = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.length().saturating_add(room) > self.limit {
            self.rotate();
        }
        let before = self.length();
        let Some(file) = &mut self.file else {
            return false;
        };
        if file.write_all(line).is_ok() {
            return true;
        }
        let part = self.length().saturating_sub(before);
        // More than a part of ours: another helper has appended meanwhile.
        if let Some(file) = &self.file
            && (1..room).contains(&part)
        {
            let _ = file.set_len(before);
        }
        false
    }

    pub(super) fn into_file(mut self) -> Option<File> {
        self.follow();
        self.file
    }

    fn length(&self) -> u64 {
        self.file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map_or(0, |metadata| metadata.len())
    }

    /// Opens the file that has the name now.
    fn follow(&mut self) {
        if let Some(file) = &self.file
            && let (Ok(held), Ok(named)) = (fstat(file), stat(&self.path))
            && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
        {
            return;
        }
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::CLOEXEC
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK;
        self.file = open(&self.path, flags, Mode::RUSR | Mode::WUSR)
            .ok()
            .map(File::from)
            .filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()));
    }

    /// Moves the full file aside, unless another helper is doing so.
    fn rotate(&mut self) {
        if let Some(file) = &self.file
            && flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
            && let (Ok(held), Ok(named)) = (fstat(file), stat(&self.path))
            && held.st_ino == named.st_ino
        {
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            let _ = std::fs::rename(&self.path, old);
        }
        self.follow();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_full_file_is_moved_aside_once_and_stays_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = BoundedFile::new(path.clone(), 20);
        for n in 0..9 {
            file.append(format!("line {n}\n").as_bytes());
        }
        let old = std::fs::read_to_string(dir.path().join("log.1")).unwrap();
        let new = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            (old.as_str(), new.as_str()),
            ("line 6\nline 7\n", "line 8\n")
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_another_helper_moved_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = BoundedFile::new(path.clone(), 1000);
        file.append(b"before\n");
        std::fs::rename(&path, dir.path().join("log.1")).unwrap();
        file.append(b"after\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after\n");
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        std::fs::write(&target, b"").unwrap();
        std::os::unix::fs::symlink(&target, dir.path().join("log")).unwrap();
        BoundedFile::new(dir.path().join("log"), 1000).append(b"x\n");
        assert_eq!(std::fs::read(&target).unwrap(), b"");
    }
}
