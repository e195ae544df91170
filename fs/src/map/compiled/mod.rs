//! The compiled map: an immutable archive in a sealed memfd, built by the mount-helper and mapped
//! read-only by the daemon, outside the locked budget (architecture.md). It holds no secret.
//!
//! Accessors read the archive in place; only what copies an entry or a provider out allocates.

mod archive;
mod digest;
mod nodes;
mod open;
#[cfg(test)]
mod tests;
mod write;

pub use write::{CompileError, compile};

use super::plan::{EntryId, EntryPlan, Fallback, MountSettings, NodeId, ProviderSpec, Source};
use archive::{ArchivedEntry, ArchivedNode, ArchivedPolicy, ArchivedRoot, ArchivedText, NONE};
use rkyv::rancor::Error;
use secretfs_providers::Place;
use std::os::fd::OwnedFd;
use std::sync::Arc;

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
#[derive(Clone)]
pub struct CompiledMap(Arc<open::Checked>);

impl std::fmt::Debug for CompiledMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledMap")
            .field("entries", &self.entry_count())
            .field("nodes", &self.node_count())
            .finish_non_exhaustive()
    }
}

impl CompiledMap {
    /// Maps and checks an archive. Checked once, whoever made it: a broken one is an error, never a
    /// crash.
    ///
    /// # Errors
    /// It is not a sealed memfd (`secretfs_memory::shared`), or not an archive of this version.
    pub fn open(fd: OwnedFd) -> std::io::Result<Self> {
        let shared = secretfs_memory::shared::SharedMap::open(fd)?;
        Ok(Self(Arc::new(open::shared(shared)?)))
    }

    /// The same from memory: for commands, which need no memfd, and for tests.
    ///
    /// # Errors
    /// The bytes are not an archive of this version.
    pub fn from_bytes(bytes: &[u8]) -> std::io::Result<Self> {
        Ok(Self(Arc::new(open::owned(bytes)?)))
    }

    /// Whether both say the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.bytes() == other.0.bytes()
    }

    fn root(&self) -> &ArchivedRoot {
        self.0.root()
    }

    fn text(&self, text: &ArchivedText) -> Option<&str> {
        let start = usize::try_from(text.start.to_native()).ok()?;
        let len = usize::try_from(text.len.to_native()).ok()?;
        self.root().text.get(start..start.checked_add(len)?)
    }

    fn entry_record(&self, id: EntryId) -> Option<&ArchivedEntry> {
        self.root().entries.get(usize::try_from(id.0).ok()?)
    }

    fn policy(&self, entry: &ArchivedEntry) -> Option<&ArchivedPolicy> {
        let index = usize::try_from(entry.policy.to_native()).ok()?;
        self.root().policies.get(index)
    }

    fn node_record(&self, node: NodeId) -> Option<&ArchivedNode> {
        self.root().nodes.get(usize::try_from(node.0).ok()?)
    }

    /// The settings of the whole mount.
    #[must_use]
    pub fn settings(&self) -> MountSettings {
        let settings = &self.root().settings;
        MountSettings {
            mountpoint: settings.mountpoint.as_ref().map(|p| p.as_str().to_owned()),
            seal_on_lock: settings.seal_on_lock,
            remount_on_unlock: settings.remount_on_unlock,
            idle_ms: settings.idle_ms.to_native(),
            audit: settings.audit,
        }
    }

    /// The providers, copied out. An entry's `provider` is an index in this list.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderSpec> {
        self.root()
            .providers
            .iter()
            .filter_map(|spec| rkyv::deserialize::<ProviderSpec, Error>(spec).ok())
            .collect()
    }

    /// The name of a provider; empty where there is none of that index.
    #[must_use]
    pub fn provider_name(&self, provider: u16) -> &str {
        self.root()
            .providers
            .get(usize::from(provider))
            .map_or("", |spec| spec.name.as_str())
    }

    /// How many entries there are: [`EntryId`]s are `0..entry_count()`, in the order of the map.
    #[must_use]
    pub fn entry_count(&self) -> u32 {
        u32::try_from(self.root().entries.len()).unwrap_or(NONE)
    }

    /// The whole entry, copied out.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<EntryPlan> {
        let root = self.root();
        let entry = self.entry_record(id)?;
        let policy = self.policy(entry)?;
        let source = root
            .sources
            .get(usize::try_from(entry.source.to_native()).ok()?)?;
        let mut source = rkyv::deserialize::<Source, Error>(source).ok()?;
        if let Source::Secret(reference) = &mut source {
            self.text(&entry.name)?
                .clone_into(write::name_mut(reference));
        }
        let fallback = match entry.fallback.to_native() {
            NONE => None,
            index => {
                let template = root.fallbacks.get(usize::try_from(index).ok()?)?;
                let mut fallback = rkyv::deserialize::<Fallback, Error>(template).ok()?;
                self.text(&entry.fallback_name)?
                    .clone_into(write::name_mut(&mut fallback.reference));
                Some(fallback)
            }
        };
        Some(EntryPlan {
            id: id.0,
            path: self.text(&entry.path)?.to_owned(),
            key: key(entry),
            provider: entry.provider.to_native(),
            source,
            env: self.entry_env(id).map(str::to_owned),
            ttl_ms: policy.ttl_ms.to_native(),
            stale_ms: policy.stale_ms.to_native(),
            open_timeout_ms: policy.open_timeout_ms.to_native(),
            max_size: policy.max_size.to_native(),
            decode: rkyv::deserialize::<_, Error>(&policy.decode).ok()?,
            mode: policy.mode.to_native(),
            allow: policy.allow.iter().map(|a| a.as_str().to_owned()).collect(),
            allow_empty: policy.allow_empty,
            fallback,
            line: entry.line.to_native(),
        })
    }

    /// The path of an entry below the mountpoint, without copying the entry out.
    #[must_use]
    pub fn entry_path(&self, id: EntryId) -> Option<&str> {
        self.text(&self.entry_record(id)?.path)
    }

    /// The exported variable of an entry, where it has one.
    #[must_use]
    pub fn entry_env(&self, id: EntryId) -> Option<&str> {
        self.text(&self.entry_record(id)?.env)
            .filter(|env| !env.is_empty())
    }

    /// The mode of an entry's file.
    #[must_use]
    pub fn entry_mode(&self, id: EntryId) -> Option<u16> {
        Some(self.policy(self.entry_record(id)?)?.mode.to_native())
    }

    /// What an entry's value is cached under.
    #[must_use]
    pub fn entry_key(&self, id: EntryId) -> Option<super::ValueKey> {
        Some(key(self.entry_record(id)?))
    }

    /// The index of an entry's provider.
    #[must_use]
    pub fn entry_provider(&self, id: EntryId) -> Option<u16> {
        Some(self.entry_record(id)?.provider.to_native())
    }

    /// The ttl of an entry in milliseconds.
    #[must_use]
    pub fn entry_ttl_ms(&self, id: EntryId) -> Option<u64> {
        Some(self.policy(self.entry_record(id)?)?.ttl_ms.to_native())
    }

    /// Whether only some executables may open the entry.
    #[must_use]
    pub fn entry_has_allow(&self, id: EntryId) -> bool {
        self.entry_record(id)
            .and_then(|entry| self.policy(entry))
            .is_some_and(|policy| !policy.allow.is_empty())
    }

    /// The entries of one place of one provider (`Source::Secret` only), for gathering.
    #[must_use]
    pub fn entries_of_place(&self, provider: u16, place: &Place) -> Vec<EntryId> {
        let root = self.root();
        let found = root.places.binary_search_by(|group| {
            (
                group.provider.to_native(),
                self.text(&group.place).unwrap_or_default(),
            )
                .cmp(&(provider, place.0.as_str()))
        });
        let Some(group) = found.ok().and_then(|at| root.places.get(at)) else {
            return Vec::new();
        };
        let first = group.first.to_native();
        let range = open::range(first, group.count.to_native());
        range
            .and_then(|range| root.members.get(range))
            .unwrap_or_default()
            .iter()
            .map(|id| EntryId(id.to_native()))
            .collect()
    }

    /// Whether an entry, or a fallback of one, is of that place of a provider.
    #[must_use]
    pub fn names_place(&self, provider: u16, place: &Place) -> bool {
        !self.entries_of_place(provider, place).is_empty()
            || self
                .fallbacks_of(provider)
                .any(|fallback| fallback.reference.place() == *place)
    }

    /// Whether an entry, or a fallback of one, is that secret of a provider.
    #[must_use]
    pub fn names_reference(
        &self,
        provider: u16,
        reference: &secretfs_providers::Reference,
    ) -> bool {
        let is_it = |id: &EntryId| {
            let entry = self.entry(*id);
            entry
                .is_some_and(|entry| matches!(entry.source, Source::Secret(of) if of == *reference))
        };
        let place = reference.place();
        self.entries_of_place(provider, &place).iter().any(is_it)
            || self
                .fallbacks_of(provider)
                .any(|fallback| fallback.reference == *reference)
    }

    fn fallbacks_of(&self, provider: u16) -> impl Iterator<Item = Fallback> {
        (0..self.entry_count())
            .map(EntryId)
            .filter(|id| {
                let entry = self.entry_record(*id);
                entry.is_some_and(|entry| entry.fallback.to_native() != NONE)
            })
            .filter_map(|id| self.entry(id)?.fallback)
            .filter(move |fallback| fallback.provider == provider)
    }

    /// How many nodes there are: [`NodeId`]s are `0..node_count()`, the root first, parents before
    /// their children.
    #[must_use]
    pub fn node_count(&self) -> u32 {
        u32::try_from(self.root().nodes.len()).unwrap_or(NONE)
    }

    /// What a node is.
    #[must_use]
    pub fn node_kind(&self, node: NodeId) -> Option<NodeKind> {
        let node = self.node_record(node)?;
        let (first, count) = (node.first.to_native(), node.count.to_native());
        Some(match (node.entry.to_native(), node.file) {
            (NONE, _) => NodeKind::Folder { first, count },
            (entry, true) => NodeKind::File(EntryId(entry)),
            (entry, false) => NodeKind::Listed {
                entry: EntryId(entry),
                first,
                count,
            },
        })
    }

    /// The last component of a node's path; empty for the root.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> Option<&str> {
        self.text(&self.node_record(node)?.name)
    }

    /// The folder of a node; `None` for the root.
    #[must_use]
    pub fn node_parent(&self, node: NodeId) -> Option<NodeId> {
        let record = self.node_record(node)?;
        (node.0 != 0).then(|| NodeId(record.parent.to_native()))
    }

    /// The explicit child of that name.
    #[must_use]
    pub fn child(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        let parent = self.node_record(parent)?;
        let first = parent.first.to_native();
        let range = open::range(first, parent.count.to_native())?;
        let at = self
            .root()
            .nodes
            .get(range)?
            .binary_search_by(|node| self.text(&node.name).unwrap_or_default().cmp(name))
            .ok()?;
        Some(NodeId(first.checked_add(u32::try_from(at).ok()?)?))
    }

    /// The node of a path below the mountpoint; the root for the empty path.
    #[must_use]
    pub fn node_by_path(&self, path: &str) -> Option<NodeId> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(NodeId(0), |at, name| self.child(at, name))
    }

    /// A 63-bit digest of the node's path, unique in this map and equal over reloads: the inode
    /// number of folders and of files without a published version is made from it. Never 0 or 1.
    #[must_use]
    pub fn node_hash(&self, node: NodeId) -> Option<u64> {
        Some(self.node_record(node)?.hash.to_native())
    }

    /// The node of a digest.
    #[must_use]
    pub fn node_by_hash(&self, hash: u64) -> Option<NodeId> {
        let table = &self.root().by_hash;
        let at = table
            .binary_search_by_key(&Some(hash), |node| self.node_hash(NodeId(node.to_native())))
            .ok()?;
        Some(NodeId(table.get(at)?.to_native()))
    }
}

fn key(entry: &ArchivedEntry) -> super::ValueKey {
    super::ValueKey(u128::from_le_bytes(entry.key))
}
