//! `secretfs logout`: takes what `secretfs login` stored out of the keyring. A running mount has a copy
//! of its own, which only a lock wipes: so the mounts that use it are locked.

use super::login::target::Target;
use crate::args::LogoutArgs;
use crate::deliver::Running;
use crate::error::{CliError, Status};
use crate::keyring::{Asking, Entry, Keyring};
use crate::output::{print, say};

/// Runs the command.
pub(crate) fn run(args: &LogoutArgs) -> Result<(), CliError> {
    let mut keyring = Keyring::new(Asking::of_process());
    let Some(name) = &args.provider else {
        // What cannot be taken out of a keyring is no reason to leave the mounts open.
        let forgotten = keyring.forget_all();
        if forgotten != Ok(false) {
            Running::with_any().lock()?;
        }
        return print(match forgotten? {
            true => "forgot everything that was stored\n",
            false => "nothing was stored\n",
        });
    };
    let target = Target::find(name, args.map.map.as_deref(), &args.place, None)?;
    let entries = Entry::all_of(target.spec());
    let (mut any, mut failed) = (None, None);
    for entry in &entries {
        match keyring.forget(entry) {
            Ok(true) => {
                any = Some(entry);
                say(&format!(
                    "forgot the {} of {}",
                    entry.kind().told(),
                    entry.told()
                ))?;
            }
            Ok(false) => {}
            Err(trouble) => {
                any = Some(entry);
                failed = Some(trouble);
            }
        }
    }
    if let Some(entry) = any {
        // A mount may use either kind.
        Running::with(entry).lock()?;
    }
    match (any, failed) {
        (_, Some(trouble)) => Err(trouble.into()),
        (Some(_), None) => Ok(()),
        (None, None) => Err(CliError::new(
            Status::Credential,
            format!("nothing is stored for provider {name}"),
            "see `secretfs doctor` for what is stored where",
        )),
    }
}
