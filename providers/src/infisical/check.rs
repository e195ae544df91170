//! Whether secrets are there and may be read. Values pass by one after the other, are looked at, and
//! are gone; none leaves the client.

use super::api::{self, Folder};
use super::call::Call;
use super::list::Listed;
use super::picks::{Pick, Picks, Which};
use crate::error::{ErrorKind, ProviderError};
use crate::provider::{Wanted, unsupported};
use crate::reference::Reference;

/// How many secrets that a folder's list leaves out are asked for by themselves.
const MOST_ALONE: usize = 20;

impl Call<'_> {
    /// Several secrets, folder by folder.
    pub(super) async fn check_many(
        &self,
        references: &[Reference],
    ) -> Result<Vec<Result<(), ProviderError>>, ProviderError> {
        let mut answers: Vec<_> = references.iter().map(|_| Ok(())).collect();
        // Of one folder after the other, in the order of the map.
        let mut order: Vec<_> = references.iter().enumerate().collect();
        order.sort_by_key(|(at, reference)| (reference.place(), *at));
        for group in order.chunk_by(|(_, a), (_, b)| a.place() == b.place()) {
            let asked: Vec<_> = group.iter().map(|(_, reference)| *reference).collect();
            let told = Box::pin(self.check_place(&asked)).await?;
            for ((at, _), answer) in group.iter().zip(told) {
                if let Some(slot) = answers.get_mut(*at) {
                    *slot = answer;
                }
            }
        }
        Ok(answers)
    }

    async fn check_place(
        &self,
        references: &[&Reference],
    ) -> Result<Vec<Result<(), ProviderError>>, ProviderError> {
        let mut names = Vec::with_capacity(references.len());
        for reference in references {
            match reference {
                Reference::Infisical(of) => names.push(of),
                _ => {
                    return Err(unsupported(
                        "infisical",
                        "read another provider's reference",
                    ));
                }
            }
        }
        let Some(folder) = names.first().map(|of| Folder::of(of)) else {
            return Ok(Vec::new());
        };
        let all = |error: ProviderError| -> Vec<Result<(), ProviderError>> {
            names.iter().map(|_| Err(error.clone())).collect()
        };
        if let [one] = names[..]
            && api::has_route(&one.name)
        {
            let answer = self.check_alone(references.first().copied(), folder).await;
            let answer = Box::pin(self.advised(answer, &one.name, folder)).await;
            return Ok(vec![answer]);
        }
        let picks = match Box::pin(self.looked_at(folder, &names)).await {
            Ok(picks) => picks,
            // A list is refused as a whole for one secret in it (contract §5).
            Err(error) if error.kind == ErrorKind::Denied => {
                let mut answers = Vec::with_capacity(names.len());
                for reference in references {
                    answers.push(self.check_alone(Some(reference), folder).await);
                }
                return Ok(answers);
            }
            Err(error) if error.kind == ErrorKind::Missing => {
                let help = Box::pin(self.instead_of_folder(folder)).await;
                return Ok(all(with_help(error, help)));
            }
            Err(error) => return Err(error),
        };
        let mut alone = MOST_ALONE;
        let mut answers = Vec::with_capacity(names.len());
        for (of, reference) in names.iter().zip(references) {
            let answer = match picks.found.get(&of.name) {
                Some(pick) if !is_left(pick, folder) => self.judge(pick, &of.name),
                Some(_) => self.check_alone(Some(reference), folder).await,
                // A role may hide single secrets from a list; the single route tells.
                None if alone > 0 && picks.seen > 0 => {
                    alone -= 1;
                    let answer = self.check_alone(Some(reference), folder).await;
                    Box::pin(self.advised(answer, &of.name, folder)).await
                }
                None => Err(self.missing(&of.name, folder)),
            };
            answers.push(answer);
        }
        Ok(answers)
    }

    async fn looked_at<'a>(
        &'a self,
        folder: Folder<'a>,
        names: &[&super::Reference],
    ) -> Result<Picks<'a>, ProviderError> {
        let most = self.cx.pool.capacity();
        let which = names.iter().map(|of| (of.name.clone(), most)).collect();
        self.picks(folder, Which::Some(which)).await
    }

    async fn picks<'a>(
        &'a self,
        folder: Folder<'a>,
        which: Which,
    ) -> Result<Picks<'a>, ProviderError> {
        let Listed::Picks(picks, _) = Box::pin(self.list(folder, which, false, None)).await? else {
            return Err(self.nonsense("to a request"));
        };
        if picks.seen == 0 {
            Box::pin(self.look_again(folder)).await?;
        }
        Ok(picks)
    }

    /// What was looked at and not kept.
    fn judge(&self, pick: &Pick, name: &str) -> Result<(), ProviderError> {
        match pick.looked_at {
            Some(_) if !pick.twice => Ok(()),
            _ => self.picked(pick, name).map(drop),
        }
    }

    async fn check_alone(
        &self,
        reference: Option<&Reference>,
        folder: Folder<'_>,
    ) -> Result<(), ProviderError> {
        let Some(Reference::Infisical(of)) = reference else {
            return Err(unsupported(
                "infisical",
                "read another provider's reference",
            ));
        };
        if !api::has_route(&of.name) {
            return Err(self.missing(&of.name, folder));
        }
        let wanted = Wanted {
            reference: Reference::Infisical(of.clone()),
            max_size: self.cx.pool.capacity(),
            validator: None,
        };
        Box::pin(self.single(&wanted)).await.map(drop)
    }

    /// A folder; with `values`, all of its secrets too.
    pub(super) async fn check_folder(
        &self,
        folder: Folder<'_>,
        values: bool,
    ) -> Result<(), ProviderError> {
        let which = match values {
            true => Which::All(self.cx.pool.capacity()),
            false => Which::Names,
        };
        match Box::pin(self.picks(folder, which)).await {
            Ok(picks) if values => {
                let mut found = picks.found.iter();
                found.try_for_each(|(name, pick)| self.judge(pick, name))
            }
            Ok(_) => Ok(()),
            Err(error) if error.kind == ErrorKind::Missing => {
                let help = Box::pin(self.instead_of_folder(folder)).await;
                Err(with_help(error, help))
            }
            Err(error) => Err(error),
        }
    }

    /// With what there is instead, where it is missing.
    async fn advised(
        &self,
        answer: Result<(), ProviderError>,
        name: &str,
        folder: Folder<'_>,
    ) -> Result<(), ProviderError> {
        match answer {
            Err(error) if error.kind == ErrorKind::Missing => {
                let help = Box::pin(self.instead_of_secret(name, folder)).await;
                Err(with_help(error, help))
            }
            answer => answer,
        }
    }
}

/// Whether a reference is left in a value that was to be expanded: the single route has the last word.
fn is_left(pick: &Pick, folder: Folder<'_>) -> bool {
    folder.expand && pick.looked_at == Some(true)
}

fn with_help(error: ProviderError, help: Option<String>) -> ProviderError {
    match help {
        Some(help) => ProviderError { help, ..error },
        None => error,
    }
}
