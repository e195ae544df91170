//! From inode numbers and names to files and folders of the current map.

use super::attr::{Attr, Kind, STABLE};
use super::filesystem::{FolderState, Inner, Place, SecretFs};
use super::listing::Listing;
use super::versions::{FileId, Position, ROOT};
use crate::map::compiled::NodeKind;
use crate::map::{CompiledMap, EntryId, EntryPlan, NodeId, ValueKey};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A folder of the current map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) node: NodeId,
    pub(super) ino: u64,
    /// For a `dir:` entry.
    pub(super) listed: Option<EntryId>,
}

/// A file of the current map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) id: FileId,
    /// The entry: for a member, that of its folder.
    pub(super) entry: EntryId,
    pub(super) member: Option<Box<str>>,
}

/// What an inode number or a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Folder(Folder),
    File(File),
}

/// The inode number of a folder.
pub(super) fn folder_ino(map: &CompiledMap, node: NodeId) -> Option<u64> {
    if node == NodeId(0) {
        return Some(ROOT);
    }
    Some(FileId::of_hash(map.node_hash(node)?).0)
}

/// The entry of a `dir:` folder.
pub(super) fn listed_entry(map: &CompiledMap, node: NodeId) -> Option<EntryId> {
    match map.node_kind(node)? {
        NodeKind::Listed { entry, .. } => Some(entry),
        NodeKind::Folder { .. } | NodeKind::File(_) => None,
    }
}

/// The node of the map, as file or folder.
pub(super) fn of_node(map: &CompiledMap, node: NodeId) -> Option<Node> {
    let folder = |listed| {
        Some(Node::Folder(Folder {
            node,
            ino: folder_ino(map, node)?,
            listed,
        }))
    };
    match map.node_kind(node)? {
        NodeKind::Folder { .. } => folder(None),
        NodeKind::Listed { entry, .. } => folder(Some(entry)),
        NodeKind::File(entry) => Some(Node::File(File {
            id: FileId::of_hash(map.node_hash(node)?),
            entry,
            member: None,
        })),
    }
}

impl Inner {
    /// The file or folder of a path's number. Explicit entries win over members.
    pub(super) fn of_id(&self, id: FileId) -> Option<Node> {
        if let Some(node) = self.map.node_by_hash(id.hash()) {
            // The root goes by its own number alone.
            return of_node(&self.map, node).filter(|_| node != NodeId(0));
        }
        self.folders.iter().find_map(|(ino, state)| {
            let name = state.listing.as_ref()?.name_of(id)?;
            let folder = self.folder(*ino)?;
            self.member(folder, name).map(Node::File)
        })
    }

    /// The file of a path's number.
    pub(super) fn file(&self, id: FileId) -> Option<File> {
        match self.of_id(id)? {
            Node::File(file) => Some(file),
            Node::Folder(_) => None,
        }
    }

    /// The folder of an inode number.
    pub(super) fn folder(&self, ino: u64) -> Option<Folder> {
        let node = if ino == ROOT {
            NodeId(0)
        } else {
            self.map.node_by_hash(FileId(ino).hash())?
        };
        match of_node(&self.map, node)? {
            Node::Folder(folder) if folder.ino == ino => Some(folder),
            _ => None,
        }
    }

    /// A file that the provider named, unless an explicit entry has its name.
    fn member(&self, folder: Folder, name: &str) -> Option<File> {
        let entry = folder.listed?;
        if self.map.child(folder.node, name).is_some() {
            return None;
        }
        Some(File {
            id: Listing::file_of(folder.ino, name),
            entry,
            member: Some(name.into()),
        })
    }

    /// The child of that name, as far as is known without asking a provider.
    pub(super) fn child(&self, folder: Folder, name: &str) -> Option<Node> {
        if let Some(node) = self.map.child(folder.node, name) {
            return of_node(&self.map, node);
        }
        let listing = self.folders.get(&folder.ino)?.listing.as_ref()?;
        if !listing.contains(name) {
            return None;
        }
        self.member(folder, name).map(Node::File)
    }

    /// What an inode number leads to now; ESTALE makes the kernel look the name up again.
    pub(super) fn node(&self, ino: u64) -> Result<Node, Errno> {
        if let Some(folder) = self.folder(ino) {
            return Ok(Node::Folder(folder));
        }
        match self.versions.position(ino) {
            Position::Unknown => Err(Errno::STALE),
            Position::Base(id) | Position::Current(id) | Position::Old(id) => {
                self.file(id).map(Node::File).ok_or(Errno::STALE)
            }
        }
    }

    /// Where a file stands.
    pub(super) fn place(&self, file: &File) -> Option<Place> {
        if let Some(name) = &file.member {
            let node = self.map.node_by_path(self.map.entry_path(file.entry)?)?;
            return Some((folder_ino(&self.map, node)?, name.clone()));
        }
        let node = self.map.node_by_hash(file.id.hash())?;
        let parent = folder_ino(&self.map, self.map.node_parent(node)?)?;
        Some((parent, self.map.node_name(node)?.into()))
    }

    /// The path below the mountpoint.
    pub(super) fn path(&self, file: &File) -> String {
        let path = self.map.entry_path(file.entry).unwrap_or_default();
        match &file.member {
            Some(name) => format!("{path}/{name}"),
            None => path.to_owned(),
        }
    }

    /// A folder that now lists another place must not show the names of the former one. Gives those folders.
    pub(super) fn forget_moved_listings(
        &mut self,
        old: &CompiledMap,
    ) -> BTreeMap<u64, FolderState> {
        let key = |map: &CompiledMap, ino: u64| {
            let node = map.node_by_hash(FileId(ino).hash())?;
            map.entry_key(listed_entry(map, node)?)
        };
        let new = &self.map;
        self.folders
            .extract_if(.., |ino, _| {
                key(new, *ino).is_none_or(|now| key(old, *ino) != Some(now))
            })
            .collect()
    }

    /// The attributes of a file's inode, or of the number that it has now.
    pub(super) fn file_attr(&self, fs: &SecretFs, file: &File, ino: Option<u64>) -> Attr {
        let ino = ino.unwrap_or_else(|| self.versions.ino(file.id));
        let shown = self.versions.shown(ino);
        Attr {
            ino,
            size: shown.map_or(0, |shown| shown.size),
            modified: shown.map_or(self.started, |shown| shown.modified),
            kind: Kind::File,
            mode: self.map.entry_mode(file.entry).unwrap_or(0o400),
            uid: fs.deps.uid,
            gid: fs.deps.gid,
            valid: match shown {
                Some(_) if self.versions.current(file.id).is_some() => STABLE,
                _ => Duration::ZERO,
            },
        }
    }

    /// The attributes of an inode that is held open, though its file is gone from the map.
    pub(super) fn held_attr(&self, fs: &SecretFs, ino: u64) -> Option<Attr> {
        let shown = self.versions.shown(ino)?;
        Some(Attr {
            ino,
            size: shown.size,
            modified: shown.modified,
            kind: Kind::File,
            mode: 0o400,
            uid: fs.deps.uid,
            gid: fs.deps.gid,
            valid: Duration::ZERO,
        })
    }

    /// The attributes of a folder.
    pub(super) fn folder_attr(&self, fs: &SecretFs, folder: Folder) -> Attr {
        Attr {
            ino: folder.ino,
            size: 0,
            modified: self.started,
            kind: Kind::Folder,
            mode: 0o700,
            uid: fs.deps.uid,
            gid: fs.deps.gid,
            valid: STABLE,
        }
    }

    /// The attributes of what a name leads to, on their way to the kernel as a lookup's answer.
    pub(super) fn looked_up(&mut self, fs: &SecretFs, node: &Node) -> Attr {
        match node {
            Node::Folder(folder) => self.folder_attr(fs, *folder),
            Node::File(file) => {
                let attr = self.file_attr(fs, file, None);
                self.versions.looked_up(attr.ino);
                attr
            }
        }
    }
}

impl SecretFs {
    /// What the cache knows a file of a map by.
    pub(super) fn key_of(&self, map: &CompiledMap, file: &File) -> Option<ValueKey> {
        let key = map.entry_key(file.entry)?;
        Some(match &file.member {
            Some(name) => self.deps.cache.member_key(key, name),
            None => key,
        })
    }

    /// Everything that is needed to fetch a file. Those who open one file at the same time share it: a
    /// thousand copies would take a quarter of the locked heap.
    pub(super) fn plan_of(&self, inner: &mut Inner, file: &File) -> Option<Arc<EntryPlan>> {
        if let Some((maps, id, plan)) = &inner.latest_plan
            && (*maps, *id) == (inner.maps, file.id)
            && let Some(plan) = plan.upgrade()
        {
            return Some(plan);
        }
        let plan = inner.map.entry(file.entry)?;
        let plan = match &file.member {
            Some(name) => self.deps.cache.member(&plan, name)?,
            None => Arc::new(plan),
        };
        inner.latest_plan = Some((inner.maps, file.id, Arc::downgrade(&plan)));
        Some(plan)
    }
}
