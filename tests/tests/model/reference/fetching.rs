//! What a request brings, also one that nobody waits for.

use super::{BELIEVED, Bytes, Failure, Found, Held, Model};
use crate::shape::{Entry, Key};

impl Model {
    /// Asks the provider for one value; a list may bring its neighbours along.
    pub(super) fn fetches(
        &self,
        entry: &Entry,
        key: &Key,
        asked: &[String],
    ) -> Vec<(Result<Bytes, Failure>, Self)> {
        let mut models = vec![self.clone()];
        for secret in asked.iter().filter(|secret| **secret != key.secret) {
            let neighbour = key.neighbour(secret);
            let outcome = self.main.fetch(&neighbour, entry);
            if self.main.down.is_some() {
                // No answer about any of them; only the one that somebody waits for counts.
                continue;
            }
            models = models
                .iter()
                .flat_map(|model| model.takes_in(&neighbour, &outcome))
                .collect();
        }
        let outcome = self.main.fetch(key, entry);
        let models = models
            .iter()
            .flat_map(|model| model.takes_in(key, &outcome));
        models.map(|model| (outcome.clone(), model)).collect()
    }

    /// What is remembered of an answer.
    pub(super) fn takes_in(&self, key: &Key, outcome: &Result<Bytes, Failure>) -> Vec<Self> {
        let mut kept = self.clone();
        match outcome {
            Ok(bytes) => {
                kept.failures.remove(key);
                let held = Held {
                    bytes: bytes.clone(),
                    at: self.now,
                    ahead: None,
                };
                kept.held.insert(key.clone(), held);
                kept.publish_to_others(key, bytes);
                vec![kept]
            }
            Err(failure) => {
                let until = self.now + if failure.is_believed() { BELIEVED } else { 0 };
                kept.failures.insert(key.clone(), (*failure, until));
                let mut dropped = kept.clone();
                dropped.held.remove(key);
                match failure.keeps_what_was() {
                    Some(true) => vec![kept],
                    Some(false) => vec![dropped],
                    None => vec![kept, dropped],
                }
            }
        }
    }

    /// Files that were opened before show what was fetched for them meanwhile.
    pub(super) fn publish_to_others(&mut self, key: &Key, bytes: &Bytes) {
        let opened: Vec<String> = self
            .files
            .iter()
            .filter(|(_, file)| file.version.is_some())
            .map(|(path, _)| path.clone())
            .collect();
        for path in opened {
            let is_of = match self.find(&path) {
                Found::File(_, of) => of == *key,
                Found::Member(folder, name) => folder.member(&name).1 == *key,
                _ => false,
            };
            if is_of {
                self.publish(&path, bytes);
            }
        }
    }

    /// The fetch that an open started and did not wait for has ended.
    pub(crate) fn lands(mut self, asked: &[String]) -> Vec<Self> {
        let Some((_, entry, key)) = self.ahead.take() else {
            return vec![self];
        };
        if let Some(held) = self.held.get_mut(&key) {
            held.ahead = Some(self.now);
        }
        let landed = self.fetches(&entry, &key, asked);
        landed.into_iter().map(|(_, model)| model).collect()
    }
}
