//! The process that mounts, supervises and unmounts, and holds no secret.
//!
//! | room | what it does |
//! |---|---|
//! | [`launch`] | how a command starts a mount, and learns whether it answers |
//! | [`control`] | the socket between commands and the helper of a mount |
//! | [`mount`] | mounting and unmounting |
//! | [`place`] | runtime folder, records, state folder, mountpoints, processes |
//! | [`journal`] | log and audit |
//! | [`role`] | the processes that are not commands |
//! | `session` | what of the user's session locks a mount |
//! | [`programs`] | programs that are started on the daemon's behalf, with its pipe as their output |
//! | `helper` | the event loop: requests of the daemon, commands, the map's watch, signals |
//! | `sentinel` | outlives both: detaches a mount that nobody serves any more |
//!
//! Where to begin: [`launch`] starts the roles of [`role`] as processes of the same executable, in the order that
//! `docs/architecture.md` draws; from then on `helper` decides.

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
