//! What the server holds: vaults, items, fields, files.

use super::build::Item;
use std::collections::BTreeSet;
use std::time::Duration;

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) vaults: Vec<Vault>,
    /// How many ids were given out.
    pub(super) made: usize,
}

#[derive(Debug)]
pub(super) struct Vault {
    pub(super) id: String,
    pub(super) name: String,
    /// Rises with every change inside.
    pub(super) content: u64,
    pub(super) items: Vec<Stored>,
}

/// An item of a vault.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: String,
    /// Rises with every change.
    pub(super) version: u64,
    pub(super) updated: Duration,
    pub(super) item: Item,
}

impl World {
    pub(super) fn vault(&self, id: &str) -> Option<&Vault> {
        self.vaults.iter().find(|vault| vault.id == id)
    }

    pub(super) fn vault_mut(&mut self, id: &str) -> &mut Vault {
        let found = self.vaults.iter_mut().find(|vault| vault.id == id);
        found.expect("a vault of that id")
    }
}

impl Vault {
    pub(super) fn item(&self, id: &str) -> Option<&Stored> {
        self.items.iter().find(|item| item.id == id)
    }
}

/// Which vaults a token may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    These(BTreeSet<String>),
}

impl Scope {
    pub(super) fn has(&self, vault: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(vault),
        }
    }
}
