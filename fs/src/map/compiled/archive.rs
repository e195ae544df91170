//! The layout of the archive: fixed records, one text pool, and tables for what entries have in
//! common, so that an entry costs far less than 300 bytes.

use crate::map::plan::{Decode, Fallback, MountSettings, ProviderSpec, Source};
use rkyv::{Archive, Deserialize, Serialize};

/// Rises with every change of the layout: helper and daemon of two versions must not misread each
/// other across an upgrade.
pub(super) const VERSION: u32 = 1;

/// "None" where an index is expected.
pub(super) const NONE: u32 = u32::MAX;

/// A piece of [`Root::text`], in bytes.
#[derive(Debug, Clone, Copy, Default, Archive, Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// What many entries share: everything that defaults from `config:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
pub(super) struct Policy {
    pub(super) ttl_ms: u64,
    pub(super) stale_ms: u64,
    pub(super) open_timeout_ms: u64,
    pub(super) max_size: u64,
    pub(super) decode: Decode,
    pub(super) mode: u16,
    pub(super) allow_empty: bool,
    pub(super) allow: Vec<String>,
}

/// An entry. Its reference is `sources[source]` with `name` put in.
#[derive(Debug, Archive, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) key: [u8; 16],
    pub(super) path: Text,
    /// Empty: none.
    pub(super) env: Text,
    pub(super) name: Text,
    pub(super) fallback_name: Text,
    pub(super) source: u32,
    pub(super) policy: u32,
    /// [`NONE`]: no fallback.
    pub(super) fallback: u32,
    pub(super) line: u32,
    pub(super) provider: u16,
}

/// A node of the tree. Nodes are in breadth-first order, so a parent comes before its children and
/// the children of one folder are contiguous.
#[derive(Debug, Archive, Serialize, Deserialize)]
pub(super) struct Node {
    pub(super) hash: u64,
    pub(super) name: Text,
    pub(super) parent: u32,
    /// [`NONE`]: a plain folder.
    pub(super) entry: u32,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) file: bool,
}

/// The entries of one place: `members[first..first + count]`.
#[derive(Debug, Archive, Serialize, Deserialize)]
pub(super) struct PlaceGroup {
    pub(super) place: Text,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) provider: u16,
}

/// The whole map.
#[derive(Debug, Archive, Serialize, Deserialize)]
pub(super) struct Root {
    pub(super) version: u32,
    pub(super) settings: MountSettings,
    pub(super) providers: Vec<ProviderSpec>,
    pub(super) policies: Vec<Policy>,
    /// References without their names.
    pub(super) sources: Vec<Source>,
    /// The same for fallbacks.
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) entries: Vec<Entry>,
    pub(super) nodes: Vec<Node>,
    /// Nodes, sorted by hash.
    pub(super) by_hash: Vec<u32>,
    /// Sorted by provider and place.
    pub(super) places: Vec<PlaceGroup>,
    /// Entries, grouped by place.
    pub(super) members: Vec<u32>,
    pub(super) text: String,
}
