//! The compiled map: an immutable archive in a sealed memfd, built by the mount-helper and mapped
//! read-only by the daemon, outside the locked budget (architecture.md). It holds no secret.

use super::plan::{EntryId, EntryPlan, MountSettings, NodeId, ProviderSpec};
use secretfs_providers::Place;
use std::os::fd::OwnedFd;

/// What a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A folder; its children are the nodes `first..first + count`, sorted by name.
    Folder {
        /// The first child.
        first: u32,
        /// How many.
        count: u32,
    },
    /// A file.
    File(EntryId),
    /// The folder of a `dir:` entry: its names come from the provider; its explicit children win.
    Listed {
        /// The entry.
        entry: EntryId,
        /// The first explicit child.
        first: u32,
        /// How many.
        count: u32,
    },
}

/// A compiled map, mapped. Cheap to clone; a reload makes a new one.
#[derive(Debug, Clone)]
pub struct CompiledMap {}

#[expect(
    unused_variables,
    clippy::unused_self,
    clippy::missing_errors_doc,
    missing_docs,
    reason = "skeleton"
)]
impl CompiledMap {
    /// Maps and checks an archive. Checked once, whoever made it: a broken one is an error, never a
    /// crash.
    pub fn open(fd: OwnedFd) -> std::io::Result<Self> {
        Ok(Self {})
    }
    pub fn settings(&self) -> MountSettings {
        MountSettings {
            mountpoint: None,
            seal_on_lock: false,
            remount_on_unlock: false,
            idle_ms: 0,
            audit: true,
        }
    }
    pub fn providers(&self) -> Vec<ProviderSpec> {
        Vec::new()
    }
    pub fn provider_name(&self, provider: u16) -> &str {
        ""
    }
    pub fn entry_count(&self) -> u32 {
        0
    }
    /// The whole entry, copied out.
    pub fn entry(&self, id: EntryId) -> Option<EntryPlan> {
        None
    }
    /// Cheap parts of an entry, without copying it out.
    pub fn entry_path(&self, id: EntryId) -> Option<&str> {
        None
    }
    pub fn entry_env(&self, id: EntryId) -> Option<&str> {
        None
    }
    pub fn entry_mode(&self, id: EntryId) -> Option<u16> {
        None
    }
    pub fn entry_key(&self, id: EntryId) -> Option<super::ValueKey> {
        None
    }
    pub fn entry_has_allow(&self, id: EntryId) -> bool {
        false
    }
    /// The entries of one place of one provider (`Source::Secret` only), for gathering.
    pub fn entries_of_place(&self, provider: u16, place: &Place) -> Vec<EntryId> {
        Vec::new()
    }
    pub fn node_count(&self) -> u32 {
        1
    }
    pub fn node_kind(&self, node: NodeId) -> Option<NodeKind> {
        Some(NodeKind::Folder { first: 1, count: 0 })
    }
    pub fn node_name(&self, node: NodeId) -> Option<&str> {
        None
    }
    pub fn node_parent(&self, node: NodeId) -> Option<NodeId> {
        None
    }
    /// The explicit child of that name.
    pub fn child(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        None
    }
    /// A 63-bit digest of the node's path, unique in this map and equal over reloads: the inode
    /// number of folders and of files without a published version is made from it.
    pub fn node_hash(&self, node: NodeId) -> Option<u64> {
        None
    }
    pub fn node_by_hash(&self, hash: u64) -> Option<NodeId> {
        None
    }
}
