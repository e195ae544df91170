//! From a 1Password vault, behind a Connect server or through `op`: an entry for each field that has a value and for each
//! attached file, below a folder of its item's title.

use super::entry::{self, Entry, SCHEMA, counted};
use super::variables;
use crate::args::InitOnePasswordArgs;
use crate::commands::check::status;
use crate::error::CliError;
use crate::map::Map;
use crate::online::{self, Online};
use crate::output::warn;
use crate::progress::Progress;
use secretfs_providers::{Survey, Surveyed};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long all of a vault may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// More than this of what is left out is counted, not told.
const MOST_TOLD: usize = 10;

/// Runs the command.
pub(super) fn run(args: &InitOnePasswordArgs) -> Result<(), CliError> {
    super::may_write(&args.output)?;
    let head = format!(
        "{SCHEMA}providers:\n{}",
        variables::of_onepassword(&args.connect)?
    );
    let path = super::place(&args.output);
    // Read as a map first: what is wrong with an address or a file is said in the words of the map.
    let probe = format!("{head}secrets:\n  - ref: op://vault/item/field\n    file: probe\n");
    let map = Map::of_text(&probe, &path)?;
    let survey = crate::credentials::protected(false, || survey(&map, &args.vault))?;
    tell(&survey);
    let entries = entries(&survey.references);
    let what = format!("the vault {:?}", args.vault);
    let (text, count) = entry::map(&head, entries, &path, &what)?;
    let told = format!("{}; edit it, then `secretfs mount`", counted(count));
    super::write(&args.output, &text, &told)
}

fn survey(map: &Map, vault: &str) -> Result<Survey, CliError> {
    let online = Online::of(map, None)?;
    let Some(provider) = online.providers.first() else {
        return Ok(Survey::default());
    };
    let progress = Progress::of("reading names", 0);
    let seen = |done, of| progress.set(done, of);
    let cx = online.contexts()(PATIENCE);
    let asking = provider.survey(vault, &seen, &cx);
    let found = online::runtime()?.block_on(progress.during(asking));
    found.map_err(|error| CliError::new(status(error.kind), error.message, error.help))
}

fn tell(survey: &Survey) {
    for what in survey.left_out.iter().take(MOST_TOLD) {
        warn(
            &format!("no reference says which one {what:?} is, and it is left out"),
            "give it a name of its own in 1Password",
        );
    }
    if survey.left_out.len() > MOST_TOLD {
        let more = survey.left_out.len() - MOST_TOLD;
        warn(&format!("{more} more are left out"), "");
    }
    if survey.is_cut {
        warn(
            "there is more in the vault than a first map has room for",
            "add the others by hand",
        );
    }
    if let Some(error) = &survey.stopped {
        warn(
            &format!("the map is not of all of the vault: {}", error.message),
            &error.help,
        );
    }
}

fn entries(found: &[Surveyed]) -> Vec<Entry> {
    let mut files = BTreeSet::new();
    let file = |one: &Surveyed, files: &mut BTreeSet<String>| {
        let plain = format!("{}/{}", plain(&one.place), plain(&one.name));
        let mut file = plain.clone();
        let mut number = 2;
        // `Key` and `key` are two files here, and one on other machines' disks.
        while !files.insert(file.to_lowercase()) {
            file = format!("{plain}-{number}");
            number += 1;
        }
        file
    };
    found
        .iter()
        .filter_map(|one| Entry::field(&one.reference, file(one, &mut files)))
        .collect()
}

/// A name as people like to type it: what shells give a meaning to becomes `-`.
fn plain(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars().take(80) {
        if c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '+') {
            text.push(c);
        } else if !text.ends_with('-') {
            text.push('-');
        }
    }
    let text = text.trim_matches(['-', '.']);
    if text.is_empty() {
        "unnamed".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secretfs_providers::Reference;
    use secretfs_providers::onepassword::Reference as Own;
    use std::path::Path;

    fn surveyed(item: &str, section: Option<&str>, field: &str) -> Surveyed {
        Surveyed {
            reference: Reference::OnePassword(Own {
                vault: "Prod".to_owned(),
                item: item.to_owned(),
                section: section.map(str::to_owned),
                field: field.to_owned(),
                attribute: None,
            }),
            place: item.to_owned(),
            name: field.to_owned(),
        }
    }

    const HEAD: &str = "providers:\n  o: {type: onepassword, connect_host: \"https://c\"}\n";

    #[test]
    fn a_field_is_a_file_below_its_item_and_names_are_made_easy_to_type() {
        let found = [
            surveyed("db", None, "password"),
            surveyed("50% / router (main)", Some("login"), "pass word"),
            surveyed("db", Some("s"), "password"),
        ];
        let yaml: String = entries(&found).iter().map(Entry::yaml).collect();
        let expected = "  - ref: op://Prod/db/password
    file: db/password
  - vault: Prod
    item: \"50% / router (main)\"
    section: login
    field: \"pass word\"
    file: 50-router-main/pass-word
  - ref: op://Prod/db/s/password
    file: db/password-2
";
        assert_eq!(
            yaml.replace("\"50-router-main/pass-word\"", "50-router-main/pass-word"),
            expected
        );
    }

    proptest! {
        #[test]
        fn whatever_the_names_are_the_draft_is_a_good_map_of_them(
            names in prop::collection::vec(("\\PC{1,10}|[ -~]{1,6}", prop::option::of("[ -~]{1,4}"), "\\PC{1,8}|[.-]{1,3}"), 1..8)
        ) {
            let blank = |text: &str| text.trim().is_empty();
            let found: Vec<_> = names
                .iter()
                .filter(|(item, section, field)| !blank(item) && !blank(field) && !section.as_deref().is_some_and(blank))
                .map(|(item, section, field)| surveyed(item, section.as_deref(), field))
                .collect();
            let path = Path::new("/home/u/secrets.yml");
            // Some names have characters that no map takes.
            let fits = |text: &str| Map::of_text(text, path).is_ok();
            let all = entries(&found);
            let alone: Vec<_> = all.iter().map(|it| fits(&format!("{HEAD}secrets:\n{}", it.yaml()))).collect();
            prop_assume!(alone.contains(&true));
            let (text, _) = entry::map(HEAD, all, path, "it")
                .map_err(|error| TestCaseError::fail(error.render(false)))?;
            let map = Map::of_text(&text, path).map_err(|error| TestCaseError::fail(error.render(false)))?;
            let named: Vec<_> = map.entries().iter().map(|it| it.source.clone()).collect();
            let wanted: Vec<_> = found
                .into_iter()
                .zip(alone)
                .filter(|(_, fits)| *fits)
                .map(|(it, _)| secretfs_fs::map::Source::Secret(it.reference))
                .collect();
            prop_assert_eq!(named, wanted);
        }
    }
}
