//! A part of a map: what `secretfs run` mounts for one command.

use super::{Map, ProviderSpec};
use serde::{Deserialize, Serialize};

/// What is mounted for one command, and ends with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The entries by their file or variable; none: all of them.
    pub only: Vec<String>,
}

impl Part {
    /// The names that no entry of the map has.
    #[must_use]
    pub fn unknown<'a>(&'a self, map: &Map) -> Vec<&'a str> {
        let has = |name: &str| map.entries.iter().any(|entry| is_named(entry, name));
        let names = self.only.iter().map(String::as_str);
        names.filter(|name| !has(name)).collect()
    }

    /// The part of the map: its entries, and the providers that these need. A lock seals it, whatever
    /// the map says: the command would lose its files for good otherwise.
    ///
    /// A name that no entry has any more, after the map was saved, is no error: its file is gone as it
    /// would be from every mount.
    #[must_use]
    pub fn of(&self, mut map: Map) -> Map {
        map.settings.seal_on_lock = true;
        if self.only.is_empty() {
            return map;
        }
        // The child that looks for credentials at unlock looks for those of the whole map.
        map.settings.remount_on_unlock = false;
        let is_wanted = |entry: &_| self.only.iter().any(|name| is_named(entry, name));
        map.entries.retain(is_wanted);
        let used = |index: u16| {
            map.entries.iter().any(|entry| {
                let fallback = entry.fallback.as_ref().map(|fallback| fallback.provider);
                entry.provider == index || fallback == Some(index)
            })
        };
        let kept: Vec<u16> = (0..)
            .take(map.providers.len())
            .filter(|i| used(*i))
            .collect();
        let now = |before: u16| (0..).zip(&kept).find(|(_, kept)| **kept == before);
        for entry in &mut map.entries {
            entry.provider = now(entry.provider).map_or(entry.provider, |(now, _)| now);
            if let Some(fallback) = &mut entry.fallback {
                fallback.provider = now(fallback.provider).map_or(fallback.provider, |(n, _)| n);
            }
        }
        let providers: Vec<ProviderSpec> = std::mem::take(&mut map.providers);
        let numbered = (0..).zip(providers);
        map.providers = numbered
            .filter_map(|(index, spec)| kept.contains(&index).then_some(spec))
            .collect();
        map
    }
}

fn is_named(entry: &super::EntryPlan, name: &str) -> bool {
    entry.path == name || entry.env.as_deref() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::parse;
    use std::path::Path;

    fn map() -> Map {
        let yaml = "
config: { on_lock: unmount, remount_on_unlock: true }
providers:
  a: { type: local, file: /a.age }
  b: { type: local, file: /b.age }
  c: { type: local, file: /c.age }
secrets:
  - { name: ONE, file: one, env: FIRST, provider: a }
  - { name: TWO, file: deep/two, provider: b }
  - { name: THREE, file: three, env: THIRD, provider: c, fallback: b }
";
        parse(yaml, Path::new("/m/secrets.yml"), None).unwrap()
    }

    fn part(only: &[&str]) -> Part {
        Part {
            only: only.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    fn files(map: &Map) -> Vec<&str> {
        map.entries()
            .iter()
            .map(|entry| entry.path.as_str())
            .collect()
    }

    #[test]
    fn entries_are_chosen_by_their_file_or_their_variable() {
        let map = part(&["deep/two", "FIRST"]).of(map());
        assert_eq!(files(&map), ["one", "deep/two"]);
    }

    #[test]
    fn the_providers_that_are_left_are_those_of_the_entries_and_their_fallbacks() {
        let map = part(&["three"]).of(map());
        let names: Vec<_> = map.providers().iter().map(|spec| &*spec.name).collect();
        assert_eq!(names, ["b", "c"]);
        let entry = &map.entries()[0];
        assert_eq!(entry.provider, 1);
        assert_eq!(entry.fallback.as_ref().unwrap().provider, 0);
        assert!(map.compile().is_ok());
    }

    #[test]
    fn without_names_it_is_the_whole_map_which_a_lock_seals() {
        let map = part(&[]).of(map());
        assert_eq!(files(&map), ["one", "deep/two", "three"]);
        assert!(map.settings().seal_on_lock && map.settings().remount_on_unlock);
    }

    #[test]
    fn names_that_no_entry_has_are_told() {
        let part = part(&["one", "TWO", "deep"]);
        // TWO is the name of a secret, not of a file or a variable.
        assert_eq!(part.unknown(&map()), ["TWO", "deep"]);
    }
}
