//! The commands, one a file.

mod audit;
mod check;
pub(crate) mod complete;
mod completions;
mod doctor;
mod init;
mod lock;
mod login;
mod logout;
mod man;
mod mount;
mod refresh;
pub(crate) mod run;
pub(crate) mod status;
mod unlock;
mod unmount;

use crate::args::{Cli, Command};
use crate::error::CliError;

/// Runs the command.
pub(crate) fn start(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Mount(args) => mount::run(&args),
        Command::Unmount(args) => unmount::run(&args),
        Command::Lock(args) => lock::run(&args),
        Command::Unlock(args) => unlock::run(&args),
        Command::Login(args) => login::run(&args),
        Command::Logout(args) => logout::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Env(args) => crate::env::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Hook(args) => crate::env::hook::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Init { from } => init::run(from.as_ref()),
        Command::Refresh(args) => refresh::run(&args),
        Command::Vault { command } => crate::vault::run(command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Does the same for each, also after one that failed; the first failure is the command's, the
/// others are told at once.
fn for_each<T>(
    items: Vec<T>,
    mut each: impl FnMut(T) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut first = Ok(());
    for item in items {
        if let Err(error) = each(item) {
            match &first {
                // Nobody reads what is printed: the others are done all the same.
                Ok(()) => first = Err(error),
                Err(done) if done.is_done() => first = Err(error),
                Err(_) => {
                    error.report();
                }
            }
        }
    }
    first
}
