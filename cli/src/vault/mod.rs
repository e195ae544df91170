//! `secretfs vault`: makes and changes the local vault. Values come from standard input, a file or
//! the terminal, never from an argument.

mod args;
mod run;

pub(crate) use args::{PlaceArgs, VaultCommand};
pub(crate) use run::{names, read_dotenv, run};

use crate::error::{CliError, Status};
use secretfs_providers::local::VaultError;

impl From<VaultError> for CliError {
    fn from(error: VaultError) -> Self {
        let status = if error.is_credential() {
            Status::Credential
        } else if matches!(error, VaultError::BadName { .. }) {
            Status::Usage
        } else {
            Status::Other
        };
        Self::new(status, error.to_string(), error.help())
    }
}
