//! Mounting, as every command does that mounts: the map, the credentials that there are, the helper.

use crate::credentials::{self, Collector, Delivery, UNTIL_UNLOCK};
use crate::error::CliError;
use crate::keyring::Outside;
use crate::map::Map;
use crate::output::warn;
use crate::proxies::Proxies;
use secretfs_mount_helper::control::client;
use secretfs_mount_helper::launch::{self, LaunchRequest, Launched, Passed, Running};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Mounts `map` as `request` says, and returns when files can be opened. What is missing is warned
/// about. `owner`: a pidfd of the command that the mount ends with; `outside`: the kernel's keys of the user
/// namespace that this process came from.
pub(crate) fn mount(
    map: &Map,
    request: &mut LaunchRequest,
    passphrase_file: Option<&Path>,
    owner: Option<OwnedFd>,
    outside: Outside,
) -> Result<(Launched, Running), CliError> {
    let mut proxies = Proxies::default();
    // Before the heap is locked: a large map takes more than may be.
    let ready = map.ready()?;
    request.proxies = proxies.settings(map.providers(), request.insecure_memory)?;
    // Dropped at once: in the foreground this process stays, and a lock would not reach what it keeps.
    let mut offers = Collector::new(passphrase_file, UNTIL_UNLOCK)
        .with_keys(outside)
        .collect(map, request.insecure_memory)?;
    request.service_accounts = credentials::service_accounts(map, &offers);
    offers.extend(proxies.offers(&request.proxies));
    drop(proxies);
    let (delivery, credentials) = Delivery::send(&offers, request.insecure_memory)?;
    drop(offers);
    let passed = Passed {
        ready: Some(ready),
        owner,
        credentials,
    };
    let (launched, running) = launch::start(request, passed)?;
    for warning in &launched.warnings {
        warn(warning, "");
    }
    if let Err(error) = delivery.confirm() {
        // Refused in a way that only the daemon could tell: the same as a wrong passphrase.
        client::unmount(&request.mountpoint)?;
        return Err(error);
    }
    Ok((launched, running))
}
