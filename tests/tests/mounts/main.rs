//! What a user sees, with real mounts by the real executable: one subject a file.
//!
//! One test binary, because each links the whole program's libraries once more.
#![cfg(feature = "test-hooks")]

mod audit;
mod between;
mod cache;
mod complete;
mod connect;
mod containers;
mod crash;
mod credentials;
mod crowd;
mod desktop;
mod direnv;
mod docs;
mod doctor;
mod env;
mod errno;
mod fstab;
mod held;
mod hook;
mod hung;
mod infisical;
mod journal;
mod killed;
mod lazy;
mod limits;
mod lock;
mod login;
mod map;
mod migrating;
mod mountpoint;
mod network;
mod op;
mod prompts;
mod readers;
mod refused;
mod reload;
mod rotation;
mod run;
mod sandbox;
mod screens;
mod scripted;
mod sealed;
mod session;
mod signals;
mod status;
mod storm;
mod units;
mod user_manager;
mod vault;
mod watch;
