//! Hostile input: what parsers are fed, what another user and the user's own programs do at the sockets, the
//! mountpoint, the map and the runtime folder, and what a server answers. docs/reliability.md has the list.
#![cfg(feature = "test-hooks")]

mod bombs;
mod control;
mod corpus;
mod map;
mod mountpoint;
mod posix;
mod reader;
mod runtime;
#[path = "../mounts/scripted.rs"]
#[allow(
    dead_code,
    reason = "the mounts of the other suite, which uses more of it"
)]
mod scripted;
mod server;
