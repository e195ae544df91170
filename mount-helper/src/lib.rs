//! The process that mounts, supervises and unmounts, and holds no secret.
//!
//! | room | what it does |
//! |---|---|
//! | [`launch`] | how a command starts a mount, and learns whether it answers |
//! | [`role`] | the processes that are not commands: the helper, and the sentinel that cleans up after it |
//! | `helper` | the helper itself: one loop that owns the state of the mount |
//! | [`control`] | the socket between commands and the helper of a mount |
//! | [`mount`] | mounting and unmounting |
//! | [`place`] | runtime folder, records, state folder, mountpoints, processes |
//! | [`programs`] | `op` and `infisical`, started on the daemon's behalf with its pipe as their output |
//! | `session` | what of the user's session locks a mount |
//! | [`journal`] | log and audit |
//! | [`error`] | a failure as a command reports it |
//!
//! It stands outside of the daemon's sandbox, and does for it what that may not: by the place in the map, never
//! by a path, and without reading what passes through.

pub mod control;
pub mod error;
mod helper;
pub mod journal;
pub mod launch;
pub mod mount;
pub mod place;
pub mod programs;
pub mod role;
mod sentinel;
mod session;

pub use error::HelperError;
