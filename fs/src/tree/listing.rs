//! The names of a `dir:` folder, as the provider gave them: which can be file names, and the inode
//! number of each.

use super::versions::FileId;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// `NAME_MAX`.
const MAX_NAME: usize = 255;
/// How many of the names that were left out are kept for `status`.
const MAX_LEFT_OUT: usize = 100;

/// A folder's names, as they were at one moment.
#[derive(Debug)]
pub(super) struct Listing {
    names: Arc<Vec<String>>,
    /// Positions in `names`, sorted by name, each name once.
    order: Vec<u32>,
    /// The same, sorted by number.
    by_file: Vec<(FileId, u32)>,
    /// Names that cannot be file names, escaped.
    pub(super) left_out: Vec<String>,
}

/// Whether a name can be a file's (product.md, "The map": the same rule as for `file:`).
fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= MAX_NAME
        && !name.contains(|c: char| c == '/' || c.is_control())
}

/// The number of a member: a digest of the folder's and its name.
fn member(folder: u64, name: &str) -> FileId {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(folder.to_le_bytes())
        .chain_update(name)
        .finalize()
        .into();
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    FileId::of_hash(u64::from_le_bytes(bytes))
}

impl Listing {
    pub(super) fn new(folder: u64, names: Arc<Vec<String>>) -> Self {
        let mut order = Vec::new();
        let mut left_out = Vec::new();
        for (at, name) in (0_u32..).zip(names.iter()) {
            if is_file_name(name) {
                order.push(at);
            } else if left_out.len() < MAX_LEFT_OUT {
                left_out.push(name.escape_debug().take(MAX_NAME).collect());
            }
        }
        let name_at = |at: u32| usize::try_from(at).ok().and_then(|at| names.get(at));
        order.sort_unstable_by_key(|at| name_at(*at));
        order.dedup_by_key(|at| name_at(*at));
        let mut by_file: Vec<(FileId, u32)> = order
            .iter()
            .filter_map(|at| Some((member(folder, name_at(*at)?), *at)))
            .collect();
        by_file.sort_unstable();
        Self {
            names,
            order,
            by_file,
            left_out,
        }
    }

    fn name_at(&self, at: u32) -> Option<&str> {
        self.names
            .get(usize::try_from(at).ok()?)
            .map(String::as_str)
    }

    /// The names from the `from`th on, sorted.
    pub(super) fn iter_from(&self, from: usize) -> impl Iterator<Item = &str> {
        self.order
            .get(from..)
            .unwrap_or_default()
            .iter()
            .filter_map(|at| self.name_at(*at))
    }

    /// All names, as the provider gave them.
    pub(super) fn names(&self) -> Arc<Vec<String>> {
        Arc::clone(&self.names)
    }

    /// Whether it was made from this very list.
    pub(super) fn is_of(&self, names: &Arc<Vec<String>>) -> bool {
        Arc::ptr_eq(&self.names, names)
    }

    /// Whether the provider named it.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.order
            .binary_search_by(|at| self.name_at(*at).unwrap_or_default().cmp(name))
            .is_ok()
    }

    /// The name of a member.
    pub(super) fn name_of(&self, file: FileId) -> Option<&str> {
        let at = self
            .by_file
            .binary_search_by_key(&file, |(file, _)| *file)
            .ok()?;
        self.name_at(self.by_file.get(at)?.1)
    }

    /// The number of a member's name.
    pub(super) fn file_of(folder: u64, name: &str) -> FileId {
        member(folder, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listing(names: &[&str]) -> Listing {
        let names = names.iter().map(|n| (*n).to_owned()).collect();
        Listing::new(7, Arc::new(names))
    }

    #[test]
    fn names_that_cannot_be_file_names_are_left_out_and_told() {
        let long = "x".repeat(256);
        let listing = listing(&["b", "a/b", "..", "", "a", "n\nl", "nul\0", &long, "a"]);
        assert_eq!(listing.iter_from(0).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(listing.left_out.len(), 6);
        assert!(listing.left_out.iter().all(|n| !n.contains('\n')));
    }

    #[test]
    fn a_member_is_found_by_name_and_by_number() {
        let listing = listing(&["b", "a"]);
        assert!(listing.contains("a") && !listing.contains("c"));
        assert_eq!(listing.name_of(Listing::file_of(7, "b")), Some("b"));
        assert_eq!(listing.name_of(Listing::file_of(8, "b")), None);
    }

    proptest! {
        #[test]
        fn whatever_a_provider_names_every_shown_name_is_a_file_name(
            names in prop::collection::vec(".{0,300}", 0..20)
        ) {
            let listing = Listing::new(7, Arc::new(names));
            let shown: Vec<&str> = listing.iter_from(0).collect();
            for name in shown {
                prop_assert!(!name.is_empty() && !name.contains('/') && name.len() <= 255);
                prop_assert_eq!(listing.name_of(Listing::file_of(7, name)), Some(name));
            }
        }
    }
}
