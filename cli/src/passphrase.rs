//! Where the passphrase of a local vault comes from, and what it opens. scrypt runs here, in the
//! command: the daemon is given the unwrapped identity (architecture.md).

use crate::error::{CliError, Status};
use crate::keyring::{Entry, Keyring};
use crate::output::{show, warn};
use crate::terminal::ask_secret;
use secrecy::SecretString;
use secretfs_providers::local::store::{Key, Vault};
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

/// The most bytes of a passphrase.
const MAX_PASSPHRASE: usize = 4096;

/// Opens the identity beside `vault` for `provider` and gives its text (`AGE-SECRET-KEY-1…`). The
/// passphrase is that of `file`, of `$CREDENTIALS_DIRECTORY/secretfs.PROVIDER.passphrase`, of the
/// keyring, or of the terminal where standard input is one. `None`: there is none of these.
///
/// The caller is inside [`crate::credentials::protected`].
///
/// # Errors
/// Status 4 for a passphrase that does not open it, 1 for anything else.
pub(crate) fn unlock_identity(
    provider: &str,
    vault: &Path,
    file: Option<&Path>,
    keyring: &mut Keyring,
) -> Result<Option<SecretString>, CliError> {
    let unlock = |passphrase: &SecretString| Vault::at(vault).unlock(passphrase);
    if let Some(passphrase) = find(provider, file, false, String::new)? {
        return Ok(Some(unlock(&passphrase)?.to_secret()));
    }
    if let Some(key) = unlock_with_stored(vault, keyring)? {
        return Ok(Some(key.to_secret()));
    }
    if !(std::io::stdin().is_terminal() && has_terminal()) {
        return Ok(None);
    }
    let passphrase = ask(&format!("Passphrase of the vault {}: ", show(vault)))?;
    Ok(Some(unlock(&passphrase)?.to_secret()))
}

/// Opens it with the passphrase that `secretfs login` stored. One that does not open it any more is
/// as good as none: somebody may be there to be asked.
pub(crate) fn unlock_with_stored(
    vault: &Path,
    keyring: &mut Keyring,
) -> Result<Option<Key>, CliError> {
    let Some(entry) = Entry::of_vault(vault) else {
        return Ok(None);
    };
    let Some(passphrase) = keyring.find(&entry) else {
        return Ok(None);
    };
    match Vault::at(vault).unlock(&passphrase) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.is_credential() => {
            warn(
                &format!("the stored passphrase does not open {}", show(vault)),
                "`secretfs login` with the provider's name stores another one",
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The passphrase, from the first place that has one.
pub(crate) fn find(
    provider_name: &str,
    passphrase_file: Option<&Path>,
    allow_prompt: bool,
    prompt: impl FnOnce() -> String,
) -> Result<Option<SecretString>, CliError> {
    if let Some(file) = passphrase_file {
        return read_file(file).map(Some);
    }
    if let Some(file) = in_credentials_directory(provider_name, "passphrase") {
        return read_file(&file).map(Some);
    }
    if allow_prompt && has_terminal() {
        return ask(&prompt()).map(Some);
    }
    Ok(None)
}

/// systemd's way to hand credentials to a service: the file with this part of a provider's.
pub(crate) fn in_credentials_directory(provider_name: &str, part: &str) -> Option<PathBuf> {
    // The provider's name comes from the map, and a path would lead out of the folder.
    if provider_name.is_empty() || provider_name.contains('/') {
        return None;
    }
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let file = Path::new(&folder).join(format!("secretfs.{provider_name}.{part}"));
    file.exists().then_some(file)
}

/// Whether there is somebody to ask: standard input may be a pipe with the value.
pub(crate) fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok_and(|tty| tty.is_terminal())
}

/// Reads a line from the terminal without echo.
pub(crate) fn ask(prompt: &str) -> Result<SecretString, CliError> {
    let fail = |why: &str| {
        let message = format!("cannot take what was typed: {why}");
        CliError::new(Status::Other, message, "run the command again")
    };
    let typed = ask_secret(prompt, MAX_PASSPHRASE).map_err(|error| fail(&error.to_string()))?;
    text(typed).ok_or_else(|| fail("it is not text"))
}

/// As text; `None`: it is none.
fn text(mut bytes: Zeroizing<Vec<u8>>) -> Option<SecretString> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Some(SecretString::from(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}

/// Reads a passphrase, or another credential, from a file; one final newline is dropped.
pub(crate) fn read_file(file: &Path) -> Result<SecretString, CliError> {
    let shown = show(file);
    let fail = |why: &str| {
        CliError::new(
            Status::Credential,
            format!("cannot take the credential from {shown}: {why}"),
            "give a file that holds it and nothing else",
        )
    };
    // One byte more than the most, a newline, and no growing: a copy would be left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE + 2));
    File::open(file)
        .and_then(|open| open.take(MAX_PASSPHRASE as u64 + 2).read_to_end(&mut bytes))
        .map_err(|e| fail(&e.to_string()))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.len() > MAX_PASSPHRASE {
        return Err(fail("it is too long"));
    }
    if bytes.is_empty() {
        return Err(fail("it is empty"));
    }
    text(bytes).ok_or_else(|| fail("it is not text"))
}
