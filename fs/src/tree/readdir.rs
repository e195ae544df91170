//! Folders that are open: what was there when they were read from the start, with offsets that stay
//! right during a reload.

use super::attr::Kind;
use super::deps::Caller;
use super::filesystem::SecretFs;
use super::listing::Listing;
use super::nodes::{self, Folder, Node};
use super::versions::ROOT;
use crate::map::compiled::NodeKind;
use crate::map::{CompiledMap, NodeId};
use rustix::io::Errno;
use std::sync::Arc;

/// Folders that may be open at once.
const MAX_OPEN_FOLDERS: usize = 16_384;

/// Where the names of a folder go.
pub trait NameSink: Send + 'static {
    /// Takes a name; `next` is the offset to go on from after it. True: it did not fit.
    fn add(&mut self, ino: u64, next: u64, kind: Kind, name: &str) -> bool;
    /// No more names.
    fn done(self, result: Result<(), Errno>);
}

/// What an open folder shows.
#[derive(Debug)]
pub(super) struct OpenFolder {
    ino: u64,
    view: Option<View>,
}

#[derive(Debug, Clone)]
struct View {
    map: CompiledMap,
    folder: Folder,
    parent: u64,
    listing: Option<Arc<Listing>>,
}

impl SecretFs {
    /// Opens a folder.
    ///
    /// # Errors
    /// It is none, or not known any more, or too many are open.
    pub fn opendir(&self, caller: Caller, ino: u64) -> Result<u64, Errno> {
        if !self.admits(caller) {
            return Err(Errno::ACCESS);
        }
        let mut inner = self.inner();
        match inner.node(ino)? {
            Node::Folder(_) => {}
            Node::File(_) => return Err(Errno::NOTDIR),
        }
        if inner.open_folders.len() >= MAX_OPEN_FOLDERS {
            return Err(Errno::NFILE);
        }
        let number = inner.next_handle;
        inner.next_handle += 1;
        inner
            .open_folders
            .insert(number, OpenFolder { ino, view: None });
        Ok(number)
    }

    /// Closes a folder.
    pub fn releasedir(&self, handle: u64) {
        self.inner().open_folders.remove(&handle);
    }

    /// The names of an open folder from `offset` on, as many as fit.
    pub fn readdir(
        self: &Arc<Self>,
        caller: Caller,
        handle: u64,
        offset: u64,
        sink: impl NameSink,
    ) {
        let inner = self.inner();
        let Some(open) = inner.open_folders.get(&handle) else {
            drop(inner);
            return sink.done(Err(Errno::BADF));
        };
        // From the start (rewinddir): what is there now.
        if offset != 0 && open.view.is_some() {
            drop(inner);
            return self.fill(handle, offset, sink);
        }
        let Some(folder) = inner.folder(open.ino) else {
            drop(inner);
            return sink.done(Err(Errno::STALE));
        };
        drop(inner);
        let fs = Arc::clone(self);
        self.with_names(caller, folder, move |known| match known {
            Ok(folder) => {
                fs.look(handle, folder);
                fs.fill(handle, offset, sink);
            }
            Err(errno) => sink.done(Err(errno)),
        });
    }

    fn look(&self, handle: u64, folder: Folder) {
        let mut inner = self.inner();
        let listing = inner
            .folders
            .get(&folder.ino)
            .and_then(|state| state.listing.clone());
        let map = inner.map.clone();
        let parent = map
            .node_parent(folder.node)
            .and_then(|parent| nodes::folder_ino(&map, parent));
        if let Some(open) = inner.open_folders.get_mut(&handle) {
            open.view = Some(View {
                map,
                folder,
                parent: parent.unwrap_or(ROOT),
                listing,
            });
        }
    }

    fn fill(&self, handle: u64, offset: u64, mut sink: impl NameSink) {
        let inner = self.inner();
        let Some(view) = inner
            .open_folders
            .get(&handle)
            .and_then(|open| open.view.clone())
        else {
            drop(inner);
            return sink.done(Err(Errno::BADF));
        };
        let ino_of = |node: &Node| match node {
            Node::Folder(folder) => (folder.ino, Kind::Folder),
            Node::File(file) => (inner.versions.ino(file.id), Kind::File),
        };
        let (first, count) = match view.map.node_kind(view.folder.node) {
            Some(NodeKind::Folder { first, count } | NodeKind::Listed { first, count, .. }) => {
                (first, count)
            }
            Some(NodeKind::File(_)) | None => (0, 0),
        };
        let explicit = 2 + u64::from(count);
        let mut next = offset;
        loop {
            let at = next;
            next += 1;
            let full = match at {
                0 => sink.add(view.folder.ino, next, Kind::Folder, "."),
                1 => sink.add(view.parent, next, Kind::Folder, ".."),
                _ if at < explicit => {
                    let child = u32::try_from(at - 2)
                        .ok()
                        .and_then(|n| first.checked_add(n));
                    let child = child.map(NodeId);
                    let name = child.and_then(|child| view.map.node_name(child));
                    match (child.and_then(|c| nodes::of_node(&view.map, c)), name) {
                        (Some(node), Some(name)) => {
                            let (ino, kind) = ino_of(&node);
                            sink.add(ino, next, kind, name)
                        }
                        _ => false,
                    }
                }
                _ => break,
            };
            if full {
                drop(inner);
                return sink.done(Ok(()));
            }
        }
        if let Some(listing) = &view.listing {
            let from = usize::try_from(next - 1 - explicit).unwrap_or(usize::MAX);
            for name in listing.iter_from(from) {
                // Explicit entries win.
                let hidden = view.map.child(view.folder.node, name).is_some();
                let id = Listing::file_of(view.folder.ino, name);
                if !hidden && sink.add(inner.versions.ino(id), next, Kind::File, name) {
                    break;
                }
                next += 1;
            }
        }
        drop(inner);
        sink.done(Ok(()));
    }
}
