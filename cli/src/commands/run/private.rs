//! `--private`: namespaces that the command, its children, and the processes of its mount alone are in.

use crate::error::{CliError, Status};
use secretfs_mount_helper::mount::namespace;

/// This process is in them, and may still mount there.
#[derive(Debug)]
#[must_use]
pub(super) struct Private(());

/// Enters new ones.
///
/// # Errors
/// The kernel, or its security module, refuses.
pub(super) fn enter() -> Result<Private, CliError> {
    namespace::enter().map(Private).map_err(|error| {
        CliError::new(
            Status::Mount,
            format!("cannot make a private mount: {error}"),
            "leave --private out, or allow unprivileged user namespaces \
             (sysctl kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces)",
        )
    })
}

impl Private {
    /// Gives up what allowed the mount: the command is as privileged as it would be without.
    pub(super) fn give_up(self) -> Result<(), CliError> {
        namespace::give_up().map_err(|error| {
            CliError::new(
                Status::Other,
                format!("cannot give up the privileges of the namespace: {error}"),
                "leave --private out",
            )
        })
    }
}
