//! `secretfs unlock`: serves again what a lock has sealed, and mounts again what it has unmounted.

use crate::args::UnlockArgs;
use crate::control;
use crate::credentials::{self, Collector, Delivery, UNTIL_UNLOCK};
use crate::error::CliError;
use crate::map::Map;
use crate::output::{print, show, warn};
use crate::proxies::Proxies;
use secretfs_mount_helper::control::Request;
use secretfs_mount_helper::control::client::{self, Found};
use secretfs_mount_helper::launch::{self, LaunchRequest, Passed};
use secretfs_providers::http::ProxySettings;

/// Runs the command.
pub(crate) fn run(args: &UnlockArgs) -> Result<(), CliError> {
    // All maps before the heap is locked: a large one takes more than may be locked.
    let found: Vec<_> = control::targets(&args.target)?
        .into_iter()
        .filter_map(client::settled)
        .map(|one| (Map::of_mount(&one.record.request), one))
        .collect();
    // One passphrase opens a vault for all of its mounts.
    let mut collector = Collector::new(args.passphrase.passphrase_file.as_deref(), UNTIL_UNLOCK);
    let mut proxies = Proxies::default();
    super::for_each(found, |(map, one)| {
        unlock(&one, map, &mut collector, &mut proxies)
    })
}

fn unlock(
    found: &Found,
    map: Result<Map, CliError>,
    collector: &mut Collector<'_>,
    from_environment: &mut Proxies,
) -> Result<(), CliError> {
    let request = &found.record.request;
    let mut proxies = ProxySettings::default();
    let mut service_accounts = Vec::new();
    let offers = match map {
        Ok(map) => {
            let insecure = request.insecure_memory;
            proxies = from_environment.settings(map.providers(), insecure)?;
            collector.expect(request.service_accounts.clone());
            let mut offers = collector.collect(&map, insecure)?;
            service_accounts = credentials::service_accounts(&map, &offers);
            offers.extend(from_environment.offers(&proxies));
            offers
        }
        // A running mount keeps its last good map, and can be served again without a credential.
        Err(_) if found.is_running() => {
            warn(
                &format!("the map {} cannot be read", show(&request.map)),
                "`secretfs check` tells what is wrong; then run `secretfs unlock` again",
            );
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let (delivery, channel) = Delivery::send(&offers, request.insecure_memory)?;
    drop(offers);
    if found.is_running() {
        let request = Request::Unlock {
            with_credentials: channel.is_some(),
        };
        control::ask(found, &request, channel)?;
    } else {
        let request = LaunchRequest {
            foreground: false,
            proxies,
            service_accounts,
            ..request.clone()
        };
        let passed = Passed {
            credentials: channel,
            ..Passed::default()
        };
        let (launched, _) = launch::start(&request, passed)?;
        for warning in &launched.warnings {
            warn(warning, "");
        }
    }
    delivery.confirm()?;
    print(format!("unlocked {}\n", show(found.mountpoint())))
}
