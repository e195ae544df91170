//! `secretfs logout`: takes what `secretfs login` stored out of the keyring. A running mount has a copy
//! of its own, which only a lock wipes: so the mounts that use it are locked.

use super::login::target::Target;
use crate::args::LogoutArgs;
use crate::deliver::Running;
use crate::error::{CliError, Status};
use crate::keyring::{Asking, Entry, Keyring};
use crate::output::print;

/// Runs the command.
pub(crate) fn run(args: &LogoutArgs) -> Result<(), CliError> {
    let mut keyring = Keyring::new(Asking::of_process());
    let Some(name) = &args.provider else {
        let running = Running::with_any();
        let any = keyring.forget_all()?;
        print(match any {
            true => "forgot everything that was stored\n",
            false => "nothing was stored\n",
        })?;
        return if any { running.lock() } else { Ok(()) };
    };
    let target = Target::find(name, args.map.map.as_deref(), &args.place, None)?;
    let entries = Entry::all_of(target.spec());
    let mut any = None;
    for entry in &entries {
        if keyring.forget(entry)? {
            print(format!(
                "forgot the {} of {}\n",
                entry.kind().told(),
                entry.told()
            ))?;
            any = Some(entry);
        }
    }
    match any {
        // A mount may use either kind.
        Some(entry) => Running::with(entry).lock(),
        None => Err(CliError::new(
            Status::Credential,
            format!("nothing is stored for provider {name}"),
            "see `secretfs doctor` for what is stored where",
        )),
    }
}
