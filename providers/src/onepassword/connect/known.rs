//! What was learnt of a server and saves requests: the ids behind names, the version of an item and
//! the state of its vault. No secrets, but dropped at lock with everything else.

use super::is_id;
use crate::onepassword::item::fold;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

/// How many vaults are remembered, and how many items. It costs requests to forget, and nothing else.
const MAX_VAULTS: usize = 256;
const MAX_ITEMS: usize = 1024;

/// An item's place: the ids of vault and item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ids {
    pub(super) vault: String,
    pub(super) item: String,
}

/// The state of a vault's content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content {
    /// Rises with every change in the vault.
    pub(super) version: u64,
    /// When it was asked for.
    pub(super) seen: Instant,
}

/// The state of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checked {
    /// Its version …
    pub(super) version: u64,
    /// … and a state of its vault that it was seen to have that version in, or later.
    pub(super) content: Option<u64>,
}

/// All of one server.
#[derive(Debug, Default)]
pub(super) struct Known {
    vaults: HashMap<String, String>,
    titles: HashMap<Ids, String>,
    contents: HashMap<String, Content>,
    items: HashMap<Ids, Checked>,
    names: Vec<(Option<String>, Arc<Names>)>,
}

/// The names of all vaults, or of all items of one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) all: Vec<String>,
    /// There are more.
    pub(super) is_cut: bool,
}

/// Remembers, and begins anew where it would be too much.
fn keep<K: Eq + Hash, V>(map: &mut HashMap<K, V>, most: usize, key: K, value: V) {
    if map.len() >= most && !map.contains_key(&key) {
        map.clear();
    }
    map.insert(key, value);
}

impl Known {
    /// The id of the vault of that name.
    pub(super) fn vault(&self, name: &str) -> Option<&String> {
        self.vaults.get(name)
    }

    pub(super) fn keep_vault(&mut self, name: &str, id: &str) {
        keep(&mut self.vaults, MAX_VAULTS, name.to_owned(), id.to_owned());
    }

    /// The vault of this id has that name now: others that it was known by are not its own any more.
    pub(super) fn is_named(&mut self, id: &str, name: &str) {
        let name = fold(name);
        self.vaults
            .retain(|known, of| of != id || fold(known) == name);
    }

    pub(super) fn forget_vault(&mut self, name: &str) {
        self.vaults.remove(name);
    }

    /// The id of the item of that title.
    pub(super) fn title(&self, vault: &str, title: &str) -> Option<&String> {
        self.titles.get(&ids(vault, title))
    }

    pub(super) fn keep_title(&mut self, vault: &str, title: &str, id: &str) {
        keep(
            &mut self.titles,
            MAX_ITEMS,
            ids(vault, title),
            id.to_owned(),
        );
    }

    pub(super) fn forget_title(&mut self, vault: &str, title: &str) {
        self.titles.remove(&ids(vault, title));
    }

    /// The ids of an item, where they are known or are what a reference says.
    pub(super) fn ids(&self, vault: &str, item: &str) -> Option<Ids> {
        let own = |name: &str| is_id(name).then(|| name.to_owned());
        let vault = self.vault(vault).cloned().or_else(|| own(vault))?;
        let item = self.title(&vault, item).cloned().or_else(|| own(item))?;
        Some(Ids { vault, item })
    }

    /// The state that a vault was last seen in.
    pub(super) fn content(&self, vault: &str) -> Option<Content> {
        self.contents.get(vault).copied()
    }

    pub(super) fn keep_content(&mut self, vault: &str, content: Content) {
        keep(&mut self.contents, MAX_VAULTS, vault.to_owned(), content);
    }

    pub(super) fn checked(&self, item: &Ids) -> Option<Checked> {
        self.items.get(item).copied()
    }

    pub(super) fn keep_checked(&mut self, item: &Ids, checked: Checked) {
        keep(&mut self.items, MAX_ITEMS, item.clone(), checked);
    }

    /// The names in that vault, or of the vaults. Asked for by commands alone, which end soon: they do not
    /// become old.
    pub(super) fn names(&self, vault: Option<&str>) -> Option<Arc<Names>> {
        let found = self.names.iter().find(|(of, _)| of.as_deref() == vault);
        found.map(|(_, names)| Arc::clone(names))
    }

    /// Those of the vaults, and of one vault: what is asked for comes vault by vault.
    pub(super) fn keep_names(&mut self, vault: Option<&str>, names: &Arc<Names>) {
        self.names.retain(|(of, _)| of.is_some() != vault.is_some());
        self.names
            .push((vault.map(str::to_owned), Arc::clone(names)));
    }

    /// Whether other items of that vault are known.
    pub(super) fn has_others(&self, item: &Ids) -> bool {
        self.items
            .keys()
            .any(|other| other.vault == item.vault && other.item != item.item)
    }
}

fn ids(vault: &str, item: &str) -> Ids {
    Ids {
        vault: vault.to_owned(),
        item: item.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_a_reference_says_or_what_a_name_was_found_to_be() {
        const V: &str = "ytrfte14kw1uex5txaore1emkz";
        const I: &str = "wepiqdxdzncjtnvmv5fegud4qy";
        let mut known = Known::default();
        assert_eq!(known.ids(V, I), Some(ids(V, I)));
        assert_eq!(known.ids("Prod", I), None);
        known.keep_vault("Prod", V);
        assert_eq!(known.ids("Prod", I), Some(ids(V, I)));
        assert_eq!(known.ids("Prod", "db"), None);
        known.keep_title(V, "db", I);
        assert_eq!(known.ids("Prod", "db"), Some(ids(V, I)));
        // A name that looks like an id is a name where it was found to be one.
        known.keep_vault(I, V);
        assert_eq!(known.ids(I, "db"), Some(ids(V, I)));
        known.forget_title(V, "db");
        assert_eq!(known.ids("Prod", "db"), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut known = Known::default();
        for n in 0..MAX_ITEMS * 2 {
            known.keep_title("v", &n.to_string(), "i");
            assert!(known.titles.len() <= MAX_ITEMS);
            assert_eq!(
                known.title("v", &n.to_string()).map(String::as_str),
                Some("i")
            );
        }
    }
}
