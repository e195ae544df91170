//! What a user sees, with real mounts by the real executable: one subject a file.
//!
//! One test binary, because each links the whole program's libraries once more.
#![cfg(feature = "test-hooks")]

mod cache;
mod connect;
mod crash;
mod credentials;
mod desktop;
mod docs;
mod doctor;
mod env;
mod errno;
mod held;
mod hung;
mod infisical;
mod killed;
mod lazy;
mod limits;
mod lock;
mod map;
mod mountpoint;
mod network;
mod op;
mod prompts;
mod readers;
mod refused;
mod reload;
mod rotation;
mod sandbox;
mod scripted;
mod sealed;
mod session;
mod signals;
mod status;
mod storm;
mod units;
mod vault;
