//! A folder's list: several secrets of it with one request, all of them, or their names.
//!
//! A list is silent about much that the single route says (contract §4, §5): an empty one may be a
//! folder that is not there or may not be read, a value may hold a reference that could not be
//! followed. What it leaves open is asked for again, singly, before anything is believed.

use super::api::{self, Folder, What, Whose};
use super::call::Call;
use super::expansion::has_reference;
use super::picks::{Pick, Picks, Which};
use super::refusal::Refusal;
use super::validator::Kind;
use crate::error::{ErrorKind, ProviderError};
use crate::provider::{Answer, Fetched, Validator, Wanted, unsupported};
use crate::reference::{FolderReference, Reference};
use secretfs_memory::sealed::SealedError;
use std::collections::BTreeMap;

/// The most bytes of a list that are read. It is never held: this bounds the time of a server that
/// does not end.
const MAX_LIST: u64 = 128 << 20;
/// A name that nobody has: whether it is missing in a folder tells whether the folder is there.
const NOBODY: &str = "SECRETFS_SECOND_LOOK";

/// A list's answer.
pub(super) enum Listed<'a> {
    Unchanged,
    Picks(Picks<'a>, Option<Validator>),
}

impl Call<'_> {
    pub(super) fn reference<'w>(
        &self,
        wanted: &'w Wanted,
    ) -> Result<&'w super::Reference, ProviderError> {
        match &wanted.reference {
            Reference::Infisical(of) => Ok(of),
            _ => Err(unsupported(
                "infisical",
                "read another provider's reference",
            )),
        }
    }

    /// Several secrets of one folder.
    pub(super) async fn many(
        &self,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Answer, ProviderError>>, ProviderError> {
        let Some(first) = wanted.first() else {
            return Ok(Vec::new());
        };
        let place = first.reference.place();
        let first = self.reference(first)?;
        let folder = Folder::of(first);
        let mut limits: BTreeMap<String, usize> = BTreeMap::new();
        for one in wanted {
            let of = self.reference(one)?;
            if one.reference.place() != place {
                return Err(unsupported("infisical", "list several folders at once"));
            }
            let limit = limits.entry(of.name.clone()).or_default();
            *limit = one.max_size.max(*limit);
        }
        let tag = one_tag(wanted);
        let listed = Box::pin(self.list(folder, Which::Some(limits), true, tag)).await?;
        let (picks, validator) = match listed {
            Listed::Unchanged => return Ok(wanted.iter().map(|_| Ok(Answer::Unchanged)).collect()),
            Listed::Picks(picks, validator) => (picks, validator),
        };
        if picks.seen == 0 {
            Box::pin(self.look_again(folder)).await?;
        }
        let answers = wanted.iter().enumerate().map(|(at, one)| {
            let name = &self.reference(one)?.name;
            let Some(pick) = picks.found.get(name) else {
                // A role that hides single secrets makes a list leave them out; the one that is opened
                // is worth a request that tells the difference.
                return match at {
                    0 if picks.seen > 0 && api::has_route(name) => Ok(Answer::Alone),
                    _ => Err(self.missing(name, folder)),
                };
            };
            self.answer(pick, name, one.max_size, folder, validator.as_ref())
        });
        Ok(answers.collect())
    }

    /// One secret that no address can carry.
    pub(super) async fn only_listed(&self, wanted: &Wanted) -> Result<Answer, ProviderError> {
        let mut answers = self.many(std::slice::from_ref(wanted)).await?;
        match answers.pop() {
            Some(Ok(Answer::Alone)) => Err(self.unfollowed(&self.reference(wanted)?.name)),
            Some(answer) => answer,
            None => Err(self.nonsense("to a request")),
        }
    }

    fn answer(
        &self,
        pick: &Pick,
        name: &str,
        max_size: usize,
        folder: Folder<'_>,
        validator: Option<&Validator>,
    ) -> Result<Answer, ProviderError> {
        let value = self.picked(pick, name)?;
        if value.len() > max_size {
            let what = format!("provider {}: the value of {name:?}", self.of.name());
            return Err(ProviderError::sealed(
                SealedError::TooLarge { max: max_size },
                what,
            ));
        }
        if folder.expand && self.has_reference(&value)? {
            return Ok(Answer::Alone);
        }
        Ok(Answer::Value(Fetched {
            value,
            modified: pick.modified,
            validator: validator.cloned(),
            max_age: None,
        }))
    }

    pub(super) fn picked(
        &self,
        pick: &Pick,
        name: &str,
    ) -> Result<secretfs_memory::sealed::Sealed, ProviderError> {
        if pick.twice {
            return Err(self.error(
                ErrorKind::Ambiguous,
                &format!("the server lists {name:?} twice"),
                "see the folder in Infisical: one of the two has to go",
            ));
        }
        self.value(pick.value.copy(), name)
    }

    fn has_reference(
        &self,
        value: &secretfs_memory::sealed::Sealed,
    ) -> Result<bool, ProviderError> {
        has_reference(value).map_err(|error| {
            ProviderError::sealed(error, format_args!("provider {}: a value", self.of.name()))
        })
    }

    fn unfollowed(&self, name: &str) -> ProviderError {
        self.error(
            ErrorKind::Protocol,
            &format!("the value of {name:?} holds a reference that was not followed, and its name is too long or too odd to be asked for by itself"),
            "mend the reference, rename the secret, or set `expand_references: false` for it",
        )
    }

    /// Every secret of a folder with its value, by name.
    pub(super) async fn folder(
        &self,
        of: &FolderReference,
        max_size: usize,
    ) -> Result<Vec<(String, Fetched)>, ProviderError> {
        let folder = self.of.settings.folder(of);
        let picks = match Box::pin(self.list(folder, Which::All(max_size), true, None)).await? {
            Listed::Picks(picks, _) => picks,
            Listed::Unchanged => return Err(self.nonsense("to a request")),
        };
        if picks.seen == 0 {
            Box::pin(self.look_again(folder)).await?;
        }
        let mut all = Vec::with_capacity(picks.found.len());
        let mut sum: usize = 0;
        for (name, pick) in picks.found {
            let answer = self.answer(&pick, &name, max_size, folder, None)?;
            drop(pick);
            let fetched = match answer {
                Answer::Value(fetched) => fetched,
                Answer::Alone | Answer::Unchanged => self.followed(folder, &name, max_size).await?,
            };
            sum = sum.saturating_add(fetched.value.len());
            if sum > max_size {
                let what = format!("provider {}: the folder {:?}", self.of.name(), of.path);
                return Err(ProviderError::sealed(
                    SealedError::TooLarge { max: max_size },
                    what,
                ));
            }
            all.push((name, fetched));
        }
        Ok(all)
    }

    /// A value by the single route, which says so where a reference cannot be followed.
    async fn followed(
        &self,
        folder: Folder<'_>,
        name: &str,
        max_size: usize,
    ) -> Result<Fetched, ProviderError> {
        if !api::has_route(name) {
            return Err(self.unfollowed(name));
        }
        let wanted = Wanted {
            reference: Reference::Infisical(super::Reference {
                name: name.to_owned(),
                path: folder.path.to_owned(),
                environment: folder.environment.to_owned(),
                expand_references: folder.expand,
            }),
            max_size,
            validator: None,
        };
        match Box::pin(self.single(&wanted)).await? {
            Answer::Value(fetched) => Ok(fetched),
            Answer::Alone | Answer::Unchanged => Err(self.nonsense("to a request")),
        }
    }

    /// The names of a folder; no value leaves the server.
    pub(super) async fn names(&self, folder: Folder<'_>) -> Result<Vec<String>, ProviderError> {
        let picks = match Box::pin(self.list(folder, Which::Names, true, None)).await? {
            Listed::Picks(picks, _) => picks,
            Listed::Unchanged => return Err(self.nonsense("to a request")),
        };
        if picks.seen == 0 {
            Box::pin(self.look_again(folder)).await?;
        }
        Ok(picks.found.into_keys().collect())
    }

    pub(super) async fn list<'a>(
        &'a self,
        folder: Folder<'a>,
        which: Which,
        keeps: bool,
        etag: Option<&str>,
    ) -> Result<Listed<'a>, ProviderError> {
        self.confirm(folder).await?;
        let settings = &self.of.settings;
        let what = match which {
            Which::Names => What::Names,
            Which::Some(_) | Which::All(_) => What::Values,
        };
        let route = |version| settings.list(version, folder, what);
        let mut response = match Box::pin(self.ask(route, etag)).await? {
            Ok(response) => response,
            Err(refusal) => return Err(self.about_folder(&refusal, folder)),
        };
        if response.status() == 304 {
            return Ok(Listed::Unchanged);
        }
        let validator = response.etag().map(|tag| Kind::List.validator(&tag));
        let mut picks = Picks::new(&self.cx.pool, folder, which, settings.personal);
        if !keeps {
            picks = picks.only_looks();
        }
        let picks = self.read(&mut response, MAX_LIST, picks).await?;
        if picks.is_another {
            return Err(self.nonsense("with another folder than the one asked for"));
        }
        if picks.is_full {
            return Err(self.error(
                ErrorKind::TooLarge,
                &format!(
                    "the folder {:?} has more names than can be kept",
                    folder.path
                ),
                "split it, or name the secrets one by one",
            ));
        }
        Ok(Listed::Picks(picks, validator))
    }

    /// A second look at a folder whose list is empty: whether it is there, and may be read. The list
    /// alone would be the same for a mistyped path and for a lost permission (contract §5).
    pub(super) async fn look_again(&self, folder: Folder<'_>) -> Result<(), ProviderError> {
        let settings = &self.of.settings;
        let route = |version| settings.single(version, folder, NOBODY, Whose::Shared);
        match Box::pin(self.ask(route, None)).await? {
            Err(Refusal::MissingSecret) => Ok(()),
            Err(refusal) => Err(self.about_folder(&refusal, folder)),
            // The list had nothing, and this has something.
            Ok(_) => Err(self.nonsense("to a list and another one")),
        }
    }
}

/// The tag of the list that all of these came with, if it is one.
fn one_tag(wanted: &[Wanted]) -> Option<&str> {
    let tag = Kind::List.tag(wanted.first()?.validator.as_ref())?;
    let is_it = |one: &Wanted| Kind::List.tag(one.validator.as_ref()) == Some(tag);
    wanted.iter().all(is_it).then_some(tag)
}
