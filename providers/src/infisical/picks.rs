//! Which secrets of a list count. A folder's own win over those of its imports, of which the last one
//! wins (contract §4, "Imports"); where personal overrides are wanted, they win over all.

use super::api::Folder;
use super::expansion::has_reference;
use super::secrets::{Collector, Opened, Origin, Secret, Value};
use secretfs_memory::sealed::{SealedPool, SealedWriter};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// The most names that are kept of one folder, and …
const MAX_NAMES: usize = 65_536;
/// … what one takes of the locked heap beside its bytes.
const NAME_HEAP: usize = 96;
/// What must be left of that heap for everybody else.
const SPARE_HEAP: usize = 256 << 10;

/// The greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Import(u32),
    Own,
    Personal,
}

/// What was picked under a name.
#[derive(Debug)]
pub(super) struct Pick {
    rank: Rank,
    /// Two of this rank: which one counts is anybody's guess.
    pub(super) twice: bool,
    pub(super) value: Value,
    /// Of a value that was looked at and not kept: whether a reference is left in it.
    pub(super) looked_at: Option<bool>,
    pub(super) modified: Option<SystemTime>,
}

/// Which names are wanted.
#[derive(Debug)]
pub(super) enum Which {
    /// These, each with the most bytes of its value.
    Some(BTreeMap<String, usize>),
    /// All, with the most bytes of each.
    All(usize),
    /// All, without values.
    Names,
}

impl Which {
    /// The most bytes of the value of that name; `None`: it is not wanted.
    fn limit(&self, name: Option<&str>) -> Option<usize> {
        match (self, name) {
            (Self::Some(wanted), Some(name)) => wanted.get(name).copied(),
            // It is told later.
            (Self::Some(wanted), None) => wanted.values().copied().max(),
            (Self::All(max), _) => Some(*max),
            (Self::Names, _) => None,
        }
    }

    fn wants(&self, name: &str) -> bool {
        match self {
            Self::Some(wanted) => wanted.contains_key(name),
            Self::All(_) | Self::Names => true,
        }
    }
}

/// Takes what counts of a list.
#[derive(Debug)]
pub(super) struct Picks<'a> {
    pool: &'a Arc<SealedPool>,
    folder: Folder<'a>,
    which: Which,
    /// Whether personal overrides are wanted.
    personal: bool,
    /// Whether values are kept, or only looked at.
    keeps: bool,
    pub(super) found: BTreeMap<String, Pick>,
    /// How many secrets passed by, wanted or not.
    pub(super) seen: usize,
    /// One said that it is in another folder.
    pub(super) is_another: bool,
    /// More names than can be kept.
    pub(super) is_full: bool,
}

impl<'a> Picks<'a> {
    pub(super) fn new(
        pool: &'a Arc<SealedPool>,
        folder: Folder<'a>,
        which: Which,
        personal: bool,
    ) -> Self {
        Self {
            pool,
            folder,
            which,
            personal,
            keeps: true,
            found: BTreeMap::new(),
            seen: 0,
            is_another: false,
            is_full: false,
        }
    }

    /// Values are looked at one by one, and none of them stays.
    pub(super) fn only_looks(mut self) -> Self {
        self.keeps = false;
        self
    }

    fn rank(&self, origin: Origin, personal: bool) -> Option<Rank> {
        match (origin, personal) {
            (Origin::Own, false) => Some(Rank::Own),
            (Origin::Own, true) => self.personal.then_some(Rank::Personal),
            (Origin::Import(at), false) => Some(Rank::Import(at)),
            (Origin::Import(_), true) | (Origin::Single, _) => None,
        }
    }

    fn has_room(&self) -> bool {
        self.found.len() < MAX_NAMES && secretfs_memory::heap::has_room(SPARE_HEAP + NAME_HEAP)
    }
}

impl Collector for Picks<'_> {
    fn writer(&mut self, of: &Opened<'_>) -> Option<SealedWriter> {
        let limit = self.which.limit(of.name)?;
        // The most that it can be: whether it is a personal one may come later.
        let most = match of.origin {
            Origin::Import(at) => Rank::Import(at),
            Origin::Own | Origin::Single => Rank::Personal,
        };
        let beaten = |pick: &Pick| pick.rank > most;
        if of
            .name
            .and_then(|name| self.found.get(name))
            .is_some_and(beaten)
        {
            return None;
        }
        Some(self.pool.writer(None, limit))
    }

    fn take(&mut self, secret: Secret) {
        self.seen = self.seen.saturating_add(1);
        if secret.origin == Origin::Own && !secret.is_of(self.folder) {
            self.is_another = true;
            return;
        }
        let rank = self.rank(secret.origin, secret.personal);
        let (Some(rank), Some(name)) = (rank, secret.name) else {
            return;
        };
        if !self.which.wants(&name) {
            return;
        }
        let (value, looked_at) = match secret.value {
            Value::Whole(value) if !self.keeps => match has_reference(&value) {
                Ok(is_left) => (Value::Dropped, Some(is_left)),
                Err(error) => (Value::Failed(error), None),
            },
            value => (value, None),
        };
        let pick = Pick {
            rank,
            twice: false,
            value,
            looked_at,
            modified: secret.modified,
        };
        let has_room = self.has_room();
        match self.found.get_mut(&name) {
            Some(there) if there.rank > rank => {}
            Some(there) => {
                let twice = there.rank == rank;
                *there = pick;
                there.twice = twice;
            }
            None if has_room => {
                self.found.insert(name, pick);
            }
            None => self.is_full = true,
        }
    }
}
