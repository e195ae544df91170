//! What happens to all values at once: lock, refresh, reload.

use super::{Found, Model, Possible, Shown};
use crate::shape::{Entry, Key, Shape};

impl Model {
    pub(super) fn lock(&mut self) {
        self.locked = true;
        self.held.clear();
        self.failures.clear();
        self.listings.clear();
        self.names.clear();
        for handle in self.handles.values_mut() {
            handle.wiped = true;
        }
        for file in self.files.values_mut() {
            file.forget_version();
        }
    }

    pub(super) fn refreshes(&self, path: Option<&str>) -> Possible {
        let mut then = self.clone();
        let gone: Vec<Key> = match path {
            None => self.known().collect(),
            Some(path) => match self.find(path) {
                Found::Nothing(_) => return then.comes_to(Err(libc::ENOENT)),
                Found::Member(folder, name) => vec![folder.member(&name).1],
                _ => {
                    let below = format!("{path}/");
                    let within = |of: &str| of == path || of.starts_with(&below);
                    let entries = self.entries.iter().filter(|entry| within(entry.path));
                    entries.map(Entry::key).collect()
                }
            },
        };
        let before = then.held.len();
        then.drop_keys(|key| gone.iter().any(|gone| gone == key || gone.is_around(key)));
        let dropped = u32::try_from(before - then.held.len()).expect("few");
        then.comes_to(Ok(Shown::Dropped(dropped)))
    }

    pub(super) fn known(&self) -> impl Iterator<Item = Key> + '_ {
        let keys = self.held.keys().chain(self.failures.keys());
        keys.chain(self.listings.keys()).cloned()
    }

    pub(super) fn drop_keys(&mut self, gone: impl Fn(&Key) -> bool) {
        self.held.retain(|key, _| !gone(key));
        self.failures.retain(|key, _| !gone(key));
        self.listings.retain(|key, _| !gone(key));
    }

    pub(super) fn reload(&mut self, shape: &Shape) {
        let old = std::mem::replace(&mut self.entries, shape.entries());
        let stays = |entry: &&Entry| {
            let now = self.entries.iter().find(|now| now.path == entry.path);
            now.is_some_and(|now| now.key() == entry.key())
        };
        let (stay, _): (Vec<&Entry>, Vec<&Entry>) = old.iter().partition(stays);
        let is_of = |path: &str, entry: &Entry| {
            path == entry.path || (entry.folder && path.starts_with(&format!("{}/", entry.path)))
        };
        for (path, file) in &mut self.files {
            if !stay.iter().any(|entry| is_of(path, entry)) {
                file.forget_version();
                file.failed = false;
            }
        }
        self.names
            .retain(|path, _| stay.iter().any(|entry| entry.path == *path));
        let keys: Vec<Key> = self.entries.iter().map(Entry::key).collect();
        self.drop_keys(|key| !keys.iter().any(|kept| kept == key || kept.is_around(key)));
    }
}
