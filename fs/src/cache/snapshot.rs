//! What the cache hands out: versions, snapshots, and the answer to a look.

use secretfs_memory::sealed::Sealed;
use std::time::SystemTime;

/// Which version of a value: equal while the bytes are equal, also after eviction or expiry; never
/// reused after. A lock forgets which bytes a version stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionId(pub u64);

/// A value as it was at one moment. Holding it keeps its bytes, until a lock wipes them.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The bytes.
    pub value: Sealed,
    /// Which version.
    pub version: VersionId,
    /// When the provider says that it changed, else when this version was first seen.
    pub modified: SystemTime,
}

/// What a look at the cache found.
#[derive(Debug)]
pub enum Peek {
    /// Served at once. `refresh`: in the last fifth of its ttl, so call
    /// [`super::Cache::refresh_ahead`].
    Fresh {
        /// The value.
        snapshot: Snapshot,
        /// Whether to refresh ahead.
        refresh: bool,
    },
    /// A provider has to be asked: [`super::Cache::open`].
    Miss,
    /// Locked.
    Locked,
}
