//! What an item has instead of a field, file or section that it has not. Names alone, for a person who
//! runs `check --online`.

use super::{DEFAULT_SECTION, Item, fold};
use crate::nearest::{list, nearest};
use crate::onepassword::Reference;

/// What to do about a reference that means nothing in this item.
pub(in crate::onepassword) fn instead(item: &Item, of: &Reference) -> String {
    let all = names(item);
    if let Some(section) = &of.section {
        let is_it = |name: &str| fold(name) == fold(section);
        let is_listed = item
            .sections
            .iter()
            .any(|one| is_it(&one.id) || is_it(&one.label));
        if !is_listed && !all.iter().any(|one| is_it(one.section)) {
            return instead_of_section(item, section);
        }
        // The right name in the wrong section.
        if let Some(there) = all.iter().find(|one| fold(one.name) == fold(&of.field)) {
            return match there.section {
                "" => format!("`{}` is in no section: leave the section out", there.name),
                section => format!("`{}` is in the section `{section}`", there.name),
            };
        }
    }
    let shown: Vec<_> = all.iter().map(Named::shown).collect();
    if let Some(near) = nearest(&of.field, all.iter().map(|one| one.name)) {
        let at = all.iter().position(|one| one.name == near);
        let near = at.and_then(|at| shown.get(at)).map_or(near, |path| path);
        return format!("did you mean `{near}`?");
    }
    match shown.as_slice() {
        [] => "the item has no fields and no files".to_owned(),
        shown => format!("the item has {}", list(shown.iter().map(String::as_str))),
    }
}

fn instead_of_section(item: &Item, section: &str) -> String {
    let labels = item.sections.iter().map(|one| one.label.as_str());
    // `\0`: a label that no map could name.
    let labels = labels.filter(|label| !label.is_empty() && *label != "\0");
    match nearest(section, labels.clone()) {
        Some(near) => format!("did you mean the section `{near}`?"),
        None if labels.clone().next().is_none() => {
            "the item has no sections: leave the section out".to_owned()
        }
        None => format!("the item has the sections {}", list(labels)),
    }
}

/// A field or a file, as a map would name it.
struct Named<'a> {
    /// The section's label, or its id where the item does not list it; empty: it is in none.
    section: &'a str,
    name: &'a str,
}

impl Named<'_> {
    fn shown(&self) -> String {
        match self.section {
            "" => self.name.to_owned(),
            section => format!("{section}/{}", self.name),
        }
    }
}

fn names(item: &Item) -> Vec<Named<'_>> {
    let fields = item.fields.iter().map(|one| {
        let name = if one.label.is_empty() {
            &one.id
        } else {
            &one.label
        };
        (one.section.as_str(), name)
    });
    let files = item.files.iter().map(|one| {
        let name = if one.name.is_empty() {
            &one.id
        } else {
            &one.name
        };
        (one.section.as_str(), name)
    });
    fields
        .chain(files)
        .filter(|(_, name)| !name.is_empty())
        .map(|(section_id, name)| {
            let listed = item.sections.iter().find(|one| one.id == section_id);
            let section = match listed {
                Some(section) => section.label.as_str(),
                None if section_id == DEFAULT_SECTION => "",
                None => section_id,
            };
            Named { section, name }
        })
        .collect()
}
