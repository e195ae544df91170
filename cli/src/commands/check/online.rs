//! `check --online`: asks every provider whether each secret exists and may be read. No value is
//! shown, or kept longer than the check.

use super::ask::{Asked, ask, count};
use crate::error::CliError;
use crate::map::Map;
use crate::online::{self, Online};
use crate::output::{Paint, errno_name, printable};
use crate::progress::Progress;
use secretfs_fs::error::OpenError;
use secretfs_fs::map::ProviderSpec;
use std::path::Path;

/// Asks, prints what came of it, and fails if anything cannot be read.
pub(super) fn run(map: &Map, passphrase_file: Option<&Path>) -> Result<(), CliError> {
    crate::credentials::protected(false, || {
        let online = Online::of(map, passphrase_file)?;
        let (entries, providers) = (map.entries(), &online.providers);
        let progress = Progress::of("checking", count(entries));
        let asking = ask(entries, providers, online.contexts(), &progress);
        let (asked, status) = online::runtime()?.block_on(progress.during(asking));
        let paint = Paint(crate::output::stdout_colour());
        crate::output::print(render(&asked, map.providers(), paint))?;
        status.map_or(Ok(()), |status| Err(CliError::told(status)))
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
