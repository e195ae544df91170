//! References to what there is in a vault, for a first map: names and ids alone. Of each item the answer is
//! read to its end, and the values in it are dropped as they pass by.

use super::call::{Ask, Call, No};
use super::find::Found;
use super::is_id;
use super::known::Ids;
use super::list::{Candidate, Reader};
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::item::{Item, Meant, fold, resolve};
use crate::onepassword::wish::Files;
use crate::onepassword::{Attribute, Reference};
use crate::provider::{BoxFuture, Survey, Surveyed};
use std::collections::HashMap;

/// Items beyond this are not looked at, and references beyond that are not told: a first map is to be read
/// and edited.
const MOST_ITEMS: usize = 500;
const MOST_REFERENCES: usize = 5_000;

impl Call<'_> {
    /// All of the vault of this name or id.
    pub(super) fn survey<'a>(
        &'a self,
        vault: &'a str,
        seen: &'a (dyn Fn(usize, usize) + Send + Sync),
    ) -> BoxFuture<'a, Result<Survey, ProviderError>> {
        Box::pin(async move {
            let (id, items, is_cut) = self.items(vault).await?;
            let mut titles: HashMap<String, usize> = HashMap::new();
            for item in &items {
                *titles.entry(fold(&item.name)).or_default() += 1;
            }
            let mut survey = Survey {
                is_cut,
                ..Survey::default()
            };
            for (at, one) in items.iter().enumerate() {
                seen(at, items.len());
                if survey.references.len() >= MOST_REFERENCES {
                    survey.is_cut = true;
                    break;
                }
                let ids = Ids {
                    vault: id.clone(),
                    item: one.id.clone(),
                };
                let Some(item) = self.names_of(ids).await? else {
                    continue;
                };
                survey.is_cut |= item.is_cut;
                let is_plain = titles.get(&fold(&one.name)) == Some(&1) && !is_id(&one.name);
                let title = if is_plain && !one.name.trim().is_empty() {
                    &one.name
                } else {
                    &one.id
                };
                let from = [(vault, title.as_str()), (id.as_str(), one.id.as_str())];
                references(&item, &from, &mut survey);
            }
            seen(items.len(), items.len());
            Ok(survey)
        })
    }

    /// The vault's id, its items, and whether there are more.
    async fn items(&self, vault: &str) -> Result<(String, Vec<Candidate>, bool), ProviderError> {
        // What looks like an id is tried as one first, and may be a name all the same.
        if is_id(vault)
            && let Ok((items, is_cut)) = self.items_of(vault).await?
        {
            return Ok((vault.to_owned(), items, is_cut));
        }
        let no_vault = || {
            let what = format!("there is no vault {vault:?}, or the token has no access to it");
            self.error(ErrorKind::Missing, &what, "check the vault's name or id")
        };
        let Some(id) = self.vault_of(vault).await? else {
            return Err(self.advised_of_vault(no_vault(), vault).await);
        };
        match self.items_of(&id).await? {
            Ok((items, is_cut)) => Ok((id, items, is_cut)),
            Err(_) => Err(no_vault()),
        }
    }

    async fn items_of(
        &self,
        vault: &str,
    ) -> Result<Result<(Vec<Candidate>, bool), No>, ProviderError> {
        let ask = Ask {
            path: &["v1", "vaults", vault, "items"],
            query: &[],
            is_file: false,
        };
        let response = match self.get(ask).await? {
            Ok(response) => response,
            Err(no) => return Ok(Err(no)),
        };
        let reader = Reader::all("title", MOST_ITEMS);
        let found = self.read_list(response, reader).await?.finish_all();
        Ok(Ok(found.map_err(|_| self.nonsense("it is no list"))?))
    }

    /// The item without any value; `None`: it is gone by now.
    async fn names_of(&self, ids: Ids) -> Result<Option<Item>, ProviderError> {
        let ask = Ask {
            path: &["v1", "vaults", &ids.vault, "items", &ids.item],
            query: &[],
            is_file: false,
        };
        let response = match self.get(ask).await? {
            Ok(response) => response,
            Err(No::Missing | No::Denied) => return Ok(None),
        };
        let found = Found {
            ids,
            content: None,
            by_title: false,
            response,
        };
        let item = self.read(found, &[], Files::Exist).await?;
        Ok(item.is_active.then_some(item))
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
