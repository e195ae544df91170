//! `check --online`: asks every provider whether each secret exists and may be read. No value is
//! shown, or kept longer than the check.

use super::here::Here;
use crate::credentials::Collector;
use crate::error::{CliError, Status};
use crate::map::Map;
use secretfs_fs::error::OpenError;
use secretfs_fs::map::{EntryPlan, ProviderSpec, Source};
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::clock::SystemClock;
use secretfs_providers::{Context, ErrorKind, Host, Provider, ProviderError, Reference};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One thing to ask, and what came of it.
#[derive(Debug)]
pub(super) struct Checked {
    /// The file.
    pub(super) path: String,
    /// The provider's position in the map.
    pub(super) provider: u16,
    /// Why it cannot be read.
    pub(super) failure: Option<ProviderError>,
}

/// What an entry asks of one provider.
#[derive(Debug)]
enum Question {
    /// Is there such a secret?
    Secret(Reference),
    /// Is there such a folder?
    Folder(secretfs_providers::FolderReference),
}

/// Values never stay, so this is for one at a time.
const SEALED: usize = 1 << 20;

/// Asks, prints what came of it, and fails if anything cannot be read.
pub(super) fn run(map: &Map, passphrase_file: Option<&Path>) -> Result<(), CliError> {
    crate::credentials::protect_memory(false)?;
    let offers = Collector::new(passphrase_file).collect(map, false)?;
    let providers: Vec<_> = (0..)
        .zip(map.providers())
        .map(|(index, spec)| secretfs_fs::daemon::registry::make(index, spec))
        .collect();
    for offer in offers {
        let at = map
            .providers()
            .iter()
            .position(|spec| spec.name == offer.provider);
        if let Some(provider) = at.and_then(|at| providers.get(at)) {
            provider.supply(offer).map_err(|refused| {
                CliError::new(Status::Credential, refused.message, refused.help)
            })?;
        }
    }
    let checked = runtime()?.block_on(ask(map.entries(), &providers, contexts(map)?));
    let paint = crate::output::Paint(crate::output::stdout_colour());
    crate::output::print(render(&checked, map.providers(), paint))?;
    status(checked.iter().filter_map(|one| one.failure.as_ref()))
        .map_or(Ok(()), |status| Err(CliError::told(status)))
}

/// What a call is given, by how long it may take.
fn contexts(map: &Map) -> Result<impl Fn(Duration) -> Context, CliError> {
    let pool = SealedPool::new(SEALED, false)
        .map_err(|error| CliError::new(Status::Other, error.to_string(), error.help()))?;
    let host: Arc<dyn Host> = Arc::new(Here {
        specs: map.providers().to_vec(),
    });
    Ok(move |timeout| Context {
        pool: Arc::clone(&pool),
        deadline: Instant::now() + timeout,
        host: Arc::clone(&host),
        clock: Arc::new(SystemClock),
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            let message = format!("cannot start a runtime: {error}");
            CliError::new(Status::Other, message, "")
        })
}

/// Asks for every entry, the fallbacks included.
pub(super) async fn ask(
    entries: &[EntryPlan],
    providers: &[Arc<dyn Provider>],
    cx: impl Fn(Duration) -> Context,
) -> Vec<Checked> {
    let mut checked = Vec::new();
    for entry in entries {
        let timeout = Duration::from_millis(entry.open_timeout_ms);
        for (provider, question) in questions(entry) {
            let failure = match providers.get(usize::from(provider)) {
                Some(asked) => answer(asked.as_ref(), &question, &cx(timeout), timeout)
                    .await
                    .err(),
                None => None,
            };
            checked.push(Checked {
                path: entry.path.clone(),
                provider,
                failure,
            });
        }
    }
    checked
}

fn questions(entry: &EntryPlan) -> Vec<(u16, Question)> {
    let first = match &entry.source {
        Source::Secret(reference) => Question::Secret(reference.clone()),
        Source::Rendered { folder, .. } | Source::Listed { folder } => {
            Question::Folder(folder.clone())
        }
    };
    let fallback = entry.fallback.as_ref().map(|fallback| {
        (
            fallback.provider,
            Question::Secret(fallback.reference.clone()),
        )
    });
    [(entry.provider, first)]
        .into_iter()
        .chain(fallback)
        .collect()
}

async fn answer(
    provider: &dyn Provider,
    question: &Question,
    cx: &Context,
    timeout: Duration,
) -> Result<(), ProviderError> {
    let asked = async {
        match question {
            Question::Secret(reference) => provider.check(reference, cx).await,
            Question::Folder(folder) => provider.list(folder, cx).await.map(drop),
        }
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(ProviderError::new(
            ErrorKind::TimedOut,
            format!("no answer within {} s", timeout.as_secs()),
            "raise `open_timeout`, or try again",
        )),
    }
}

/// The exit status: credentials before reachability before anything else (product.md).
pub(super) fn status<'a>(failures: impl Iterator<Item = &'a ProviderError>) -> Option<Status> {
    failures
        .map(|failure| match failure.kind {
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
        })
        .min_by_key(|status| match status {
            Status::Credential => 0,
            Status::Unreachable => 1,
            _ => 2,
        })
}

/// What was found, for people: a line for each provider, and one for each failure.
pub(super) fn render(
    checked: &[Checked],
    providers: &[ProviderSpec],
    paint: crate::output::Paint,
) -> String {
    use crate::output::printable;
    let mut text = String::new();
    for (index, spec) in providers.iter().enumerate() {
        let asked: Vec<_> = checked
            .iter()
            .filter(|one| usize::from(one.provider) == index)
            .collect();
        let good = asked.iter().filter(|one| one.failure.is_none()).count();
        let found = match (good, asked.len()) {
            (_, 0) => "not used by any entry".to_owned(),
            (good, all) if good == all => paint.green(&format!("{all} of {all} can be read")),
            (good, all) => paint.red(&format!("{good} of {all} can be read")),
        };
        text.push_str(&format!("{}: {found}\n", printable(&spec.name)));
        let failed = asked
            .iter()
            .filter_map(|one| Some((one, one.failure.as_ref()?)));
        // What holds for the whole provider is said once.
        let mut told: Vec<&str> = Vec::new();
        for (one, failure) in failed {
            let errno = crate::output::errno_name(
                OpenError::Provider(failure.clone()).errno().raw_os_error(),
            );
            text.push_str(&format!(
                "  {}: {errno}: {}\n",
                printable(&one.path),
                printable(&failure.message)
            ));
            if !failure.help.is_empty() && !told.contains(&failure.help.as_str()) {
                text.push_str(&format!(
                    "    {} {}\n",
                    paint.cyan("help:"),
                    printable(&failure.help)
                ));
                told.push(&failure.help);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ErrorKind) -> ProviderError {
        ProviderError::new(kind, "m", "")
    }

    fn status_of(kinds: &[ErrorKind]) -> Option<Status> {
        let failures: Vec<_> = kinds.iter().map(|kind| of(*kind)).collect();
        status(failures.iter())
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

    #[test]
    fn what_was_found_is_told_by_provider_and_help_once() {
        let spec = |name: &str| ProviderSpec {
            name: name.into(),
            settings: secretfs_fs::map::ProviderSettings::Local { file: "/v".into() },
        };
        let one = |path: &str, provider, failure| Checked {
            path: path.into(),
            provider,
            failure,
        };
        let missing = || {
            Some(ProviderError::new(
                ErrorKind::Missing,
                "the vault has no such secret",
                "`secretfs vault set` makes it",
            ))
        };
        let checked = [
            one("a", 0, None),
            one("b/c", 0, missing()),
            one("d", 0, missing()),
            one("e", 1, None),
        ];
        let specs = [spec("vault"), spec("other"), spec("spare")];
        assert_eq!(
            render(&checked, &specs, crate::output::Paint(false)),
            "\
vault: 1 of 3 can be read
  b/c: ENOENT: the vault has no such secret
    help: `secretfs vault set` makes it
  d: ENOENT: the vault has no such secret
other: 1 of 1 can be read
spare: not used by any entry
"
        );
    }
}
