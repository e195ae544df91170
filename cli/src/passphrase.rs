//! The passphrase of a local vault, and what it opens.

use crate::error::CliError;
use secrecy::SecretString;
use std::path::Path;

/// Opens the identity beside `vault` for `provider`: with the passphrase of `file`, of
/// `$CREDENTIALS_DIRECTORY`, or of the terminal. `None`: there is none of these.
///
/// The caller has called [`crate::credentials::protect_memory`].
pub(crate) fn unlock_identity(
    provider: &str,
    vault: &Path,
    file: Option<&Path>,
) -> Result<Option<SecretString>, CliError> {
    // The room of the local vault fills this.
    let _ = (provider, vault, file);
    Ok(None)
}
