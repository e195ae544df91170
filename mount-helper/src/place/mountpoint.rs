//! What may be mounted on: a folder of the user, empty, and no symbolic link. A dead mount is
//! recognised from `/proc/self/mountinfo` before anything here looks at it: a `stat` of it may hang.

use crate::error::HelperError;
use rustix::process::getuid;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

/// The one name of a mountpoint: absolute, every folder above it resolved, itself not looked at.
///
/// # Errors
/// It is `/`, ends in `..`, or a folder above it cannot be looked at.
pub fn normalise(path: &Path) -> Result<PathBuf, HelperError> {
    let unusable = |reason: &str| {
        HelperError::mount(
            format!("cannot mount on {}: {reason}", path.display()),
            "name an empty folder of yours, or one that does not exist yet",
        )
    };
    let absolute = std::path::absolute(path)
        .map_err(|error| unusable(&format!("its path cannot be resolved: {error}")))?;
    let mut rest = Vec::new();
    let mut base = absolute.as_path();
    loop {
        match base.components().next_back() {
            Some(Component::Normal(name)) => rest.push(name.to_owned()),
            _ => return Err(unusable("it has no name of its own")),
        }
        base = base
            .parent()
            .ok_or_else(|| unusable("it has no name of its own"))?;
        match base.canonicalize() {
            Ok(resolved) => {
                return Ok(rest
                    .iter()
                    .rev()
                    .fold(resolved, |path, name| path.join(name)));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(unusable(&format!(
                    "{} cannot be looked at: {error}",
                    base.display()
                )));
            }
        }
    }
}

/// Makes the mountpoint if it is missing (true), and refuses what must not be mounted on.
///
/// # Errors
/// A symbolic link, no folder, another user's, not empty, or it cannot be made.
pub fn prepare(path: &Path) -> Result<bool, HelperError> {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => {
            let kind = metadata.file_type();
            if kind.is_symlink() {
                return Err(HelperError::mount(
                    format!("cannot mount on {shown}: it is a symbolic link"),
                    "name the folder that it points to, or remove the link",
                ));
            }
            if !kind.is_dir() {
                return Err(HelperError::mount(
                    format!("cannot mount on {shown}: it is not a folder"),
                    "name an empty folder of yours, or one that does not exist yet",
                ));
            }
            if metadata.uid() != getuid().as_raw() {
                return Err(HelperError::mount(
                    format!("cannot mount on {shown}: it belongs to another user"),
                    "name a folder of yours, or one that does not exist yet",
                ));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder.create(path).map_err(|error| {
                HelperError::mount(
                    format!("cannot make the mountpoint {shown}: {error}"),
                    "name a place where you may make folders",
                )
            })?;
            return Ok(true);
        }
        Err(error) => return Err(unreadable(path, &error)),
    }
    let mut entries = std::fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
    if entries.next().is_some() {
        return Err(HelperError::mount(
            format!("cannot mount on {shown}: it is not empty"),
            "name an empty folder: a mount would hide what is in this one",
        ));
    }
    Ok(false)
}

fn unreadable(path: &Path, error: &std::io::Error) -> HelperError {
    HelperError::mount(
        format!("cannot look at the mountpoint {}: {error}", path.display()),
        "see that its parent folders can be entered, or name another mountpoint",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_missing_mountpoint_is_made_for_its_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/secrets");
        assert!(prepare(&path).unwrap());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(!prepare(&path).unwrap());
    }

    #[test]
    fn what_must_not_be_mounted_on_is_refused_with_status_6_and_help() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let link = dir.path().join("link");
        symlink(dir.path(), &link).unwrap();
        for (path, word) in [
            (file.as_path(), "not a folder"),
            (link.as_path(), "symbolic link"),
            (dir.path(), "not empty"),
        ] {
            let error = prepare(path).unwrap_err();
            assert_eq!(error.status, 6);
            assert!(error.message.contains(word), "{error}");
            assert!(!error.help.is_empty());
        }
    }

    #[test]
    fn one_mountpoint_has_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        let link = dir.path().join("link");
        symlink(&real, &link).unwrap();
        assert_eq!(normalise(&link.join("x")).unwrap(), real.join("x"));
        assert_eq!(normalise(&real.join("../real/x/")).unwrap(), real.join("x"));
        assert_eq!(
            normalise(&link.join("not/yet")).unwrap(),
            real.join("not/yet")
        );
        // The last component is not followed: it may be a dead mount, or a link to refuse.
        assert_eq!(
            normalise(&link).unwrap(),
            dir.path().canonicalize().unwrap().join("link")
        );
        assert!(normalise(Path::new("/")).is_err());
        assert!(normalise(&real.join("..")).is_err());
    }
}
