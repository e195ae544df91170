//! The commands, one a file.

mod completions;
mod status;

use crate::args::{Cli, Command};
use crate::error::{CliError, Status};

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Env(args) => crate::env::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Completions(args) => completions::run(&args),
        _ => Err(CliError::new(Status::Other, "not in this build yet", "")),
    }
}
