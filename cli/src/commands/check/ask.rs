//! What is asked of which provider: the secrets of one place together, as an open would fetch them.

use crate::error::Status;
use crate::progress::Progress;
use secretfs_fs::error::OpenError;
use secretfs_fs::map::{EntryPlan, Source};
use secretfs_providers::{
    Context, ErrorKind, FolderReference, Place, Provider, ProviderError, Reference,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// More failures are counted, not told: what is kept grows with the map otherwise, and lies in the
/// locked heap.
const MOST_TOLD: usize = 100;
/// How long the secrets of one place may take, at least: they may be many, and what is missing costs
/// further requests.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of asking one provider.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    /// How many things were asked.
    pub(super) asked: usize,
    /// How many of them failed.
    pub(super) failed: usize,
    /// The first failures, with their files, in the order of the map.
    pub(super) failures: Vec<(&'a str, ProviderError)>,
}

impl Asked<'_> {
    /// Why there is nothing to tell of single files.
    pub(super) fn cannot_be_asked(&self) -> Option<&str> {
        let (_, first) = self.failures.first()?;
        let same = |(_, other): &(&str, ProviderError)| other == first;
        match first.kind {
            _ if self.failed < self.asked || !self.failures.iter().all(same) => None,
            // What is missing, and where to give it, was said when it was looked for.
            ErrorKind::NoCredential => Some("its credential is missing"),
            ErrorKind::Unsupported => Some(&first.message),
            _ => None,
        }
    }
}

/// Some entries that ask for something.
#[derive(Debug)]
struct Secrets<'a> {
    /// Their numbers in the map, and their files.
    of: Vec<(usize, &'a str)>,
    references: Vec<Reference>,
    timeout: Duration,
}

/// A folder that an entry shows.
#[derive(Debug)]
struct Folder<'a> {
    of: (usize, &'a str),
    folder: &'a FolderReference,
    /// Whether its values are shown too.
    values: bool,
    timeout: Duration,
}

/// What one provider is asked.
#[derive(Debug, Default)]
struct Questions<'a> {
    secrets: BTreeMap<Place, Secrets<'a>>,
    folders: Vec<Folder<'a>>,
}

impl<'a> Questions<'a> {
    fn secret(&mut self, of: (usize, &'a str), reference: &Reference, timeout: Duration) {
        let place = self.secrets.entry(reference.place());
        let secrets = place.or_insert_with(|| Secrets {
            of: Vec::new(),
            references: Vec::new(),
            timeout: PATIENCE,
        });
        secrets.of.push(of);
        secrets.references.push(reference.clone());
        secrets.timeout = secrets.timeout.max(timeout);
    }
}

/// Asks for every entry, the fallbacks included. How each provider answered, and the exit status.
pub(super) async fn ask<'a>(
    entries: &'a [EntryPlan],
    providers: &[Arc<dyn Provider>],
    cx: impl Fn(Duration) -> Context,
    progress: &Progress,
) -> (Vec<Asked<'a>>, Option<Status>) {
    let mut all = Vec::with_capacity(providers.len());
    let mut worst = None;
    for (provider, questions) in providers.iter().zip(questions(entries, providers.len())) {
        let mut asked = Asked::default();
        let mut failures: Vec<(usize, &str, ProviderError)> = Vec::new();
        let mut note = |(at, path): (usize, &'a str), answer: Result<(), ProviderError>| {
            asked.asked += 1;
            let Err(failure) = answer else {
                return;
            };
            worst = worse(worst, status(failure.kind));
            asked.failed += 1;
            let place = failures.partition_point(|(other, ..)| *other < at);
            failures.insert(place, (at, path, failure));
            failures.truncate(MOST_TOLD);
        };
        for secrets in questions.secrets.into_values() {
            let answers = of_place(provider.as_ref(), &secrets, &cx(secrets.timeout)).await;
            progress.add(secrets.of.len());
            secrets
                .of
                .into_iter()
                .zip(answers)
                .for_each(|(of, answer)| note(of, answer));
        }
        for folder in questions.folders {
            let context = cx(folder.timeout);
            let asking = provider.check_folder(folder.folder, folder.values, &context);
            let answer = tokio::time::timeout(folder.timeout, asking).await;
            progress.add(1);
            note(
                folder.of,
                answer.unwrap_or_else(|_| Err(no_answer(folder.timeout))),
            );
        }
        asked.failures = failures.into_iter().map(|(_, path, e)| (path, e)).collect();
        all.push(asked);
    }
    (all, worst)
}

/// How many answers there will be.
pub(super) fn count(entries: &[EntryPlan]) -> usize {
    let fallbacks = entries.iter().filter(|entry| entry.fallback.is_some());
    entries.len() + fallbacks.count()
}

fn questions(entries: &[EntryPlan], providers: usize) -> Vec<Questions<'_>> {
    let mut all: Vec<_> = (0..providers).map(|_| Questions::default()).collect();
    for (at, entry) in entries.iter().enumerate() {
        let of = (at, entry.path.as_str());
        let timeout = Duration::from_millis(entry.open_timeout_ms);
        if let Some(questions) = all.get_mut(usize::from(entry.provider)) {
            let mut folder = |folder, values| {
                questions.folders.push(Folder {
                    of,
                    folder,
                    values,
                    timeout: timeout.max(PATIENCE),
                });
            };
            match &entry.source {
                Source::Secret(reference) => questions.secret(of, reference, timeout),
                Source::Rendered { folder: shown, .. } => folder(shown, true),
                Source::Listed { folder: shown } => folder(shown, false),
            }
        }
        if let Some(fallback) = &entry.fallback
            && let Some(questions) = all.get_mut(usize::from(fallback.provider))
        {
            questions.secret(of, &fallback.reference, timeout);
        }
    }
    all
}

async fn of_place(
    provider: &dyn Provider,
    secrets: &Secrets<'_>,
    cx: &Context,
) -> Vec<Result<(), ProviderError>> {
    let asking = provider.check_many(&secrets.references, cx);
    match tokio::time::timeout(secrets.timeout, asking).await {
        Ok(answers) => answers,
        Err(_) => {
            let error = no_answer(secrets.timeout);
            secrets.of.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

fn no_answer(timeout: Duration) -> ProviderError {
    ProviderError::new(
        ErrorKind::TimedOut,
        format!("no answer within {} s", timeout.as_secs()),
        "raise `open_timeout`, or try again",
    )
}

/// The exit status of one failure.
pub(crate) fn status(kind: ErrorKind) -> Status {
    match kind {
        ErrorKind::Refused | ErrorKind::Expired | ErrorKind::NoCredential => Status::Credential,
        ErrorKind::Unreachable
        | ErrorKind::TimedOut
        | ErrorKind::Limited { .. }
        | ErrorKind::Server => Status::Unreachable,
        ErrorKind::Missing
        | ErrorKind::Denied
        | ErrorKind::TooLarge
        | ErrorKind::NoMemory
        | ErrorKind::Ambiguous
        | ErrorKind::Protocol
        | ErrorKind::Unsupported => Status::Other,
    }
}

/// The exit status of one failed open.
pub(crate) fn status_of(error: &OpenError) -> Status {
    match error {
        OpenError::Provider(error) => status(error.kind),
        OpenError::TimedOut { .. } => Status::Unreachable,
        _ => Status::Other,
    }
}

/// Credentials before reachability before anything else (product.md, "The commands").
pub(crate) fn worse(known: Option<Status>, other: Status) -> Option<Status> {
    let rank = |status| match status {
        Status::Credential => 0,
        Status::Unreachable => 1,
        _ => 2,
    };
    match known {
        Some(known) if rank(known) <= rank(other) => Some(known),
        _ => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(kinds: &[ErrorKind]) -> Option<Status> {
        kinds
            .iter()
            .fold(None, |worst, kind| worse(worst, status(*kind)))
    }

    #[test]
    fn credentials_come_before_reachability_before_anything_else() {
        use ErrorKind::{Expired, Limited, Missing, NoCredential, Refused, Server, Unreachable};
        assert_eq!(status_of(&[]), None);
        assert_eq!(status_of(&[Missing]), Some(Status::Other));
        assert_eq!(
            status_of(&[Missing, Unreachable]),
            Some(Status::Unreachable)
        );
        assert_eq!(status_of(&[Server, Missing]), Some(Status::Unreachable));
        assert_eq!(
            status_of(&[Limited { retry_after: None }, Refused, Missing]),
            Some(Status::Credential)
        );
        assert_eq!(status_of(&[Unreachable, Expired]), Some(Status::Credential));
        assert_eq!(status_of(&[NoCredential]), Some(Status::Credential));
    }
}
