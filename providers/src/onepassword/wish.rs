//! What is wanted of an item, and what comes of it: the same for every back end.

use super::Reference as Own;
use super::item::{Wants, fold};
use crate::error::ProviderError;
use crate::provider::{Answer, Wanted};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::SealedPool;
use std::sync::Arc;

/// What comes of one wish.
pub(super) type Outcome = Result<Answer, ProviderError>;

/// Whether files' bytes are fetched too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// Those of the first wish: somebody waits for it. The others take a call each, which is made when
    /// somebody wants them.
    First,
    /// None: it is enough that they are there. A person asks, who is told what there is instead of what
    /// is not.
    Exist,
}

/// The same for one wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    Fetch,
    Apart,
    Exist,
}

impl Files {
    /// For the wish at this place.
    pub(super) fn at(self, at: usize) -> Bytes {
        match self {
            Self::First if at == 0 => Bytes::Fetch,
            Self::First => Bytes::Apart,
            Self::Exist => Bytes::Exist,
        }
    }
}

/// Each wish with its bytes and what it is of: `None` where that is no item of 1Password, or another
/// than the one of `of`. Equal places are equal items.
pub(super) fn of_item<'a>(
    wanted: &'a [Wanted],
    of: &'a Own,
    files: Files,
) -> impl Iterator<Item = (&'a Wanted, Option<&'a Own>, Bytes)> {
    wanted.iter().enumerate().map(move |(at, one)| {
        let other = own(one).filter(|other| other.vault == of.vault && other.item == of.item);
        (one, other, files.at(at))
    })
}

/// What a wish is of.
pub(super) fn own(wanted: &Wanted) -> Option<&Own> {
    match &wanted.reference {
        Reference::OnePassword(of) => Some(of),
        _ => None,
    }
}

/// What the reader of an item has to keep for these.
pub(super) fn wants<'a>(pool: &'a Arc<SealedPool>, wanted: &[Wanted]) -> Wants<'a> {
    Wants {
        pool,
        max: wanted.iter().map(|one| one.max_size).max().unwrap_or(0),
        names: wanted
            .iter()
            .filter_map(own)
            .map(|of| fold(&of.field))
            .collect(),
    }
}

/// The secret of a folder: never asked for, as there are no folders and the map refuses them.
pub(super) fn member(folder: &FolderReference, name: &str) -> Reference {
    Reference::OnePassword(Own {
        vault: folder.path.clone(),
        item: name.to_owned(),
        section: None,
        field: String::new(),
        attribute: None,
    })
}
