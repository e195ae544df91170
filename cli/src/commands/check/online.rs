//! `check --online`: asks every provider whether each secret exists and may be read. No value is
//! shown, or kept longer than the check.

use super::ask::{Asked, ask, count};
use crate::error::CliError;
use crate::map::Map;
use crate::online::{self, Online};
use crate::output::{errno_name, help_lines};
use crate::progress::Progress;
use crate::screen::wrap::sentence;
use crate::screen::{Line, Look, Style};
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
        crate::output::print(render(&asked, map.providers(), Look::of_stdout()))?;
        status.map_or(Ok(()), |status| Err(CliError::told(status)))
    })
}

/// What was found, for people: a line for each provider, and one for each failure.
fn render(asked: &[Asked<'_>], providers: &[ProviderSpec], look: Look) -> String {
    let mut lines = Vec::new();
    for (one, spec) in asked.iter().zip(providers) {
        let name = Line::plain(&spec.name).with(Style::Plain, ": ");
        if let Some(why) = one.cannot_be_asked() {
            let lead = name
                .with(Style::Bad, "cannot be asked")
                .with(Style::Plain, ": ");
            lines.extend(sentence(lead, without_name(why, spec), look.width));
            continue;
        }
        lines.push(match (one.asked - one.failed, one.asked) {
            (_, 0) => name.with(Style::Plain, "not used by any entry"),
            (good, all) if good == all => {
                name.with(Style::Good, &format!("{all} of {all} can be read"))
            }
            (good, all) => name.with(Style::Bad, &format!("{good} of {all} can be read")),
        });
        // What holds for several is said once.
        let mut told: Vec<&str> = Vec::new();
        for (path, failure) in &one.failures {
            let errno = OpenError::Provider(failure.clone()).errno().raw_os_error();
            let message = without_name(&failure.message, spec);
            let text = format!("{path}: {}: {message}", errno_name(errno));
            lines.extend(sentence(Line::plain("  "), &text, look.width));
            if !told.contains(&failure.help.as_str()) {
                lines.extend(help_lines(4, &failure.help, look.width));
                told.push(&failure.help);
            }
        }
        if one.failed > one.failures.len() {
            let more = one.failed - one.failures.len();
            lines.push(Line::plain(&format!("  … and {more} more")));
        }
    }
    crate::output::text(&lines, look.paint)
}

/// The provider is named above it.
fn without_name<'a>(message: &'a str, spec: &ProviderSpec) -> &'a str {
    let prefix = format!("provider {}: ", spec.name);
    message.strip_prefix(&prefix).unwrap_or(message)
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
            render(&asked, &specs, Look::PLAIN),
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
