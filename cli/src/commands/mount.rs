//! `secretfs mount`: asks for what is missing, and returns when the files can be opened.

use crate::args::MountArgs;
use crate::control;
use crate::credentials::{self, Collector, Delivery, UNTIL_UNLOCK};
use crate::error::{CliError, Status};
use crate::map::Map;
use crate::output::{print, show, warn};
use crate::proxies::Proxies;
use secretfs_mount_helper::control::client;
use secretfs_mount_helper::launch::{self, LaunchRequest, Running};
use secretfs_mount_helper::place::mountpoint::normalise;
use secretfs_providers::http::ProxySettings;

/// Runs the command.
pub(crate) fn run(args: &MountArgs) -> Result<(), CliError> {
    let map = Map::find(args.map.map.as_deref())?;
    let mountpoint = normalise(&map.mountpoint(args.mountpoint.as_deref())?)?;
    control::refuse_early(&mountpoint)?;
    let mut request = LaunchRequest {
        mountpoint,
        map: map.path.clone(),
        foreground: args.foreground,
        insecure_memory: args.insecure_memory,
        offline: args.offline,
        allow_root: args.allow_root,
        proxies: ProxySettings::default(),
        defaults: map.defaults(),
        service_accounts: Vec::new(),
    };
    let mut proxies = Proxies::default();
    // Before the heap is locked: a large map takes more than may be.
    let ready = map.ready()?;
    request.proxies = proxies.settings(map.providers(), args.insecure_memory)?;
    // Dropped at once: in the foreground this process stays, and a lock would not reach what it keeps.
    let mut offers = Collector::new(args.passphrase.passphrase_file.as_deref(), UNTIL_UNLOCK)
        .collect(&map, args.insecure_memory)?;
    request.service_accounts = credentials::service_accounts(&map, &offers);
    offers.extend(proxies.offers(&request.proxies));
    drop(proxies);
    let (delivery, channel) = Delivery::send(&offers, args.insecure_memory)?;
    drop(offers);
    let (launched, running) = launch::start(&request, Some(ready), channel)?;
    for warning in &launched.warnings {
        warn(warning, "");
    }
    if let Err(error) = delivery.confirm() {
        // Refused in a way that only the daemon could tell: the same as a wrong passphrase.
        client::unmount(&request.mountpoint)?;
        return Err(error);
    }
    let files = match map.entries().len() {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    let place = show(&request.mountpoint);
    let done = print(format!("mounted {place}: {files} of {}\n", show(&map.path)));
    if args.foreground {
        crate::notify::ready(&place);
        return stay(running, launched.pid);
    }
    done
}

/// Waits for the end of a foreground mount; passes on the signals that ask for it.
fn stay(running: Running, helper: u32) -> Result<(), CliError> {
    let status = crate::foreground::wait(running, helper).map_err(|error| {
        CliError::new(
            Status::Mount,
            format!("cannot wait for the end of the mount: {error}"),
            "see `secretfs status`",
        )
    })?;
    if status.success() {
        return Ok(());
    }
    Err(CliError::new(
        Status::Mount,
        format!("the mount ended: {status}"),
        "the log tells why: ~/.local/state/secretfs/secretfs.log",
    ))
}
