//! Folders: those of the map, and those whose names the provider has.

use super::{BELIEVED, Found, Listing, Model, Possible, Shown};
use crate::shape::Entry;
use std::collections::{BTreeMap, BTreeSet};

impl Model {
    /// The names of a `dir:` folder, how many requests that makes, and what is known then.
    pub(super) fn lists(
        &self,
        folder: &Entry,
    ) -> Vec<(Result<BTreeSet<String>, i32>, usize, Self)> {
        let mut then = self.clone();
        if self.locked {
            return vec![(Err(libc::ENOKEY), 0, then)];
        }
        let key = folder.key();
        let earlier = self.listings.get(&key);
        let shown = self.names.get(folder.path).cloned();
        if let Some(listing) = earlier {
            let spared = listing.spared.is_some_and(|at| self.now < at + BELIEVED);
            if self.now < listing.at + folder.ttl || spared {
                then.names.insert(folder.path, listing.names.clone());
                return vec![(Ok(listing.names.clone()), 0, then)];
            }
        }
        let believed = self
            .failures
            .get(&key)
            .filter(|(_, until)| self.now < *until);
        if let Some((failure, _)) = believed {
            let names = earlier.map(|listing| listing.names.clone()).or(shown);
            return vec![(names.ok_or(failure.errno()), 0, then)];
        }
        let outcome = match self.main.list(folder.secret) {
            Ok(names) => {
                then.failures.remove(&key);
                let listing = Listing {
                    names: names.clone(),
                    at: self.now,
                    spared: None,
                };
                then.listings.insert(key, listing);
                then.names.insert(folder.path, names.clone());
                Ok(names)
            }
            Err(failure) => {
                let until = self.now + if failure.is_believed() { BELIEVED } else { 0 };
                then.failures.insert(key.clone(), (failure, until));
                let names = match then.listings.get_mut(&key) {
                    Some(listing) => {
                        listing.spared = Some(self.now);
                        Some(listing.names.clone())
                    }
                    None => shown,
                };
                names.ok_or(failure.errno())
            }
        };
        vec![(outcome, 1, then)]
    }

    pub(super) fn shows_names(&self, path: &str) -> Vec<Possible> {
        match self.find(path) {
            Found::Nothing(errno) => vec![self.clone().comes_to(Err(errno))],
            Found::File(..) => vec![self.clone().comes_to(Err(libc::ENOTDIR))],
            // No map has a folder in one.
            Found::Member(..) => vec![self.clone().comes_to(Err(libc::ENOTDIR))],
            Found::Folder => {
                let names = self.children(path);
                vec![self.clone().comes_to(Ok(Shown::Names(names)))]
            }
            Found::Listed(folder) => self
                .lists(&folder)
                .into_iter()
                .map(|(names, asks, model)| {
                    // The C library takes ENOENT for the end of a folder that was removed.
                    let names = match names {
                        Err(libc::ENOENT) if self.remembers => Ok(BTreeSet::new()),
                        other => other,
                    };
                    let names = names.map(|names| {
                        Shown::Names(names.into_iter().map(|name| (name, false)).collect())
                    });
                    let mut one = model.comes_to(names);
                    one.asks = (asks, asks, 0);
                    one
                })
                .collect(),
        }
    }

    pub(super) fn children(&self, path: &str) -> Vec<(String, bool)> {
        let mut names = BTreeMap::new();
        for entry in &self.entries {
            let rest = if path.is_empty() {
                Some(entry.path)
            } else {
                entry
                    .path
                    .strip_prefix(path)
                    .and_then(|rest| rest.strip_prefix('/'))
            };
            match rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
                Some((name, "")) => drop(names.insert(name.to_owned(), entry.folder)),
                Some((name, _)) => drop(names.insert(name.to_owned(), true)),
                None => {}
            }
        }
        names.into_iter().collect()
    }
}
