//! `secretfs completions`: what a shell needs to complete commands and options, and in bash, zsh and fish
//! the names of files, mounts and providers too.

use super::complete::Asking;
use crate::args::{Cli, CompletionsArgs};
use crate::error::CliError;
use clap::CommandFactory;
use clap_complete::Shell;

/// Runs the command.
pub(crate) fn run(args: &CompletionsArgs) -> Result<(), CliError> {
    let asking = match args.shell {
        Shell::Bash => Asking::Bash,
        Shell::Zsh => Asking::Zsh,
        Shell::Fish => Asking::Fish,
        // What does not ask knows commands and options alone.
        other => {
            let mut script = Vec::new();
            clap_complete::generate(other, &mut Cli::command(), "secretfs", &mut script);
            return crate::output::print(script);
        }
    };
    crate::output::print(asking.script())
}
