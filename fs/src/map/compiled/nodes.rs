//! The tree of the archive: from the entries' paths to nodes whose children are contiguous and
//! sorted by name.

use super::archive::{Entry, NONE, Node, Text};
use super::digest;
use super::write::{CompileError, number};
use crate::map::plan::{EntryPlan, Source};
use std::collections::{BTreeMap, HashSet};

/// A node while the tree grows.
#[derive(Debug, Default)]
struct Growing<'a> {
    children: BTreeMap<&'a str, usize>,
    entry: Option<u32>,
    file: bool,
    /// Where its path stands: the text of an entry, and how much of it.
    path: &'a str,
    text: Text,
}

/// The nodes in breadth-first order, and their indices sorted by hash.
pub(super) fn build(
    records: &[Entry],
    entries: &[EntryPlan],
) -> Result<(Vec<Node>, Vec<u32>), CompileError> {
    let grown = grow(records, entries)?;
    let mut nodes: Vec<Node> = Vec::with_capacity(grown.len());
    let mut taken = HashSet::with_capacity(grown.len());
    // (index in `grown`, parent's index in `nodes`), in the order of the nodes.
    let mut queue = vec![(0_usize, 0_u32)];
    let mut next = 0;
    while let Some(&(at, parent)) = queue.get(next) {
        let Some(node) = grown.get(at) else { break };
        let me = number(next)?;
        let first = number(queue.len())?;
        queue.extend(node.children.values().map(|child| (*child, me)));
        let mut hash = digest::node(node.path);
        while !taken.insert(hash) {
            hash = digest::clamp(hash.wrapping_add(1));
        }
        nodes.push(Node {
            hash,
            name: node.text,
            parent,
            entry: node.entry.unwrap_or(NONE),
            first,
            count: number(node.children.len())?,
            file: node.file,
        });
        next += 1;
    }
    let mut by_hash: Vec<(u64, u32)> = nodes.iter().map(|node| node.hash).zip(0_u32..).collect();
    by_hash.sort_unstable();
    Ok((nodes, by_hash.into_iter().map(|(_, node)| node).collect()))
}

fn grow<'a>(records: &[Entry], entries: &'a [EntryPlan]) -> Result<Vec<Growing<'a>>, CompileError> {
    let mut grown = vec![Growing::default()];
    for ((record, entry), id) in records.iter().zip(entries).zip(0_u32..) {
        let conflict = |path: &str| CompileError::Conflict {
            path: path.to_owned(),
        };
        let mut at = 0;
        let mut end = 0;
        for name in entry.path.split('/') {
            if name.is_empty() {
                return Err(conflict(&entry.path));
            }
            let start = end;
            end += name.len();
            let path = entry.path.get(..end).unwrap_or_default();
            let text = Text {
                start: record.path.start + number(start)?,
                len: number(name.len())?,
            };
            end += 1;
            let fresh = grown.len();
            let parent = grown.get_mut(at).ok_or(CompileError::TooLarge)?;
            if parent.file {
                return Err(conflict(parent.path));
            }
            at = *parent.children.entry(name).or_insert(fresh);
            if at == fresh {
                grown.push(Growing {
                    path,
                    text,
                    ..Growing::default()
                });
            }
        }
        let node = grown.get_mut(at).ok_or(CompileError::TooLarge)?;
        let file = !matches!(entry.source, Source::Listed { .. });
        if node.entry.is_some() || (file && !node.children.is_empty()) {
            return Err(conflict(node.path));
        }
        node.entry = Some(id);
        node.file = file;
    }
    Ok(grown)
}
