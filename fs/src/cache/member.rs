//! The files of a `dir:` folder, which the map does not know by name.

use super::Cache;
use super::config::Config;
use crate::map::{EntryPlan, Source, ValueKey};
use sha2::{Digest, Sha256};

/// How many bits of a member's key are its folder's: enough to find all members of a folder, while
/// the name's digest keeps 96 bits for itself. Two folders may have one tag by chance; then a refresh
/// of one is a refresh of both.
const TAG_BITS: u32 = 32;

/// What the keys of a folder's members start with; of any other key, a number without meaning.
pub(super) fn tag(key: ValueKey) -> u32 {
    u32::try_from(key.0 >> (u128::BITS - TAG_BITS)).unwrap_or_default()
}

/// The folder that this plan is a member of, in this map.
pub(super) fn folder_of(config: &Config, plan: &EntryPlan) -> Option<EntryPlan> {
    let own = config.map.entry_key(crate::map::EntryId(plan.id));
    if own.is_none_or(|own| own == plan.key || tag(own) != tag(plan.key)) {
        return None;
    }
    Cache::listed_plan(config, plan.id)
}

/// The plan of one file of a folder.
pub(super) fn plan(config: &Config, folder: &EntryPlan, name: &str) -> Option<EntryPlan> {
    let Source::Listed { folder: reference } = &folder.source else {
        return None;
    };
    let source = config.source(folder.provider)?;
    Some(EntryPlan {
        path: format!("{}/{name}", folder.path),
        key: Cache::member_key(folder.key, name),
        source: Source::Secret(source.provider.member(reference, name)),
        env: None,
        allow: folder.allow.clone(),
        fallback: None,
        ..folder.clone()
    })
}

/// Whether a name that a provider listed can be a file's.
pub(super) fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && name.len() <= 255
        && !name.contains('/')
        && !name.chars().any(char::is_control)
}

impl Cache {
    /// The plan of one file of a `dir:` entry; `None` if the entry is none, or its provider is gone.
    /// No I/O. Whether there is such a secret is for [`Cache::list`] to say.
    #[must_use]
    pub fn member_plan(&self, folder: &EntryPlan, name: &str) -> Option<EntryPlan> {
        plan(&self.config(), folder, name)
    }

    /// The key of one file of a `dir:` entry.
    #[must_use]
    pub fn member_key(folder: ValueKey, name: &str) -> ValueKey {
        let mut hash = Sha256::new();
        hash.update(folder.0.to_le_bytes());
        hash.update(name.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        let name = u128::from_le_bytes(bytes) >> TAG_BITS;
        ValueKey(u128::from(tag(folder)) << (u128::BITS - TAG_BITS) | name)
    }
}
