//! Opening a file: fresh, the provider, the stale value, the fallback, the errno.

use super::{BELIEVED, Bytes, Failure, Found, Model, Possible, Shown};
use crate::shape::{Entry, Key};

impl Model {
    pub(super) fn opens(&self, path: &str, asked: &[String]) -> Vec<Possible> {
        match self.find(path) {
            Found::Nothing(errno) => vec![self.clone().comes_to(Err(errno))],
            Found::Folder | Found::Listed(_) => vec![self.clone().comes_to(Err(libc::EISDIR))],
            Found::File(entry, key) => self.opens_file(path, &entry, &key, asked),
            Found::Member(folder, name) => {
                let (entry, key) = folder.member(&name);
                self.through_names(&folder, &name, |model| {
                    model.opens_file(path, &entry, &key, asked)
                })
            }
        }
    }

    /// Goes on with a member of a `dir:` folder: through the folder's names, or without looking at them
    /// where somebody in front remembers that one.
    pub(super) fn through_names(
        &self,
        folder: &Entry,
        name: &str,
        go_on: impl Fn(&Self) -> Vec<Possible>,
    ) -> Vec<Possible> {
        let mut all = Vec::new();
        let known = self.names.get(folder.path);
        if self.remembers && known.is_some_and(|names| names.contains(name)) {
            let opened = go_on(self).into_iter();
            all.extend(opened.flat_map(|one| self.looks_again(folder, name, one)));
        }
        for (names, asks, model) in self.lists(folder) {
            let next = match names {
                Ok(names) if names.contains(name) => go_on(&model),
                Ok(_) => vec![model.comes_to(Err(libc::ENOENT))],
                Err(errno) => vec![model.comes_to(Err(errno))],
            };
            let next = next
                .into_iter()
                .flat_map(|one| self.looks_again(folder, name, one));
            all.extend(next.map(|one| one.after(asks)));
        }
        all
    }

    /// An open that finds another version than the name led to is told so by ESTALE: whoever remembered the
    /// name looks it up once more, and with that asks for names whose time is over meanwhile.
    fn looks_again(&self, folder: &Entry, name: &str, one: Possible) -> Vec<Possible> {
        if !self.remembers || one.then.versions == self.versions {
            return vec![one];
        }
        let again = one.then.lists(folder).into_iter();
        again
            .map(|(names, asks, model)| {
                let seen = match names {
                    Ok(names) if names.contains(name) => one.seen.clone(),
                    Ok(_) => Err(libc::ENOENT),
                    Err(errno) => Err(errno),
                };
                let one = Possible {
                    seen,
                    asks: one.asks,
                    then: model,
                };
                one.after(asks)
            })
            .collect()
    }

    pub(super) fn opens_file(
        &self,
        path: &str,
        entry: &Entry,
        key: &Key,
        asked: &[String],
    ) -> Vec<Possible> {
        if self.locked {
            return vec![self.clone().fails(path, libc::ENOKEY)];
        }
        if let Some(held) = self.held.get(key)
            && self.now < held.at + entry.ttl
        {
            let mut then = self.clone();
            let bytes = held.bytes.clone();
            let ageing = self.now >= held.at + entry.ttl / 5 * 4;
            if ageing && held.ahead.is_none_or(|at| self.now >= at + BELIEVED) {
                then.ahead = Some((path.to_owned(), entry.clone(), key.clone()));
            }
            let mut one = then.succeeds(path, bytes);
            if one.then.ahead.is_some() {
                one.asks = (1, 2, 0);
            }
            return vec![one];
        }
        if let Some((failure, until)) = self.failures.get(key)
            && self.now < *until
        {
            return vec![self.clone().fails(path, failure.errno())];
        }
        let mut all = Vec::new();
        for (outcome, model) in self.fetches(entry, key, asked) {
            let mut one = match outcome {
                Ok(bytes) => model.succeeds(path, bytes),
                Err(failure) if failure.lets_others_stand_in() => {
                    model.stands_in(path, entry, key, failure)
                }
                Err(failure) => model.fails(path, failure.errno()),
            };
            // A list of a place that fails may be followed by a request for the one secret.
            let most = if asked.len() > 1 { 2 } else { 1 };
            one.asks = (1, most, one.asks.2);
            all.push(one);
        }
        all
    }

    /// The provider could not be reached: the stale value, then the fallback, then the errno.
    pub(super) fn stands_in(
        self,
        path: &str,
        entry: &Entry,
        key: &Key,
        failure: Failure,
    ) -> Possible {
        if let Some(held) = self.held.get(key)
            && self.now < held.at + entry.ttl + entry.stale
        {
            let bytes = held.bytes.clone();
            return self.succeeds(path, bytes);
        }
        if !entry.fallback {
            return self.fails(path, failure.errno());
        }
        let mut one = match self.spare.fetch(key, entry) {
            Ok(bytes) => self.succeeds(path, bytes),
            Err(_) => self.fails(path, failure.errno()),
        };
        one.asks.2 = 1;
        one
    }

    pub(super) fn succeeds(mut self, path: &str, bytes: Bytes) -> Possible {
        self.publish(path, &bytes);
        if let Some(file) = self.files.get_mut(path) {
            file.failed = false;
        }
        self.comes_to(Ok(Shown::Bytes(bytes)))
    }

    pub(super) fn fails(mut self, path: &str, errno: i32) -> Possible {
        self.files.entry(path.to_owned()).or_default().failed = true;
        self.comes_to(Err(errno))
    }

    /// A file shows these bytes from now on.
    pub(super) fn publish(&mut self, path: &str, bytes: &Bytes) {
        let file = self.files.entry(path.to_owned()).or_default();
        if file.version.as_ref().is_some_and(|(old, _)| old == bytes) {
            return;
        }
        self.versions += 1;
        if file.version.is_some() {
            // The first version takes over the number that the file had before.
            file.number = None;
            file.renumbered = true;
        }
        file.modified = None;
        file.version = Some((bytes.clone(), self.versions));
    }
}
