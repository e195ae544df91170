//! Which mount a command means, where none was named.

use crate::error::{CliError, Status};
use crate::output::show;
use std::path::{Path, PathBuf};

/// A mount of this user: one that runs, or one that a lock has unmounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where.
    pub(crate) mountpoint: PathBuf,
    /// Its map.
    pub(crate) map: PathBuf,
}

/// The map that is found from the working folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discovered {
    /// The map.
    pub(crate) map: PathBuf,
    /// Where it says that it is mounted, or the default; `None` where the map is bad.
    pub(crate) mountpoint: Option<PathBuf>,
}

/// Chooses: the mount of the map that is found from here, else the only one. `discover` is called
/// only where there is a choice.
pub(crate) fn choose(
    places: &[Place],
    discover: impl FnOnce() -> Option<Discovered>,
) -> Result<&Place, CliError> {
    let several = match places {
        [] => return Err(nothing_mounted()),
        [only] => return Ok(only),
        several => several,
    };
    let found = discover();
    let of_map = |place: &&Place| found.as_ref().is_some_and(|found| found.map == place.map);
    let at_mountpoint = |place: &&Place| {
        found
            .as_ref()
            .is_some_and(|found| found.mountpoint.as_ref() == Some(&place.mountpoint))
    };
    several
        .iter()
        .find(at_mountpoint)
        // The map may be mounted elsewhere, at a place that `mount` was told.
        .or_else(|| the_only(several.iter().filter(of_map)))
        .ok_or_else(|| {
            let list: Vec<_> = several
                .iter()
                .map(|place| show(&place.mountpoint))
                .collect();
            CliError::new(
                Status::Mount,
                format!("there are {} mounts: {}", list.len(), list.join(", ")),
                "name one of them, or use --all",
            )
        })
}

fn the_only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

fn nothing_mounted() -> CliError {
    CliError::new(
        Status::Mount,
        "nothing is mounted",
        "`secretfs mount` mounts the map that is found from here",
    )
}

/// The named mountpoint as records have it: absolute, without `.`, `..` or symbolic links in what
/// leads to it. The mountpoint itself is not touched: a dead mount answers nothing.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let full = std::path::absolute(path).map_err(|error| {
        CliError::new(
            Status::Mount,
            format!("cannot tell where {} is: {error}", show(path)),
            "name it by its absolute path",
        )
    })?;
    // `absolute` keeps `..`, and drops a trailing slash only from the components.
    let (Some(parent), Some(name)) = (full.parent(), full.file_name()) else {
        return Ok(full.canonicalize().unwrap_or(full));
    };
    match parent.canonicalize() {
        Ok(parent) => Ok(parent.join(name)),
        // Not there yet: `mount` makes it.
        Err(_) => Ok(full.components().collect()),
    }
}

/// The state of every mount.
pub(crate) fn statuses() -> Result<Vec<secretfs_mount_helper::control::MountStatus>, CliError> {
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(mountpoint: &str, map: &str) -> Place {
        Place {
            mountpoint: mountpoint.into(),
            map: map.into(),
        }
    }

    fn discovered(map: &str, mountpoint: Option<&str>) -> Option<Discovered> {
        Some(Discovered {
            map: map.into(),
            mountpoint: mountpoint.map(PathBuf::from),
        })
    }

    #[test]
    fn nothing_mounted_is_an_error_of_status_6() {
        let error = choose(&[], || None).expect_err("nothing");
        assert_eq!(error.status(), Status::Mount);
    }

    #[test]
    fn the_only_mount_is_meant_without_looking_for_a_map() {
        let places = [place("/a", "/a.yml")];
        let chosen = choose(&places, || panic!("not asked")).expect("the only one");
        assert_eq!(chosen, &places[0]);
    }

    #[test]
    fn among_several_the_mountpoint_of_the_map_found_from_here_is_meant() {
        let places = [place("/a", "/a.yml"), place("/b", "/b.yml")];
        let chosen = choose(&places, || discovered("/c.yml", Some("/b"))).expect("b");
        assert_eq!(chosen, &places[1]);
    }

    #[test]
    fn a_map_that_is_mounted_elsewhere_is_found_by_its_name() {
        let places = [place("/a", "/a.yml"), place("/b", "/b.yml")];
        let chosen = choose(&places, || discovered("/a.yml", Some("/home"))).expect("a");
        assert_eq!(chosen, &places[0]);
    }

    #[test]
    fn a_bad_map_still_names_its_mount() {
        let places = [place("/a", "/a.yml"), place("/b", "/b.yml")];
        let chosen = choose(&places, || discovered("/b.yml", None)).expect("b");
        assert_eq!(chosen, &places[1]);
    }

    #[test]
    fn a_map_that_is_mounted_twice_leaves_the_choice_to_the_user() {
        let places = [place("/a", "/a.yml"), place("/b", "/a.yml")];
        let error = choose(&places, || discovered("/a.yml", None)).expect_err("which?");
        assert_eq!(
            error.render(false),
            "error: there are 2 mounts: /a, /b\nhelp: name one of them, or use --all\n"
        );
    }

    #[test]
    fn without_a_map_several_mounts_are_listed() {
        let places = [place("/a", "/a.yml"), place("/b", "/b.yml")];
        let error = choose(&places, || None).expect_err("which?");
        assert_eq!(error.status(), Status::Mount);
    }

    #[test]
    fn a_mountpoint_is_found_through_links_and_dots_but_not_followed_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("real").join("real");
        std::fs::create_dir(&real).expect("made");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let at = |path: PathBuf| absolute(&path).expect("absolute");
        assert_eq!(at(link.join("mount")), real.join("mount"));
        assert_eq!(at(link.join("mount/")), real.join("mount"));
        assert_eq!(at(real.join("../real/./mount")), real.join("mount"));
        assert_eq!(at(link.clone()), real.with_file_name("link"));
        assert_eq!(at("/nowhere/at/all/".into()), Path::new("/nowhere/at/all"));
    }
}
