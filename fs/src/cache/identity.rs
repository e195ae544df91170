//! Which version a value is: equal while the bytes are equal, also when they were evicted or have
//! expired in between. What is remembered is a keyed digest, never the bytes.

use super::VersionId;
use crate::map::ValueKey;
use secretfs_memory::sealed::{Sealed, SealedError};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime};

/// How many keys are remembered. A key forgotten here gets a new version with its next fetch.
const MAX_SEEN: usize = 65_536;

/// A truncated digest: 96 bits, so that a key costs 64 bytes in all.
pub(super) type Mark = [u8; 12];

/// The key of the digests: random for each process, so that a digest found in a dump of another
/// process tells nothing.
#[derive(Clone)]
pub(super) struct MarkKey([u8; 32]);

impl MarkKey {
    /// From the standard library's hash seeds: 128 random bits of the system, spread by `SipHash`. It
    /// needs no descriptor and no system call that the sandbox would have to allow.
    pub(super) fn random() -> Self {
        let seed = std::hash::RandomState::new();
        let mut key = [0; 32];
        for (at, word) in key.chunks_exact_mut(8).enumerate() {
            let mut hash = seed.build_hasher();
            hash.write_usize(at);
            word.copy_from_slice(&hash.finish().to_le_bytes());
        }
        Self(key)
    }

    /// The mark of a value.
    pub(super) fn mark(&self, of: ValueKey, value: &Sealed) -> Result<Mark, SealedError> {
        // Boxed, because it buffers up to a block of the value: the locked heap wipes it.
        let mut hash = Box::new(Sha256::new());
        hash.update(self.0);
        hash.update(of.0.to_le_bytes());
        value.expose(|piece| hash.update(piece))?;
        let digest: [u8; 32] = hash.finalize_reset().into();
        let mut mark = Mark::default();
        mark.iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Ok(mark)
    }
}

/// What is remembered of the version last published under a key.
#[derive(Debug, Clone, Copy)]
struct Seen {
    mark: Mark,
    size: u32,
    version: u64,
    modified_ms: u64,
}

/// A version, as told by [`Identity::identify`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Identified {
    pub(super) version: VersionId,
    pub(super) modified: SystemTime,
    /// Whether it differs from the one before.
    pub(super) changed: bool,
}

/// The versions of all keys.
#[derive(Default)]
pub(super) struct Identity {
    last: u64,
    seen: HashMap<ValueKey, Seen>,
}

impl Identity {
    /// The version of these bytes: the one before, if they are the same.
    pub(super) fn identify(
        &mut self,
        key: ValueKey,
        mark: Mark,
        size: usize,
        modified: SystemTime,
    ) -> Identified {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        if let Some(seen) = self.seen.get(&key)
            && seen.mark == mark
            && seen.size == size
        {
            return Identified {
                version: VersionId(seen.version),
                modified: SystemTime::UNIX_EPOCH + Duration::from_millis(seen.modified_ms),
                changed: false,
            };
        }
        self.last = self.last.saturating_add(1);
        let since = modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let seen = Seen {
            mark,
            size,
            version: self.last,
            modified_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        };
        if self.may_remember(key) {
            self.seen.insert(key, seen);
        } else {
            self.seen.remove(&key);
        }
        Identified {
            version: VersionId(self.last),
            modified: SystemTime::UNIX_EPOCH + Duration::from_millis(seen.modified_ms),
            changed: true,
        }
    }

    /// Whether one more fits: a failed allocation would end the process.
    fn may_remember(&self, key: ValueKey) -> bool {
        if self.seen.contains_key(&key) || self.seen.len() < self.seen.capacity() {
            return true;
        }
        let grown = (self.seen.len().max(8) * 2) * size_of::<(ValueKey, Seen)>() * 5 / 4;
        self.seen.len() < MAX_SEEN && secretfs_memory::heap::has_room(grown)
    }

    /// The size last published.
    pub(super) fn size(&self, key: ValueKey) -> Option<usize> {
        self.seen
            .get(&key)
            .and_then(|seen| usize::try_from(seen.size).ok())
    }

    /// Forgets the keys that are gone from the map.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(ValueKey) -> bool) {
        self.seen.retain(|key, _| keep(*key));
    }

    /// Lock: forgets all marks. Versions go on counting, so none is used twice.
    pub(super) fn clear(&mut self) {
        self.seen = HashMap::new();
    }

    /// The keys that are remembered.
    pub(super) fn keys(&self) -> impl Iterator<Item = ValueKey> + '_ {
        self.seen.keys().copied()
    }
}
