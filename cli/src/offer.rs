//! The helper's short-lived child at unlock: finds the credentials of a map where nobody can be asked,
//! and puts them into the channel that is its standard input. It prints one word, and whoever started
//! it takes any other end for: something is missing.

use crate::credentials::{Collector, Delivery};
use crate::error::CliError;
use crate::map::Map;
use secretfs_fs::map::Defaults;
use secretfs_mount_helper::role;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the role: the map, and whether memory need not be locked, are the arguments after it.
pub(crate) fn run() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let Some(map) = arguments.next().map(PathBuf::from) else {
        return ExitCode::FAILURE;
    };
    let defaults = arguments.next().and_then(|text| text.into_string().ok());
    let Some(defaults) = defaults.and_then(|text| serde_json::from_str(&text).ok()) else {
        return ExitCode::FAILURE;
    };
    let accounts = arguments.next().and_then(|text| text.into_string().ok());
    let Some(accounts) = accounts.and_then(|text| serde_json::from_str(&text).ok()) else {
        return ExitCode::FAILURE;
    };
    let insecure = arguments.next().is_some_and(|word| word == role::INSECURE);
    match offer(&map, defaults, accounts, insecure) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}

/// Whether nothing was missing.
fn offer(
    map: &Path,
    defaults: Defaults,
    service_accounts: Vec<String>,
    insecure: bool,
) -> Result<bool, CliError> {
    let map = Map::of_then(map, defaults)?;
    let mut collector = Collector::new(None, "");
    collector.expect(service_accounts);
    let offers = collector.collect(&map, insecure)?;
    if collector.is_anything_missing() {
        return Ok(false);
    }
    if offers.is_empty() {
        return Ok(say(role::OFFER_NOTHING));
    }
    let Ok(channel) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return Ok(false);
    };
    let delivery = Delivery::over(channel, &offers, insecure)?;
    drop(offers);
    if !say(role::OFFER_READY) {
        return Ok(false);
    }
    delivery.confirm().map(|()| true)
}

/// Says it, and closes standard output: the reader waits for the end.
fn say(word: &str) -> bool {
    let said = {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{word}").and_then(|()| out.flush()).is_ok()
    };
    let null = std::fs::File::options().write(true).open("/dev/null");
    said && null.is_ok_and(|null| rustix::stdio::dup2_stdout(null).is_ok())
}
