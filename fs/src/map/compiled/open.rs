//! The check of an archive, once, and the borrow that lives with its memory.
//!
//! `yoke` keeps the checked root beside the memory that it points into, so that no `unsafe` is
//! needed here and nothing is checked twice.

use super::archive::{ArchivedRoot, VERSION};
use rkyv::util::AlignedVec;
use secretfs_memory::shared::SharedMap;
use std::io::{Error, ErrorKind};
use std::ops::{Deref, Range};
use std::sync::Arc;
use yoke::Yoke;

/// Where an archive rests.
pub(super) enum Memory {
    Shared(SharedMap),
    Owned(AlignedVec),
}

impl Deref for Memory {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A checked archive.
pub(super) struct Checked(Yoke<&'static ArchivedRoot, Arc<Memory>>);

impl Checked {
    pub(super) fn root(&self) -> &ArchivedRoot {
        self.0.get()
    }

    /// The archive as it lies in memory.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.backing_cart()
    }
}

/// Of a sealed memfd.
pub(super) fn shared(map: SharedMap) -> Result<Checked, Error> {
    check(Memory::Shared(map))
}

/// Of a copy of `bytes`, aligned.
pub(super) fn owned(bytes: &[u8]) -> Result<Checked, Error> {
    let mut aligned = AlignedVec::with_capacity(bytes.len());
    aligned.extend_from_slice(bytes);
    check(Memory::Owned(aligned))
}

fn check(memory: Memory) -> Result<Checked, Error> {
    Yoke::try_attach_to_cart(Arc::new(memory), |bytes: &Memory| {
        rkyv::access::<ArchivedRoot, rkyv::rancor::Error>(bytes)
            .ok()
            .filter(|root| sound(root))
            .ok_or_else(|| Error::new(ErrorKind::InvalidData, "not a compiled map of this version"))
    })
    .map(Checked)
}

/// What the types cannot say: every list is as the accessors expect it, and the tree has no loop.
fn sound(root: &ArchivedRoot) -> bool {
    let nodes = &root.nodes;
    let lists = root.version == VERSION && !nodes.is_empty() && root.by_hash.len() == nodes.len();
    lists
        && nodes.iter().enumerate().all(|(at, node)| {
            let parent = usize::try_from(node.parent.to_native()).unwrap_or(usize::MAX);
            let children = range(node.first.to_native(), node.count.to_native());
            (at == 0 || parent < at)
                && children.is_some_and(|children| {
                    children.is_empty() || (children.start > at && children.end <= nodes.len())
                })
        })
}

/// `first..first + count`, as indices.
pub(super) fn range(first: u32, count: u32) -> Option<Range<usize>> {
    let end = first.checked_add(count)?;
    Some(usize::try_from(first).ok()?..usize::try_from(end).ok()?)
}
