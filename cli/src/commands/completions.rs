//! `secretfs completions`: what a shell needs to complete commands and options.

use crate::args::{Cli, CompletionsArgs};
use crate::error::CliError;
use clap::CommandFactory;

/// Runs the command.
pub(crate) fn run(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "secretfs", &mut script);
    crate::output::print(script)
}
