//! What two entries must not share: files, folders that are files, variables.

use super::Resolver;
use crate::map::rules::{env, path};
use crate::map::source::Entry;
use crate::map::span::{Span, Spanned};
use crate::map::units::quote;
use std::collections::HashMap;

impl Resolver<'_> {
    /// Checks paths and variables, each by itself and against each other.
    pub(super) fn conflicts(&mut self, entries: &[Spanned<Entry>]) {
        // The path of each entry, its place, and whether it is a file.
        let mut paths: HashMap<&str, (Span, bool)> = HashMap::with_capacity(entries.len());
        let mut variables: HashMap<&str, Span> = HashMap::new();
        let mut sound = Vec::with_capacity(entries.len());
        for entry in entries {
            let entry = &entry.value;
            for (key, value) in [("file", &entry.file), ("dir", &entry.dir)] {
                let Some(value) = value else { continue };
                if self
                    .accept(value.at, path::check(key, &value.value))
                    .is_none()
                {
                    continue;
                }
                if let Some((first, _)) = paths.get(value.value.as_str()) {
                    let first = *first;
                    self.problems.twice(
                        value.at,
                        first,
                        format!("two entries show {}", quote(&value.value)),
                        "give one of them another path",
                    );
                } else {
                    paths.insert(&value.value, (value.at, key == "file"));
                    sound.push(value);
                }
            }
            if let Some(value) = &entry.env
                && self.accept(value.at, env::check(&value.value)).is_some()
            {
                if let Some(first) = variables.get(value.value.as_str()) {
                    let first = *first;
                    self.problems.twice(
                        value.at,
                        first,
                        format!("two entries export {}", quote(&value.value)),
                        "give one of them another name",
                    );
                } else {
                    variables.insert(&value.value, value.at);
                }
            }
        }
        for value in sound {
            let path = value.value.as_str();
            for (end, _) in path.match_indices('/') {
                let folder = path.get(..end).unwrap_or_default();
                if let Some((at, true)) = paths.get(folder).copied() {
                    self.problems.twice(
                        value.at,
                        at,
                        format!(
                            "{} is a file, and also the folder of {}",
                            quote(folder),
                            quote(path)
                        ),
                        "give one of them another path",
                    );
                }
            }
        }
    }
}
