//! References to what there is in a vault, for a first map: names and ids alone. Of each item the answer is
//! read to its end, and the values in it are dropped as they pass by.

use super::item::{Item, Meant, fold, resolve};
use super::list::Candidate;
use super::{Attribute, Reference, is_id};
use crate::error::ProviderError;
use crate::provider::{Survey, Surveyed};
use std::collections::HashMap;

/// Items beyond this are not looked at, and references beyond that are not told: a first map is to be read
/// and edited.
pub(super) const MOST_ITEMS: usize = 500;
const MOST_REFERENCES: usize = 5_000;

/// A vault's items.
#[derive(Debug)]
pub(super) struct Listed {
    /// The vault's id.
    pub(super) id: String,
    pub(super) items: Vec<Candidate>,
    /// There are more.
    pub(super) is_cut: bool,
}

/// What is found in a vault, item by item.
#[derive(Debug)]
pub(super) struct Finds<'a> {
    /// What the vault was asked for by.
    vault: &'a str,
    id: &'a str,
    /// How many items there are of a title.
    titles: HashMap<String, usize>,
    survey: Survey,
}

impl<'a> Finds<'a> {
    pub(super) fn new(vault: &'a str, listed: &'a Listed) -> Self {
        let mut titles: HashMap<String, usize> = HashMap::new();
        for item in &listed.items {
            *titles.entry(fold(&item.name)).or_default() += 1;
        }
        Self {
            vault,
            id: &listed.id,
            titles,
            survey: Survey {
                is_cut: listed.is_cut,
                ..Survey::default()
            },
        }
    }

    /// Adds what is in the item; whether there is room for another.
    pub(super) fn add(&mut self, one: &Candidate, item: &Item) -> bool {
        self.survey.is_cut |= item.is_cut;
        let is_plain = self.titles.get(&fold(&one.name)) == Some(&1) && !is_id(&one.name);
        let title = if is_plain && !one.name.trim().is_empty() {
            &one.name
        } else {
            &one.id
        };
        let from = [(self.vault, title.as_str()), (self.id, one.id.as_str())];
        references(item, &from, &mut self.survey);
        self.survey.references.len() < MOST_REFERENCES
    }

    /// Nothing is to follow: all was looked at, or there is no room.
    pub(super) fn finish(mut self, is_whole: bool) -> Survey {
        self.survey.is_cut |= !is_whole;
        self.survey
    }

    /// Nothing can follow. What was found until then is not thrown away: of a limit of requests, it has
    /// cost as many already.
    pub(super) fn stop(mut self, error: ProviderError) -> Result<Survey, ProviderError> {
        if self.survey.references.is_empty() {
            return Err(error);
        }
        self.survey.stopped = Some(error);
        Ok(self.survey)
    }
}

/// References to every field that has a value, and to every file. `from`: what vault and item are called,
/// by name and by id.
fn references(item: &Item, from: &[(&str, &str); 2], survey: &mut Survey) {
    let fields = item
        .fields
        .iter()
        .enumerate()
        .filter(|(_, one)| !one.is_empty);
    let fields = fields.map(|(at, one)| {
        let attribute = match (one.is_otp, one.id.as_str()) {
            (true, _) => Some(Attribute::Otp),
            (false, "private_key") if one.label == "private key" => Some(Attribute::OpenSsh),
            _ => None,
        };
        (
            Meant::Field(at),
            &one.section,
            [&one.label, &one.id],
            attribute,
        )
    });
    let files = item.files.iter().enumerate();
    let files = files.map(|(at, one)| (Meant::File(at), &one.section, [&one.name, &one.id], None));
    for (meant, section, names, attribute) in fields.chain(files) {
        let shown = names.into_iter().find(|name| !name.is_empty());
        let shown = shown.cloned().unwrap_or_default();
        let listed = item.sections.iter().find(|one| one.id == *section);
        let label = listed
            .map(|one| one.label.as_str())
            .filter(|label| *label != "\0");
        let sections = [None, label, Some(section.as_str())];
        let sections = sections.into_iter().filter(|section| *section != Some(""));
        let candidates = from.iter().flat_map(|from| {
            let sections = sections.clone();
            names
                .into_iter()
                .flat_map(move |name| sections.clone().map(move |section| (from, section, name)))
        });
        let candidates = candidates.filter(|(_, section, name)| {
            !name.is_empty() && resolve(item, *section, name) == Ok(meant)
        });
        let mut candidates = candidates.map(|((vault, title), section, name)| Reference {
            vault: (*vault).to_owned(),
            item: (*title).to_owned(),
            section: section.map(str::to_owned),
            field: name.clone(),
            attribute,
        });
        let is_written = |of: &Reference| Reference::parse(&of.to_string()).as_ref() == Ok(of);
        // As `op` writes it, where that can express it; what is spelled out has no attributes.
        let spelled = candidates.clone().find(|of| of.attribute.is_none());
        match candidates.find(is_written).or(spelled) {
            Some(reference) => survey.references.push(Surveyed {
                reference: crate::reference::Reference::OnePassword(reference),
                place: item.title.clone(),
                name: shown,
            }),
            None => survey.left_out.push(format!("{}/{shown}", item.title)),
        }
    }
}
