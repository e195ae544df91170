//! `secretfs`: presents the secrets of a vault as read-only files.
//!
//! The commands, one a file in `commands`, and what they share:
//!
//! | room | idea |
//! |---|---|
//! | `args`, `usage` | what can be said on a command line |
//! | `map`, `map_report` | which map is meant; what is wrong with it, as a person reads it |
//! | `credentials`, `keyring`, `passphrase`, `proxies` | what opens providers, and where it is found and kept |
//! | `mounting`, `foreground`, `notify` | making a mount, for `mount` and for `run` |
//! | `mounts`, `control`, `deliver`, `offer` | finding running mounts, and speaking to them |
//! | `online` | asking providers without a mount |
//! | `env` | variables, in the words of each shell |
//! | `vault` | the local age vault |
//! | `fstab` | what mount(8) and umount(8) start |
//! | `terminal`, `screen`, `progress`, `output`, `error` | what is shown and asked, and the exit status |

#![allow(
    rustdoc::bare_urls,
    reason = "doc comments of arguments are the help's text"
)]

mod args;
mod commands;
mod control;
mod credentials;
mod deliver;
mod env;
mod error;
mod foreground;
mod forget;
mod fstab;
mod keyring;
mod map;
mod map_report;
mod mounting;
mod mounts;
mod notify;
mod offer;
mod online;
mod output;
mod passphrase;
mod progress;
mod proxies;
mod screen;
mod terminal;
mod usage;
mod vault;
mod with_token;

use std::process::ExitCode;

#[global_allocator]
static HEAP: secretfs_memory::heap::LockedHeap = secretfs_memory::heap::LockedHeap::new();

fn main() -> ExitCode {
    if let Some(program) = fstab::called_as(std::env::args_os().next().as_deref()) {
        return program();
    }
    // The hidden roles come before any parsing: a daemon must lock its heap before anything else.
    match std::env::args_os()
        .nth(1)
        .as_deref()
        .and_then(|role| role.to_str())
    {
        Some(secretfs_mount_helper::role::HELPER) => secretfs_mount_helper::role::helper(),
        Some(secretfs_mount_helper::role::DAEMON) => alone(secretfs_fs::daemon::run),
        Some(secretfs_mount_helper::role::SENTINEL) => alone(secretfs_mount_helper::role::sentinel),
        Some(secretfs_mount_helper::role::OFFER) => alone(offer::run),
        Some(secretfs_mount_helper::role::WITH_TOKEN) => alone(with_token::run),
        Some(commands::run::mounter::ROLE) => commands::run::mounter::run(),
        _ => match usage::parse().and_then(commands::start) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => error.report(),
        },
    }
}

/// Runs a role that talks through standard input alone, without what the helper happens to have open.
fn alone(role: fn() -> ExitCode) -> ExitCode {
    // An older kernel cannot: then a descriptor may stay open for as long as the role lives.
    let _ = secretfs_memory::harden::inherited::close_inherited();
    role()
}
