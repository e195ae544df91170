//! What is told about files: the extended attribute with the last error, and `status`.

use super::deps::Caller;
use super::filesystem::{Inner, SecretFs};
use super::nodes::{File, Node, folder_ino};
use crate::cache::VersionId;
use crate::error::OpenError;
use crate::map::compiled::NodeKind;
use crate::map::{CompiledMap, EntryId, NodeId, ValueKey};
use rustix::io::Errno;

/// The extended attribute with the last error of a file: what `getfattr` shows.
pub const ERROR_XATTR: &str = "user.secretfs.error";

/// What is known of a file that was opened, published, or failed, or of a `dir:` folder.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The entry in the current map.
    pub entry: EntryId,
    /// The name below a `dir:` folder, where it is one.
    pub member: Option<String>,
    /// What the cache knows it by.
    pub key: ValueKey,
    /// The published version.
    pub version: Option<VersionId>,
    /// Its size.
    pub size: Option<u64>,
    /// Why the last open or listing failed; `None` after one that worked.
    pub last_error: Option<OpenError>,
    /// For a `dir:` folder: names that cannot be file names, escaped.
    pub left_out: Vec<String>,
}

impl SecretFs {
    /// The text of [`ERROR_XATTR`]: the last error of a file or `dir:` folder, and what to do.
    ///
    /// # Errors
    /// ENODATA: the last open worked, or there was none.
    pub fn error_text(&self, caller: Caller, ino: u64) -> Result<String, Errno> {
        if !self.admits(caller) {
            return Err(Errno::ACCESS);
        }
        let inner = self.inner();
        let error = match inner.node(ino)? {
            Node::Folder(folder) => inner
                .folders
                .get(&folder.ino)
                .and_then(|f| f.error.as_ref()),
            Node::File(file) => inner.versions.error(file.id),
        };
        let error = error.ok_or(Errno::NODATA)?;
        let help = error.help();
        Ok(if help.is_empty() {
            error.to_string()
        } else {
            format!("{error}\nhelp: {help}")
        })
    }

    /// Every file with something to tell, from this entry on, at most `max` (and the rest of the
    /// last entry's folder), in the order of the map.
    #[must_use]
    pub fn reports(&self, from: EntryId, max: usize) -> Vec<FileReport> {
        let inner = self.inner();
        let files = inner.versions.known().filter_map(|id| inner.file(id));
        let mut reports: Vec<FileReport> = files
            .filter(|file| file.entry >= from)
            .filter_map(|file| self.report(&inner, file))
            .collect();
        for (ino, state) in &inner.folders {
            let Some(entry) = inner.folder(*ino).and_then(|folder| folder.listed) else {
                continue;
            };
            let left_out = state.listing.as_ref().map(|l| l.left_out.clone());
            if let Some(key) = inner.map.entry_key(entry)
                && entry >= from
            {
                reports.push(FileReport {
                    entry,
                    member: None,
                    key,
                    version: None,
                    size: None,
                    last_error: state.error.clone(),
                    left_out: left_out.unwrap_or_default(),
                });
            }
        }
        drop(inner);
        reports.sort_by(|a, b| (a.entry, &a.member).cmp(&(b.entry, &b.member)));
        if let Some(last) = max.checked_sub(1).and_then(|at| reports.get(at)) {
            let last = last.entry;
            let end = reports.partition_point(|report| report.entry <= last);
            reports.truncate(end);
        }
        reports
    }

    /// Gives `forget` the folder and name of everything that was in `old` and is not in `new`, or is
    /// something else there.
    pub fn changed_names(old: &CompiledMap, new: &CompiledMap, mut forget: impl FnMut(u64, &str)) {
        for node in (1..old.node_count()).map(NodeId) {
            let is = |map: &CompiledMap, node| {
                std::mem::discriminant(
                    &map.node_kind(node)
                        .unwrap_or(NodeKind::Folder { first: 0, count: 0 }),
                )
            };
            let same = old
                .node_hash(node)
                .and_then(|hash| new.node_by_hash(hash))
                .is_some_and(|there| is(old, node) == is(new, there));
            if !same
                && let Some(name) = old.node_name(node)
                && let Some(parent) = old.node_parent(node).and_then(|p| folder_ino(old, p))
            {
                forget(parent, name);
            }
        }
    }

    fn report(&self, inner: &Inner, file: File) -> Option<FileReport> {
        let current = inner.versions.current(file.id);
        let last_error = inner.versions.error(file.id).cloned();
        if current.is_none() && last_error.is_none() {
            return None;
        }
        Some(FileReport {
            entry: file.entry,
            key: self.key_of(&inner.map, &file)?,
            member: file.member.map(String::from),
            version: current.map(|shown| shown.version),
            size: current.map(|shown| shown.size),
            last_error,
            left_out: Vec::new(),
        })
    }

    /// What the cache knows a path by: a file's key, or those of all entries below a folder (for a
    /// `dir:` folder, the folder's). Empty: there is no such path.
    #[must_use]
    pub fn keys_of(&self, path: &str) -> Vec<ValueKey> {
        let inner = self.inner();
        if let Some(node) = inner.map.node_by_path(path) {
            let mut keys = Vec::new();
            collect(&inner, node, &mut keys);
            return keys;
        }
        let Some((parent, name)) = path.trim_end_matches('/').rsplit_once('/') else {
            return Vec::new();
        };
        let folder = inner
            .map
            .node_by_path(parent)
            .and_then(|node| super::nodes::listed_entry(&inner.map, node));
        folder
            .and_then(|entry| inner.map.entry_key(entry))
            .map(|key| self.deps.cache.member_key(key, name))
            .into_iter()
            .collect()
    }
}

fn collect(inner: &Inner, node: NodeId, keys: &mut Vec<ValueKey>) {
    let mut folders = vec![node];
    while let Some(node) = folders.pop() {
        let (first, count, entry) = match inner.map.node_kind(node) {
            Some(NodeKind::File(entry)) => (0, 0, Some(entry)),
            Some(NodeKind::Folder { first, count }) => (first, count, None),
            Some(NodeKind::Listed {
                entry,
                first,
                count,
            }) => (first, count, Some(entry)),
            None => continue,
        };
        keys.extend(entry.and_then(|entry| inner.map.entry_key(entry)));
        folders.extend((first..first.saturating_add(count)).map(NodeId));
    }
}
