//! What each of the `vault` commands does.

use super::VaultCommand;
use super::args::PlaceArgs;
use crate::credentials::protected;
use crate::error::{CliError, Status};
use crate::forget::Affected;
use crate::keyring::{Asking, Entry, Keyring};
use crate::output::{print, printable, say, show, warn};
use crate::passphrase;
use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::heap;
use secretfs_providers::local::plain::PlainValue;
use secretfs_providers::local::rekey::Rekey;
use secretfs_providers::local::store::{Change, Key, Vault, check_name};
use secretfs_providers::local::{VaultError, dotenv};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The name that stands for the provider where there is no map.
const PROVIDER: &str = "vault";
/// The most bytes of a `.env` file.
const MAX_DOTENV: usize = 1 << 20;

/// Runs the command.
pub(crate) fn run(command: VaultCommand) -> Result<(), CliError> {
    match command {
        VaultCommand::Init(place) => protected(place.insecure_memory, || init(&place)),
        VaultCommand::Set { name, from, place } => {
            changing(&place, || set(name, from.as_deref(), &place))
        }
        VaultCommand::List(place) => protected(place.insecure_memory, || list(&place)),
        VaultCommand::Rm { names, place } => changing(&place, || rm(names, &place)),
        VaultCommand::Import { from, place } => changing(&place, || import(&from, &place)),
        VaultCommand::Rekey {
            new_passphrase_file,
            keep_passphrase,
            keep_identity,
            place,
        } => {
            let new = match (&new_passphrase_file, keep_passphrase) {
                (_, true) => NewPassphrase::Same,
                (Some(file), false) => NewPassphrase::File(file),
                (None, false) => NewPassphrase::Ask,
            };
            let what = if keep_identity {
                Rekey::Passphrase
            } else {
                Rekey::Identity
            };
            protected(place.insecure_memory, || rekey(new, what, &place))
        }
    }
}

/// Where the vault is, unless `--file` says so: as in a map, `$XDG_DATA_HOME` or not, so that
/// `vault init` and a `type: local` without `file:` mean the same one.
fn default_file() -> Result<PathBuf, CliError> {
    std::env::home_dir()
        .filter(|home| home.is_absolute())
        .map(|home| home.join(".local/share/secretfs/vault.age"))
        .ok_or_else(|| {
            CliError::new(
                Status::Usage,
                "there is no home folder, so there is no default place for the vault",
                "say where it is with --file",
            )
        })
}

/// Where the vault is.
fn file(place: &PlaceArgs) -> Result<PathBuf, CliError> {
    place.file.clone().map_or_else(default_file, Ok)
}

fn vault(place: &PlaceArgs) -> Result<Vault, CliError> {
    Ok(Vault::at(&file(place)?))
}

/// Makes a change; running mounts then show it at the next open.
fn changing(
    place: &PlaceArgs,
    change: impl FnOnce() -> Result<(), CliError> + Send,
) -> Result<(), CliError> {
    let affected = Affected::of(&file(place)?);
    protected(place.insecure_memory, change)?;
    affected.forget();
    Ok(())
}

/// A vault that has to be there, before anybody is asked for a passphrase.
fn existing(place: &PlaceArgs) -> Result<Vault, CliError> {
    let vault = vault(place)?;
    if !vault.exists() {
        return Err(VaultError::Missing(vault.file().to_owned()).into());
    }
    Ok(vault)
}

fn no_passphrase(what: &str, option: &str) -> CliError {
    CliError::new(
        Status::Credential,
        format!("there is no terminal to ask for the {what}"),
        format!("give it with {option}"),
    )
}

fn passphrase(place: &PlaceArgs, vault: &Vault) -> Result<SecretString, CliError> {
    let prompt = || format!("Passphrase of {}: ", show(vault.file()));
    passphrase::find(PROVIDER, place.passphrase_file.as_deref(), true, prompt)?
        .ok_or_else(|| no_passphrase("passphrase", "--passphrase-file FILE"))
}

/// With what was given, else with what `secretfs login` stored, else with what the terminal says.
fn unlock(place: &PlaceArgs, vault: &Vault) -> Result<Key, CliError> {
    let file = place.passphrase_file.as_deref();
    if let Some(given) = passphrase::find(PROVIDER, file, false, String::new)? {
        return Ok(vault.unlock(&given)?);
    }
    let mut keyring = Keyring::new(Asking::of_process());
    if let Some(key) = passphrase::unlock_with_stored(vault.file(), &mut keyring)? {
        return Ok(key);
    }
    Ok(vault.unlock(&passphrase(place, vault)?)?)
}

/// Asks twice: a slip of the finger would lock everything away.
fn ask_new(prompt: &str) -> Result<SecretString, CliError> {
    let first = passphrase::ask(prompt)?;
    if first.expose_secret().is_empty() {
        return Err(VaultError::BadPassphrase("empty").into());
    }
    let second = passphrase::ask("Once more: ")?;
    if first.expose_secret() != second.expose_secret() {
        return Err(CliError::new(
            Status::Credential,
            "the two passphrases differ",
            "try again",
        ));
    }
    Ok(first)
}

fn init(place: &PlaceArgs) -> Result<(), CliError> {
    let vault = vault(place)?;
    vault.refuse_existing()?;
    let given = passphrase::find(
        PROVIDER,
        place.passphrase_file.as_deref(),
        false,
        String::new,
    )?;
    let passphrase = match given {
        Some(passphrase) => passphrase,
        None if passphrase::has_terminal() => {
            ask_new(&format!("New passphrase of {}: ", show(vault.file())))?
        }
        None => return Err(no_passphrase("passphrase", "--passphrase-file FILE")),
    };
    vault.init(&passphrase)?;
    say(&format!(
        "made {} and its identity {}",
        show(vault.file()),
        show(vault.identity())
    ))
}

fn set(name: String, from: Option<&Path>, place: &PlaceArgs) -> Result<(), CliError> {
    check_name(&name)?;
    let vault = existing(place)?;
    let stdin = std::io::stdin();
    let value = match from {
        Some(file) => {
            let open = File::open(file).map_err(|e| cannot_read(file, &e))?;
            Some(PlainValue::read(open, file)?)
        }
        None if stdin.is_terminal() => None,
        None => Some(PlainValue::read(stdin.lock(), Path::new("standard input"))?),
    };
    let key = unlock(place, &vault)?;
    let value = match value {
        Some(value) => value,
        None => {
            let text = passphrase::ask(&format!("Value of {name}: "))?;
            PlainValue::try_from(text.expose_secret().as_bytes())?
        }
    };
    vault.edit(&key, BTreeMap::from([(name, Change::Set(value))]))?;
    Ok(())
}

/// The names of a vault's secrets, sorted.
///
/// The caller is inside [`protected`].
///
/// # Errors
/// Status 4 where it does not open, 1 for anything else.
pub(crate) fn names(place: &PlaceArgs) -> Result<Vec<String>, CliError> {
    let vault = existing(place)?;
    let key = unlock(place, &vault)?;
    Ok(vault.names(&key)?)
}

fn list(place: &PlaceArgs) -> Result<(), CliError> {
    let mut text = String::new();
    for name in names(place)? {
        // A name that was not made here may hold what moves the cursor.
        text.push_str(&printable(&name));
        text.push('\n');
    }
    print(text)
}

fn rm(names: Vec<String>, place: &PlaceArgs) -> Result<(), CliError> {
    let vault = existing(place)?;
    let key = unlock(place, &vault)?;
    let changes = names.into_iter().map(|name| (name, Change::Remove));
    vault.edit(&key, changes.collect())?;
    Ok(())
}

fn import(from: &Path, place: &PlaceArgs) -> Result<(), CliError> {
    let vault = existing(place)?;
    let text = read_dotenv(from)?;
    let values = dotenv::parse(&text).map_err(|e| {
        CliError::new(
            Status::Other,
            format!("cannot read {}, {e}", show(from)),
            "nothing was imported; mend the line and try again",
        )
    })?;
    drop(text);
    let count = values.len();
    let key = unlock(place, &vault)?;
    let changes = values
        .into_iter()
        .map(|(name, value)| (name, Change::Set(value)));
    let edited = vault.edit(&key, changes.collect())?;
    let plural = if count == 1 { "" } else { "s" };
    print(format!(
        "imported {count} secret{plural}: {} new, {} replaced\n",
        edited.added, edited.replaced
    ))
}

/// A `.env` file, or another that may hold secrets beside names; `-` is standard input.
///
/// The caller is inside [`protected`].
pub(crate) fn read_dotenv(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if path == Path::new("-") {
        return read_bounded(std::io::stdin().lock(), path);
    }
    read_bounded(File::open(path).map_err(|e| cannot_read(path, &e))?, path)
}

fn read_bounded(from: impl Read, path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if !heap::has_room(2 * MAX_DOTENV) {
        return Err(VaultError::NoMemory.into());
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_DOTENV + 1));
    from.take(MAX_DOTENV as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|e| cannot_read(path, &e))?;
    if text.len() > MAX_DOTENV {
        return Err(CliError::new(
            Status::Other,
            format!("{} is larger than {MAX_DOTENV} bytes", show(path)),
            "set large values one by one with `secretfs vault set NAME --from FILE`",
        ));
    }
    Ok(text)
}

#[derive(Clone, Copy)]
enum NewPassphrase<'a> {
    Same,
    File(&'a Path),
    Ask,
}

fn rekey(new: NewPassphrase<'_>, what: Rekey, place: &PlaceArgs) -> Result<(), CliError> {
    let vault = existing(place)?;
    // Before anybody types anything.
    if matches!(new, NewPassphrase::Ask) && !passphrase::has_terminal() {
        return Err(no_passphrase(
            "new passphrase",
            "--new-passphrase-file FILE, or keep the old one with --keep-passphrase",
        ));
    }
    let old = passphrase(place, &vault)?;
    let is_same = matches!(new, NewPassphrase::Same);
    let new = match new {
        NewPassphrase::Same => old.clone(),
        NewPassphrase::File(file) => passphrase::read_file(file)?,
        NewPassphrase::Ask => ask_new("New passphrase: ")?,
    };
    vault.rekey(&old, &new, what)?;
    let done = match what {
        Rekey::Passphrase => "has a new passphrase",
        Rekey::Identity => "has a new identity; running mounts need `secretfs unlock`",
    };
    let stored = match is_same {
        true => "",
        false => store_again(vault.file(), &new),
    };
    say(&format!("{} {done}{stored}", show(vault.file())))
}

/// Where `login` has stored the passphrase, the new one takes its place: the next mount would be told
/// that the stored one does not open the vault. What was done, for people.
fn store_again(vault: &Path, new: &SecretString) -> &'static str {
    let mut keyring = Keyring::new(Asking::of_process());
    let Some(entry) = Entry::of_vault(vault) else {
        return "";
    };
    if keyring.holds(&entry).is_none() {
        return "";
    }
    match keyring.put(&entry, new) {
        Ok(_) => ", which is stored in place of the old one",
        Err(trouble) => {
            warn(
                &format!("the old passphrase stays stored: {trouble}"),
                "`secretfs login` with the provider's name stores the new one",
            );
            ""
        }
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(
        Status::Other,
        format!("cannot read {}: {error}", show(path)),
        "check its name, and whether you may read it",
    )
}
