//! Where a program is. It is searched for on the `PATH` of the command that mounted, as the user's own
//! shell does; what others could have put there is passed over.

use rustix::fs::{Access, access, stat};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The first program of that name on `path` that the user may run, and that no other user than root
/// could have written. Nothing below `mountpoint`.
#[must_use]
pub fn find(name: &str, path: &OsStr, mountpoint: &Path) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute() && !folder.starts_with(mountpoint))
        .filter_map(|folder| folder.canonicalize().ok())
        .filter(|folder| !folder.starts_with(mountpoint))
        .map(|folder| folder.join(name))
        .find(|file| may_be_run(file))
}

fn may_be_run(file: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let Ok(stat) = stat(file) else {
        return false;
    };
    let is_file = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
    let is_ours = stat.st_uid == own || stat.st_uid == 0;
    is_file && is_ours && stat.st_mode & 0o002 == 0 && access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_program_on_the_path_that_nobody_else_can_write_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let put = |folder: &str, mode: u32| {
            let folder = base.join(folder);
            std::fs::create_dir(&folder).unwrap();
            let file = folder.join("tool");
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            folder
        };
        let mount = put("mount", 0o755);
        let (anybody, plain, good) = (put("a", 0o757), put("b", 0o644), put("c", 0o755));
        let link = base.join("link");
        std::os::unix::fs::symlink(&mount, &link).unwrap();
        std::fs::create_dir_all(base.join("d/tool")).unwrap();
        let all = [
            Path::new("relative"),
            &mount,
            &link,
            &base.join("d"),
            &anybody,
            &plain,
            &good,
        ];
        let path = std::env::join_paths(all).unwrap();
        assert_eq!(find("tool", &path, &mount), Some(good.join("tool")));
        assert_eq!(find("other", &path, &mount), None);
        assert_eq!(find("tool", OsStr::new(""), &mount), None);
    }
}
