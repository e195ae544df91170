//! `secretfs`: presents the secrets of a vault as read-only files.
//!
//! One executable, whose roles are processes: a command, which you start and which ends; the mount-helper and
//! its sentinel (`secretfs-mount-helper`); the daemon, which holds the secrets (`secretfs-fs`). This crate is
//! the commands, and [`main`], which tells the roles apart.
//!
//! | room | what it does |
//! |---|---|
//! | [`args`], [`usage`] | the command line, and what is said about a wrong one |
//! | [`commands`] | the commands, one a file or folder |
//! | [`map`], [`map_report`] | which map is meant; its mistakes, drawn |
//! | [`mounts`], [`mounting`], [`control`], [`foreground`], [`notify`] | which mount is meant; making one; speaking to one |
//! | [`credentials`], [`passphrase`], [`keyring`] | where what opens a provider comes from |
//! | [`deliver`], [`offer`], [`forget`] | how it gets to a daemon, and away from one |
//! | [`with_token`] | becomes `op` with a service account's token |
//! | [`proxies`], [`online`] | the proxies of the environment; asking providers without a mount |
//! | [`mod@env`] | variables in the syntax of each shell, and the prompt's hook |
//! | [`vault`] | the local vault |
//! | [`fstab`] | what mount(8) and umount(8) start |
//! | [`terminal`], [`screen`] | a secret asked for without echo; widths, colours, wrapping |
//! | [`error`], [`output`], [`progress`] | one line that says what failed, one that says what to do, and a status |

#![allow(
    rustdoc::bare_urls,
    reason = "doc comments of arguments are the help's text"
)]

mod args;
mod commands;
mod control;
mod credentials;
mod deliver;
#[cfg(test)]
mod documented;
mod env;
mod error;
mod foreground;
mod forget;
mod fstab;
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
