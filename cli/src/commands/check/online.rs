//! `check --online`: asks every provider whether each secret exists and may be read. No value is
//! shown, or kept longer than the check.

use super::ask::{Asked, ask};
use super::here::Here;
use crate::credentials::Collector;
use crate::error::{CliError, Status};
use crate::map::Map;
use crate::output::{Paint, errno_name, printable};
use secretfs_fs::error::OpenError;
use secretfs_fs::map::ProviderSpec;
use secretfs_memory::sealed::SealedPool;
use secretfs_providers::clock::SystemClock;
use secretfs_providers::http::Proxies;
use secretfs_providers::{Context, Credential, Host, ProviderError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Values never stay, so this is for one at a time.
const SEALED: usize = 1 << 20;

/// Asks, prints what came of it, and fails if anything cannot be read.
pub(super) fn run(map: &Map, passphrase_file: Option<&Path>) -> Result<(), CliError> {
    crate::credentials::protected(false, || asking(map, passphrase_file))
}

fn asking(map: &Map, passphrase_file: Option<&Path>) -> Result<(), CliError> {
    let without = "give it with --passphrase-file, or run this on a terminal";
    let mut from_environment = crate::proxies::Proxies::default();
    let proxies = from_environment.settings(map.providers(), false)?;
    let mut offers = Collector::new(passphrase_file, without).collect(map, false)?;
    offers.extend(from_environment.offers(&proxies));
    let proxies = Arc::new(Proxies::new(proxies));
    let providers: Vec<_> = (0..)
        .zip(map.providers())
        .map(|(index, spec)| secretfs_fs::daemon::registry::make(index, spec, &proxies))
        .collect();
    let pool = SealedPool::new(SEALED, false)
        .map_err(|error| CliError::new(Status::Other, error.to_string(), error.help()))?;
    let refused =
        |refused: ProviderError| CliError::new(Status::Credential, refused.message, refused.help);
    for offer in offers {
        if let Credential::Proxy(user) = &offer.credential {
            let taken = proxies.supply(&offer.origin, user, &pool);
            taken.map_err(refused)?;
            continue;
        }
        let at = map
            .providers()
            .iter()
            .position(|spec| spec.name == offer.provider);
        if let Some(provider) = at.and_then(|at| providers.get(at)) {
            provider.supply(offer, &pool).map_err(refused)?;
        }
    }
    let asking = ask(map.entries(), &providers, contexts(map, pool));
    let (asked, status) = runtime()?.block_on(asking);
    let paint = Paint(crate::output::stdout_colour());
    crate::output::print(render(&asked, map.providers(), paint))?;
    status.map_or(Ok(()), |status| Err(CliError::told(status)))
}

/// What a call is given, by how long it may take.
fn contexts(map: &Map, pool: Arc<SealedPool>) -> impl Fn(Duration) -> Context {
    let host: Arc<dyn Host> = Arc::new(Here {
        specs: map.providers().to_vec(),
    });
    move |timeout| Context {
        pool: Arc::clone(&pool),
        deadline: Instant::now() + timeout,
        host: Arc::clone(&host),
        clock: Arc::new(SystemClock),
    }
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

/// What was found, for people: a line for each provider, and one for each failure.
fn render(asked: &[Asked<'_>], providers: &[ProviderSpec], paint: Paint) -> String {
    let mut text = String::new();
    for (one, spec) in asked.iter().zip(providers) {
        let found = match (one.asked - one.failed, one.asked) {
            (_, 0) => "not used by any entry".to_owned(),
            (good, all) if good == all => paint.green(&format!("{all} of {all} can be read")),
            (good, all) => paint.red(&format!("{good} of {all} can be read")),
        };
        let name = printable(&spec.name);
        if let Some(why) = one.cannot_be_asked() {
            let prefix = format!("provider {}: ", spec.name);
            let why = printable(why.strip_prefix(&prefix).unwrap_or(why));
            let mark = paint.red("cannot be asked");
            text.push_str(&format!("{name}: {mark}: {why}\n"));
            continue;
        }
        text.push_str(&format!("{name}: {found}\n"));
        // What holds for several is said once.
        let mut told: Vec<&str> = Vec::new();
        for (path, failure) in &one.failures {
            let errno = OpenError::Provider(failure.clone()).errno().raw_os_error();
            let (path, message) = (printable(path), printable(&failure.message));
            text.push_str(&format!("  {path}: {}: {message}\n", errno_name(errno)));
            if !failure.help.is_empty() && !told.contains(&failure.help.as_str()) {
                let help = printable(&failure.help);
                text.push_str(&format!("    {} {help}\n", paint.cyan("help:")));
                told.push(&failure.help);
            }
        }
        if one.failed > one.failures.len() {
            let more = one.failed - one.failures.len();
            text.push_str(&format!("  … and {more} more\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use secretfs_providers::{ErrorKind, ProviderError};

    #[test]
    fn what_was_found_is_told_by_provider_and_help_once() {
        let spec = |name: &str| ProviderSpec {
            name: name.into(),
            settings: secretfs_fs::map::ProviderSettings::Local { file: "/v".into() },
        };
        let missing = ProviderError::new(
            ErrorKind::Missing,
            "the vault has no such secret",
            "`secretfs vault set` makes it",
        );
        let all_fail = |kind| Asked {
            asked: 1,
            failed: 1,
            failures: vec![(
                "a",
                ProviderError::new(kind, "provider later: no client", "h"),
            )],
        };
        let asked = [
            Asked {
                asked: 5,
                failed: 3,
                failures: vec![("b/c", missing.clone()), ("d", missing)],
            },
            Asked {
                asked: 1,
                ..Asked::default()
            },
            Asked::default(),
            all_fail(ErrorKind::NoCredential),
            all_fail(ErrorKind::Unsupported),
        ];
        let names = ["vault", "other", "spare", "closed", "later"];
        let specs = names.map(spec);
        assert_eq!(
            render(&asked, &specs, Paint(false)),
            "\
vault: 2 of 5 can be read
  b/c: ENOENT: the vault has no such secret
    help: `secretfs vault set` makes it
  d: ENOENT: the vault has no such secret
  … and 1 more
other: 1 of 1 can be read
spare: not used by any entry
closed: cannot be asked: its credential is missing
later: cannot be asked: no client
"
        );
    }
}
