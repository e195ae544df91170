//! Digests that name values and nodes the same over reloads.

use crate::map::plan::{EntryPlan, ProviderSpec, Source, ValueKey};
use sha2::{Digest, Sha256};

/// The digest of a provider's definition, name included: two providers of one definition may have
/// different credentials.
pub(super) fn provider(spec: &ProviderSpec) -> Result<[u8; 32], rkyv::rancor::Error> {
    let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(spec)?;
    Ok(Sha256::digest(&bytes).into())
}

/// The digest of a reference without its name: entries of one folder share it.
pub(super) fn source(template: &Source) -> Result<[u8; 32], rkyv::rancor::Error> {
    let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(template)?;
    Ok(Sha256::digest(&bytes).into())
}

/// What an entry's value is cached under: everything that changes the answer. The ttl is in it too,
/// because the cache is asked by key alone: an entry with a short ttl must not be served what an
/// entry with a long one keeps.
/// `source` is the digest of its reference without the name.
pub(super) fn value(
    provider: &[u8; 32],
    source: &[u8; 32],
    name: &str,
    entry: &EntryPlan,
) -> ValueKey {
    let mut hash = Sha256::new();
    hash.update(provider);
    hash.update(source);
    hash.update([
        match entry.decode {
            crate::map::plan::Decode::None => 0,
            crate::map::plan::Decode::Base64 => 1,
        },
        u8::from(entry.allow_empty),
    ]);
    hash.update(entry.max_size.to_le_bytes());
    hash.update(entry.ttl_ms.to_le_bytes());
    // Last, because it alone has no fixed length.
    hash.update(name.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut key = [0; 16];
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    ValueKey(u128::from_le_bytes(key))
}

/// A 63-bit digest of a node's path.
pub(super) fn node(path: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(path.as_bytes()).into();
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    clamp(u64::from_le_bytes(bytes))
}

/// Into the 63 bits. 0 and 1 are never used: FUSE gives them a meaning.
pub(super) fn clamp(hash: u64) -> u64 {
    (hash & (u64::MAX >> 1)).max(2)
}
