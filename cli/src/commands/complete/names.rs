//! Names that only this machine knows: of mounts, of their files, of a map. From records and maps, which
//! are plain files; a mount is asked for what its `dir:` folders list, and for a moment.

use super::Candidate;
use super::words::Place;
use crate::args::Cli;
use crate::map::Map;
use crate::output::show;
use clap::CommandFactory;
use secretfs_fs::map::ProviderSettings;
use secretfs_mount_helper::control::client::{self, Found};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a mount may take to say what its files are. Without it, they are those of its map.
const ASKED: Duration = Duration::from_millis(200);

/// Of which argument a value is wanted.
pub(super) struct Asked<'a> {
    pub(super) words: &'a Place<'a>,
    pub(super) arg: &'a str,
}

/// What fits; `None`: it is no name of ours.
pub(super) fn of(asked: &Asked<'_>) -> Option<Vec<Candidate>> {
    let commands = asked.words.commands.as_slice();
    Some(match (commands, asked.arg) {
        (["unmount" | "lock" | "unlock" | "status"], "mountpoint") => mountpoints(),
        (["refresh"], "files") => files(&asked.words.value),
        (["run"], "only") => of_map(asked).map(|map| parts(&map)).unwrap_or_default(),
        (["login" | "logout"], "provider") => providers(asked),
        (["man"], "command") => manuals(asked),
        (["vault", "set" | "rm"], "name" | "names") => Vec::new(),
        _ => return None,
    })
}

fn mountpoints() -> Vec<Candidate> {
    let one = |found: &Found| {
        let word = found.mountpoint().to_str()?.to_owned();
        let about = format!("of {}", show(&found.record.request.map));
        Some(Candidate { word, about })
    };
    client::all().iter().filter_map(one).collect()
}

/// The files of the mount that is meant where none is named; those of all mounts for who types an
/// absolute path; those in a folder for who is in it.
fn files(typed: &str) -> Vec<Candidate> {
    let mut running = client::all();
    running.retain(Found::is_running);
    let Some(here) = here() else {
        return Vec::new();
    };
    if typed.starts_with('/') {
        let path = |found: &Found, file: &str| found.mountpoint().join(file);
        let all = running.iter().flat_map(|found| {
            let files = files_of(found).into_iter();
            files.filter_map(move |file| path(found, &file).to_str().map(str::to_owned))
        });
        return all.map(|word| plain(&word)).collect();
    }
    if let Some(found) = at(&running, &here) {
        let inside = here
            .strip_prefix(found.mountpoint())
            .unwrap_or(Path::new(""));
        let files = files_of(found);
        let below = files
            .iter()
            .filter_map(|file| Path::new(file).strip_prefix(inside).ok()?.to_str());
        return below.map(plain).collect();
    }
    // Several, and none that is meant: refresh would not know either.
    let Ok(found) = crate::control::the_meant(running) else {
        return Vec::new();
    };
    files_of(&found).iter().map(|file| plain(file)).collect()
}

fn plain(word: &str) -> Candidate {
    Candidate {
        word: word.to_owned(),
        about: String::new(),
    }
}

fn files_of(found: &Found) -> Vec<String> {
    if let Some(status) = client::status_within(found, ASKED) {
        return crate::commands::status::rows(&status)
            .map(|row| row.path)
            .collect();
    }
    let map = Map::of_mount(&found.record.request);
    let paths = |map: Map| {
        map.entries()
            .iter()
            .map(|entry| entry.path.clone())
            .collect()
    };
    map.map(paths).unwrap_or_default()
}

/// The files and variables of a map.
fn parts(map: &Map) -> Vec<Candidate> {
    let mut parts: Vec<_> = map
        .entries()
        .iter()
        .map(|entry| plain(&entry.path))
        .collect();
    let variables = map.entries().iter().filter_map(|entry| {
        Some(Candidate {
            word: entry.env.clone()?,
            about: entry.path.clone(),
        })
    });
    parts.extend(variables);
    parts
}

/// Those of the map, else what can be named without one.
fn providers(asked: &Asked<'_>) -> Vec<Candidate> {
    let Some(map) = of_map(asked) else {
        return ["infisical", "connect", "op", "vault"].map(plain).into();
    };
    let one = |spec: &secretfs_fs::map::ProviderSpec| Candidate {
        word: spec.name.clone(),
        about: match spec.settings {
            ProviderSettings::Local { .. } => "a local vault",
            ProviderSettings::Infisical { .. } => "Infisical",
            ProviderSettings::OnePassword { .. } => "1Password",
            #[cfg(feature = "test-hooks")]
            ProviderSettings::Scripted { .. } => "scripted",
        }
        .to_owned(),
    };
    map.providers().iter().map(one).collect()
}

/// The map that the command would use, if that can be told without looking at a mount.
fn of_map(asked: &Asked<'_>) -> Option<Map> {
    let mut values = asked.words.values.iter();
    let named = values
        .rfind(|(arg, _)| *arg == "map")
        .map(|(_, value)| home(value));
    let here = here()?;
    let place = here.join(named.as_deref().unwrap_or(Path::new("")));
    if at(&client::all(), &place).is_some() {
        return None;
    }
    Map::find(named.as_deref()).ok()
}

/// Bash gives `~` as it was typed.
fn home(value: &str) -> PathBuf {
    match (value.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => value.into(),
    }
}

/// The working folder. Its name alone: it may be in a mount that hangs.
fn here() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

fn at<'a>(mounts: &'a [Found], path: &Path) -> Option<&'a Found> {
    mounts
        .iter()
        .find(|found| path.starts_with(found.mountpoint()))
}

/// The commands below those that were named.
fn manuals(asked: &Asked<'_>) -> Vec<Candidate> {
    let mut command = &Cli::command();
    for (arg, name) in &asked.words.values {
        if *arg == asked.arg {
            match command.find_subcommand(name) {
                Some(inner) => command = inner,
                None => return Vec::new(),
            }
        }
    }
    let shown = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    let one = |inner: &clap::Command| Candidate {
        word: inner.get_name().to_owned(),
        about: inner
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    shown.map(one).collect()
}
