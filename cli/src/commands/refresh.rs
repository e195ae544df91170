//! `secretfs refresh`: forgets cached values, stale and negative ones too.

use crate::args::RefreshArgs;
use crate::control;
use crate::error::{CliError, Status};
use crate::output::{print, show};
use secretfs_mount_helper::control::client::{self, Found};
use secretfs_mount_helper::control::{Request, Response};
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(args: &RefreshArgs) -> Result<(), CliError> {
    // What a lock has unmounted remembers nothing.
    let mut running = client::all();
    running.retain(Found::is_running);
    let meant = || Ok(control::the_meant(running.clone())?.mountpoint().to_owned());
    let jobs = if args.files.is_empty() {
        vec![(meant()?, Vec::new())]
    } else {
        let here = std::env::current_dir().unwrap_or_default();
        let places: Vec<_> = running
            .iter()
            .map(|one| one.mountpoint().to_owned())
            .collect();
        sort(&args.files, &places, &here, meant)?
    };
    super::for_each(jobs, |(mountpoint, paths)| {
        let found = client::expect(&mountpoint)?;
        let count = match control::ask(&found, &Request::Refresh { paths }, None)? {
            Response::Done { count } => count,
            _ => 0,
        };
        let values = if count == 1 { "value" } else { "values" };
        print(format!(
            "forgot {count} {values} of {}\n",
            show(&mountpoint)
        ))
    })
}

/// Finds the mount of each file: an absolute path, or one from the working folder, that lies in a
/// mount; else a path below the mountpoint of the mount that is meant where none is named.
fn sort(
    files: &[PathBuf],
    places: &[PathBuf],
    here: &Path,
    meant: impl Fn() -> Result<PathBuf, CliError>,
) -> Result<Vec<(PathBuf, Vec<String>)>, CliError> {
    let mut jobs: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for file in files {
        let full = here.join(file);
        let full = secretfs_mount_helper::place::mountpoint::normalise(&full).unwrap_or(full);
        let inside = places
            .iter()
            .find_map(|place| Some((place.clone(), full.strip_prefix(place).ok()?.to_owned())));
        let (place, path) = match inside {
            Some(found) => found,
            None if file.is_absolute() => return Err(outside(file)),
            None => (meant()?, file.components().collect()),
        };
        let path = path.to_str().ok_or_else(|| outside(file))?.to_owned();
        match jobs.iter_mut().find(|(known, _)| *known == place) {
            Some((_, paths)) => paths.push(path),
            None => jobs.push((place, vec![path])),
        }
    }
    // The mountpoint itself names all of its files.
    for (_, paths) in &mut jobs {
        if paths.iter().any(String::is_empty) {
            paths.clear();
        }
    }
    Ok(jobs)
}

fn outside(file: &Path) -> CliError {
    CliError::new(
        Status::Mount,
        format!("{} is in no mount", show(file)),
        "see `secretfs status` for the mounts and their files",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(files: &[&str], here: &str) -> Result<Vec<(String, Vec<String>)>, CliError> {
        let files: Vec<_> = files.iter().map(PathBuf::from).collect();
        let places = ["/nowhere/a".into(), "/nowhere/b".into()];
        let jobs = sort(&files, &places, Path::new(here), || Ok("/nowhere/b".into()))?;
        Ok(jobs
            .into_iter()
            .map(|(place, paths)| (place.display().to_string(), paths))
            .collect())
    }

    #[test]
    fn absolute_paths_name_their_mount_and_others_are_below_the_one_that_is_meant() {
        let jobs = sorted(&["/nowhere/a/x/y", "k", "/nowhere/b/z"], "/elsewhere").expect("found");
        assert_eq!(
            jobs,
            [
                ("/nowhere/a".to_owned(), vec!["x/y".to_owned()]),
                (
                    "/nowhere/b".to_owned(),
                    vec!["k".to_owned(), "z".to_owned()]
                ),
            ]
        );
    }

    #[test]
    fn a_path_from_inside_a_mount_is_meant_from_there() {
        let jobs = sorted(&["./y"], "/nowhere/a/x").expect("found");
        assert_eq!(jobs, [("/nowhere/a".to_owned(), vec!["x/y".to_owned()])]);
    }

    #[test]
    fn the_mountpoint_itself_means_all_of_its_files() {
        let jobs = sorted(&["/nowhere/a/x", "/nowhere/a"], "/elsewhere").expect("found");
        assert_eq!(jobs, [("/nowhere/a".to_owned(), Vec::new())]);
    }

    #[test]
    fn an_absolute_path_in_no_mount_is_an_error_of_status_6() {
        let error = sorted(&["/etc/passwd"], "/elsewhere").expect_err("outside");
        assert_eq!(error.status(), Status::Mount);
    }
}
