//! `secretfs`: presents the secrets of a vault as read-only files.

mod args;
mod commands;
mod control;
mod credentials;
mod deliver;
mod env;
mod error;
mod foreground;
mod forget;
mod help;
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
mod usage;
mod vault;
mod with_token;

use std::process::ExitCode;

#[global_allocator]
static HEAP: secretfs_memory::heap::LockedHeap = secretfs_memory::heap::LockedHeap::new();

fn main() -> ExitCode {
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
        Some(commands::complete::ROLE) => commands::complete::run(),
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
