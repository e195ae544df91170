//! Which field or file of an item a reference means (contract onepassword.md §2.3, §4.5). More than
//! one that it could mean is an error, never a choice.

use super::{DEFAULT_SECTION, Item};

/// What a reference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::onepassword) enum Found {
    /// The field of this index.
    Field(usize),
    /// The file of this index.
    File(usize),
}

/// Why it means nothing. The texts are ids, or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::onepassword) enum Unresolved {
    /// There is no such section.
    NoSection,
    /// There are several of that label.
    Sections(Vec<String>),
    /// There is no such field or file.
    Nothing,
    /// There are several.
    Several(Vec<String>),
}

/// Text without regard to case.
pub(in crate::onepassword) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A name that is looked for.
struct Query<'a> {
    text: &'a str,
    folded: String,
}

impl<'a> Query<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            folded: fold(text),
        }
    }

    /// Whether one of these is it. An empty one is nobody's name.
    fn is(&self, exact: bool, names: [&str; 2]) -> bool {
        names.into_iter().filter(|name| !name.is_empty()).any(|n| {
            if exact {
                n == self.text
            } else {
                fold(n) == self.folded
            }
        })
    }
}

/// Exact matches first; where there is none, those that differ in case.
const EXACTNESS: [bool; 2] = [true, false];

/// Which field or file of `item` is meant by `name`, in `section` where that is given.
///
/// Without a section, what is in none is preferred (the section without a label counts as none), then
/// what is the only one of that name in all sections.
pub(in crate::onepassword) fn resolve(
    item: &Item,
    section: Option<&str>,
    name: &str,
) -> Result<Found, Unresolved> {
    let name = Query::new(name);
    if let Some(section) = section {
        let id = find_section(item, section)?;
        for exact in EXACTNESS {
            if let Some(found) = one(item, &name, exact, |of| of == id)? {
                return Ok(found);
            }
        }
        return Err(Unresolved::Nothing);
    }
    for exact in EXACTNESS {
        if let Some(found) = one(item, &name, exact, |of| is_no_section(item, of))? {
            return Ok(found);
        }
        if let Some(found) = one(item, &name, exact, |_| true)? {
            return Ok(found);
        }
    }
    Err(Unresolved::Nothing)
}

/// The id of the one section of that id or label.
fn find_section<'a>(item: &'a Item, section: &str) -> Result<&'a str, Unresolved> {
    let section = Query::new(section);
    // A field may name a section that the item does not list (contract §1.3).
    let listed = item.sections.iter().map(|s| [s.id.as_str(), &s.label]);
    let named = item.fields.iter().map(|f| [f.section.as_str(), ""]);
    let of_files = item.files.iter().map(|f| [f.section.as_str(), ""]);
    let all: Vec<_> = listed.chain(named).chain(of_files).collect();
    for exact in EXACTNESS {
        let mut ids: Vec<&str> = all
            .iter()
            .filter(|names| section.is(exact, **names))
            .map(|[id, _]| *id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.as_slice() {
            [] => {}
            [id] => return Ok(id),
            _ => {
                return Err(Unresolved::Sections(
                    ids.into_iter().map(str::to_owned).collect(),
                ));
            }
        }
    }
    Err(Unresolved::NoSection)
}

/// Whether what names this section is in none.
fn is_no_section(item: &Item, id: &str) -> bool {
    if id.is_empty() {
        return true;
    }
    let mut listed = item.sections.iter().filter(|section| section.id == id);
    match listed.next() {
        Some(section) => section.label.is_empty() && listed.all(|other| other.label.is_empty()),
        None => id == DEFAULT_SECTION,
    }
}

/// The only one of that name in these sections; `None`: there is none.
fn one(
    item: &Item,
    name: &Query<'_>,
    exact: bool,
    is_there: impl Fn(&str) -> bool,
) -> Result<Option<Found>, Unresolved> {
    let fields = item.fields.iter().enumerate().filter_map(|(at, field)| {
        let is = is_there(&field.section) && name.is(exact, [&field.id, &field.label]);
        is.then_some((Found::Field(at), [&field.id, &field.label]))
    });
    let files = item.files.iter().enumerate().filter_map(|(at, file)| {
        let is = is_there(&file.section) && name.is(exact, [&file.id, &file.name]);
        is.then_some((Found::File(at), [&file.id, &file.name]))
    });
    let all: Vec<_> = fields.chain(files).collect();
    match all.as_slice() {
        [] => Ok(None),
        [(found, _)] => Ok(Some(*found)),
        _ => {
            let shown =
                |[id, label]: &[&String; 2]| if id.is_empty() { label } else { id }.to_string();
            Err(Unresolved::Several(
                all.iter().map(|(_, names)| shown(names)).collect(),
            ))
        }
    }
}
