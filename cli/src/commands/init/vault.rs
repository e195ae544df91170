//! From the local vault: an entry for each of its secrets, from the names alone.

use super::entry::{self, Entry, SCHEMA, counted};
use super::{draft, variables};
use crate::args::InitVaultArgs;
use crate::credentials::protected;
use crate::error::CliError;
use crate::output::warn;

/// Runs the command.
pub(super) fn run(args: &InitVaultArgs) -> Result<(), CliError> {
    super::may_write(&args.output)?;
    let place = &args.place;
    let names = protected(place.insecure_memory, || crate::vault::names(place))?;
    let head = variables::of_vault(place.file.as_deref())?;
    let head = format!("{SCHEMA}providers:\n{head}");
    let secrets: Vec<_> = names.iter().map(|name| placed(name)).collect();
    // Whether the map takes an entry is asked below, where that is told as well.
    let draft = draft::of(&secrets, "/", |_| true);
    for name in &draft.left_out {
        warn(
            &format!("{name:?} cannot be the name of a file, and is left out"),
            "add it by hand with a `file:` of another name",
        );
    }
    let entries = draft.entries.into_iter().map(Entry::without_folder);
    let path = super::place(&args.output);
    let (text, count) = entry::map(&head, entries.collect(), &path, "the vault")?;
    let told = format!("{}; edit it, then `secretfs mount`", counted(count));
    super::write(&args.output, &text, &told)
}

/// Folder and name, for the file to lie in a folder: in a vault, `app/TOKEN` is one name.
fn placed(name: &str) -> (String, String) {
    match name.rsplit_once('/') {
        Some((folder, name)) => (format!("/{folder}"), name.to_owned()),
        None => ("/".to_owned(), name.to_owned()),
    }
}
