//! Where a command's mount is: a folder of its own below the runtime folder, named by its process id.

use crate::error::{CliError, Status};
use crate::output::show;
use rustix::process::{Pid, test_kill_process};
use secretfs_mount_helper::place::RuntimeFolder;
use secretfs_mount_helper::place::mountpoint::normalise;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The folder of all such mounts.
const FOLDER: &str = "run";

/// A place that nothing is mounted at. The mount-helper makes it, and removes it afterwards.
pub(super) fn new() -> Result<PathBuf, CliError> {
    let folder = RuntimeFolder::create()?.path().join(FOLDER);
    new_in(&folder, std::process::id())
}

fn new_in(folder: &Path, pid: u32) -> Result<PathBuf, CliError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(CliError::new(
                Status::Mount,
                format!("cannot make the folder {}: {error}", show(folder)),
                "see that the runtime folder can be written",
            ));
        }
        _ => {}
    }
    sweep(folder);
    // A folder that is left of the same number is empty: it went, or the mount says what is there.
    Ok(normalise(&folder.join(pid.to_string()))?)
}

/// Removes the folders of commands that are gone, where all of their processes were killed at once. One
/// that is still mounted on, or in a namespace, is not removed by the kernel.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw)
            && test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        {
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_commands_that_are_gone_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(FOLDER);
        let own = std::process::id().to_string();
        // Larger than any process id can be.
        for name in ["2147483647", own.as_str(), "notes"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let place = new_in(&folder, 7).unwrap();
        assert!(place.ends_with("run/7") && !place.exists());
        let mut left: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = vec![own, "notes".to_owned()];
        expected.sort();
        assert_eq!(left, expected);
    }
}
