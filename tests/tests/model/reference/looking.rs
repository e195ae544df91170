//! What is told without a request, and of handles.

use super::{Found, Model, Possible, Shown};
use crate::shape::Entry;

impl Model {
    pub(super) fn stats(&self, path: &str) -> Vec<Possible> {
        let file = |model: &Self, entry: &Entry| {
            let version = model.files.get(path).and_then(|file| file.version.as_ref());
            let size = version.map_or(0, |(bytes, _)| bytes.len() as u64);
            let mode = entry.mode;
            vec![model.clone().comes_to(Ok(Shown::File { size, mode }))]
        };
        match self.find(path) {
            Found::Nothing(errno) => vec![self.clone().comes_to(Err(errno))],
            Found::Folder | Found::Listed(_) => vec![self.clone().comes_to(Ok(Shown::Folder))],
            Found::File(entry, _) => file(self, &entry),
            Found::Member(folder, name) => {
                self.through_names(&folder, &name, |model| file(model, &folder))
            }
        }
    }

    pub(super) fn opens_for_writing(&self, path: &str) -> Vec<Possible> {
        let all = self.stats(path).into_iter().flat_map(|one| {
            let errnos = match &one.seen {
                Ok(Shown::Folder) => vec![libc::EISDIR],
                Ok(_) => vec![libc::EROFS, libc::EACCES],
                Err(errno) => vec![*errno],
            };
            errnos.into_iter().map(move |errno| Possible {
                seen: Err(errno),
                ..one.clone()
            })
        });
        all.collect()
    }

    pub(super) fn looks_for_error(&self, path: &str) -> Vec<Possible> {
        let mut all = self.stats(path);
        for one in &mut all {
            if one.seen.is_ok() {
                let failed = one.then.files.get(path).is_some_and(|file| file.failed);
                one.seen = match one.then.find(path) {
                    // Those of a folder are another matter.
                    Found::Folder | Found::Listed(_) => Ok(Shown::Anything),
                    _ if failed => Ok(Shown::Done),
                    _ => Err(libc::ENODATA),
                };
            }
        }
        all
    }

    pub(super) fn reads(&self, slot: usize, offset: usize, len: usize) -> Possible {
        let seen = match self.handles.get(&slot) {
            None => Err(libc::EBADF),
            Some(handle) if handle.wiped => Err(libc::EIO),
            Some(handle) => {
                let rest = handle.bytes.get(offset..).unwrap_or_default();
                Ok(Shown::Bytes(rest[..len.min(rest.len())].into()))
            }
        };
        self.clone().comes_to(seen)
    }

    pub(super) fn measures(&self, slot: usize) -> Possible {
        let seen = match self.handles.get(&slot) {
            None => Err(libc::EBADF),
            Some(handle) if handle.wiped => Ok(Shown::Anything),
            Some(handle) => Ok(Shown::Size(handle.bytes.len() as u64)),
        };
        self.clone().comes_to(seen)
    }
}
