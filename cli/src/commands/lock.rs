//! `secretfs lock`: what the screen lock does, on demand.

use crate::args::TargetArgs;
use crate::control;
use crate::error::CliError;
use crate::output::{print, show};
use secretfs_mount_helper::control::{Request, client};

/// Runs the command.
pub(crate) fn run(args: &TargetArgs) -> Result<(), CliError> {
    super::for_each(control::targets(args)?, |found| {
        // What a lock has unmounted is as locked as can be, and what is gone even more so.
        let shown = show(found.mountpoint());
        if let Some(found) = client::settled(found).filter(client::Found::is_running) {
            let asked = control::ask(&found, &Request::Lock, None);
            // It may have been unmounted, or locked by the session, before it came to this request.
            if asked.is_err() && client::stays(&found) {
                return asked.map(drop);
            }
        }
        print(format!("locked {shown}\n"))
    })
}
