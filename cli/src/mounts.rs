//! Which mount a command means, where none was named.

use crate::error::{CliError, Status};
use crate::output::show;
use std::path::PathBuf;

/// A mount of this user: one that runs, or one that a lock has unmounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where.
    pub(crate) mountpoint: PathBuf,
    /// Its map.
    pub(crate) map: PathBuf,
    /// Whether its helper runs; else a lock has ended all of its processes.
    pub(crate) running: bool,
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
                .map(|place| place.mountpoint.clone())
                .collect();
            unclear(&list)
        })
}

/// The error where a command does not know which of these is meant.
pub(crate) fn unclear(mountpoints: &[PathBuf]) -> CliError {
    if mountpoints.is_empty() {
        return nothing_mounted();
    }
    let list: Vec<_> = mountpoints.iter().map(|place| show(place)).collect();
    CliError::new(
        Status::Mount,
        format!("there are {} mounts: {}", list.len(), list.join(", ")),
        "name one of them",
    )
}

fn the_only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

pub(crate) fn nothing_mounted() -> CliError {
    CliError::new(
        Status::Mount,
        "nothing is mounted",
        "`secretfs mount` mounts the map that is found from here",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(mountpoint: &str, map: &str) -> Place {
        Place {
            mountpoint: mountpoint.into(),
            map: map.into(),
            running: true,
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
            "error: there are 2 mounts: /a, /b\nhelp: name one of them\n"
        );
    }

    #[test]
    fn without_a_map_several_mounts_are_listed() {
        let places = [place("/a", "/a.yml"), place("/b", "/b.yml")];
        let error = choose(&places, || None).expect_err("which?");
        assert_eq!(error.status(), Status::Mount);
    }
}
