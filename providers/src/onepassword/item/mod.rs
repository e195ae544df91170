//! An item: what its JSON says, as far as somebody wants it, and which of it a reference means. The
//! same for every back end: Connect and `op item get --format json` write the same shape (contract
//! onepassword.md §1.3, §3.5).
//!
//! | file | idea |
//! |---|---|
//! | `reader` | tokens in, an item out; values go into sealed memory on the way |
//! | `open` | the field, file or section that is being read |
//! | `resolve` | which field or file a reference means |
//! | `serve` | what is served for it, or why nothing is |
//! | `instead` | what there is instead of what is missing |

mod instead;
mod open;
mod reader;
mod resolve;
mod serve;
#[cfg(test)]
mod tests;

pub(super) use instead::instead;
pub(super) use reader::{Malformed, Reader, Wants};
pub(super) use resolve::{Found as Meant, fold, resolve};
pub(super) use serve::{Circumstances, Served, listed, serve};

use secretfs_memory::sealed::{Sealed, SealedError};
use std::time::SystemTime;

/// The section of fields that the user put into none. It has no label.
pub(super) const DEFAULT_SECTION: &str = "add more";

/// An item, as far as it is wanted.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    /// Empty where it was not told, or is longer than any that a map could name.
    pub(super) title: String,
    /// The id of its vault; empty where it was not told.
    pub(super) vault: String,
    /// Its name: `op` tells it, Connect does not.
    pub(super) vault_name: String,
    /// Rises by one with every change.
    pub(super) version: Option<u64>,
    pub(super) modified: Option<SystemTime>,
    /// Neither archived nor deleted.
    pub(super) is_active: bool,
    pub(super) sections: Vec<Section>,
    /// Whether a listing had no room for all fields and files.
    pub(super) is_cut: bool,
    /// Those whose id or label is wanted; of a listing, the others without their values too.
    pub(super) fields: Vec<Field>,
    /// Those whose id or name is wanted; of a listing, all.
    pub(super) files: Vec<File>,
}

/// A part of an item. Texts that were not told are empty, here and below: clients are to parse
/// leniently (contract §1.3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) label: String,
}

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) id: String,
    pub(super) label: String,
    /// The id of its section.
    pub(super) section: String,
    /// Whether it makes one-time passwords.
    pub(super) is_otp: bool,
    /// Left out by the server where it is empty.
    pub(super) value: Value,
    /// The current one-time password.
    pub(super) code: Value,
    /// Whether no value came at all, wanted or not.
    pub(super) is_empty: bool,
}

/// An attached file. Its bytes are not in the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) section: String,
    pub(super) size: Option<u64>,
}

/// A text of a field, as it came.
#[derive(Debug)]
pub(super) enum Value {
    /// There was none, or `null`.
    Absent,
    /// It could not be kept.
    Failed(SealedError),
    /// The bytes.
    Whole(Sealed),
}
