//! The processes that are not commands. `cli`'s `main` calls these for its hidden roles.

use std::process::ExitCode;

/// First argument of the mount-helper. Standard input is its end of the launch socket.
pub const HELPER: &str = "internal-mount-helper";
/// First argument of the daemon. Standard input is its end of the link.
pub const DAEMON: &str = "internal-daemon";
/// First argument of the sentinel.
pub const SENTINEL: &str = "internal-sentinel";

/// First argument of the child that finds credentials where nobody is asked, at unlock. Standard
/// input is the credential channel; then come the map, what stands in for what it leaves out (JSON), the
/// providers that had the token of a service account (JSON), and [`INSECURE`] where memory need not be
/// locked.
pub const OFFER: &str = "internal-offer";
/// First argument of the process that becomes `op` with the token of a service account, which it reads
/// from standard input; then come [`INSECURE`] or nothing, the program, and its arguments.
pub const WITH_TOKEN: &str = "internal-with-token";
/// See [`OFFER`] and [`WITH_TOKEN`].
pub const INSECURE: &str = "insecure";
/// What that child prints: the channel holds what every provider needs.
pub const OFFER_READY: &str = "ready";
/// What it prints: no provider needs anything.
pub const OFFER_NOTHING: &str = "nothing";

/// Runs the mount-helper until its mount is gone.
#[must_use]
pub fn helper() -> ExitCode {
    crate::helper::run()
}

/// Runs the sentinel until helper and daemon are gone.
#[must_use]
pub fn sentinel() -> ExitCode {
    crate::sentinel::run()
}
