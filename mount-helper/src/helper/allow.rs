//! `allow`: which executables may open an entry. A bare name is the last component of the
//! executable's path; an absolute path is compared by device and inode; an executable that cannot
//! be read or was deleted does not match. It hinders accidents, not the same user with intent.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether the executable of process (or thread) `pid` is in `allow`.
pub(super) fn is_allowed(pid: u32, allow: &[String]) -> bool {
    pid != 0 && matches(Path::new(&format!("/proc/{pid}/exe")), allow)
}

fn matches(link: &Path, allow: &[String]) -> bool {
    let Ok(path) = std::fs::read_link(link) else {
        return false;
    };
    // Through the link, so that the file is the one that runs, whatever has its name now.
    let Ok(running) = std::fs::metadata(link) else {
        return false;
    };
    // A deleted one is told by its links: a file may well be called "x (deleted)".
    if running.nlink() == 0 {
        return false;
    }
    allow.iter().any(|allowed| {
        if allowed.starts_with('/') {
            std::fs::metadata(allowed)
                .is_ok_and(|named| named.dev() == running.dev() && named.ino() == running.ino())
        } else {
            path.file_name()
                .is_some_and(|name| name == allowed.as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn fixture() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("kubectl");
        std::fs::write(&program, b"x").unwrap();
        let link = dir.path().join("exe");
        symlink(&program, &link).unwrap();
        (dir, program, link)
    }

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn a_bare_name_is_the_last_component() {
        let (_dir, _, exe) = fixture();
        assert!(matches(&exe, &list(&["helm", "kubectl"])));
        assert!(!matches(&exe, &list(&["kube", "ubectl", "kubectl2", ""])));
        assert!(!matches(&exe, &[]));
    }

    #[test]
    fn an_absolute_path_is_the_same_file_by_any_name() {
        let (dir, program, exe) = fixture();
        let hard = dir.path().join("other-name");
        std::fs::hard_link(&program, &hard).unwrap();
        let soft = dir.path().join("soft");
        symlink(&program, &soft).unwrap();
        for path in [&program, &hard, &soft] {
            assert!(matches(&exe, &list(&[path.to_str().unwrap()])));
        }
        let copy = dir.path().join("copy");
        std::fs::copy(&program, &copy).unwrap();
        assert!(!matches(&exe, &list(&[copy.to_str().unwrap()])));
        assert!(!matches(&exe, &list(&["/nowhere/kubectl"])));
    }

    #[test]
    fn an_executable_that_cannot_be_read_does_not_match() {
        let (dir, program, exe) = fixture();
        std::fs::remove_file(&program).unwrap();
        assert!(!matches(&exe, &list(&["kubectl"])));
        assert!(!matches(&dir.path().join("no-link"), &list(&["kubectl"])));
        assert!(!is_allowed(0, &list(&["kubectl"])));
    }

    #[test]
    fn a_running_program_is_found_and_a_deleted_one_is_not() {
        let (dir, ..) = fixture();
        let program = dir.path().join("napper");
        std::fs::copy("/bin/sleep", &program).unwrap();
        let mut child = std::process::Command::new(&program)
            .arg("60")
            .spawn()
            .unwrap();
        assert!(is_allowed(child.id(), &list(&["napper"])));
        assert!(is_allowed(child.id(), &list(&[program.to_str().unwrap()])));
        std::fs::remove_file(&program).unwrap();
        assert!(!is_allowed(child.id(), &list(&["napper"])));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
