//! `idle`: when nothing was opened for that long, the daemon locks by itself. Measured by the daemon's
//! own clock, so that tests move it; woken by the runtime's.

use super::assemble::Daemon;
use secretfs_providers::Clock;
use std::time::Duration;

/// Completes when it may be time to lock; never where the map does not ask for it, or it is locked.
/// To be asked for again after every message: what moves the clock, or the map, is one.
pub(super) async fn due(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}

/// How long until it is time to lock, if nothing is opened until then.
pub(super) fn left(daemon: &Daemon) -> Option<Duration> {
    let limit = daemon.map.settings().idle_ms;
    if limit == 0 {
        return None;
    }
    let last = daemon.tree.last_open()?;
    let idle = daemon.clock.now().saturating_duration_since(last);
    Some(Duration::from_millis(limit).saturating_sub(idle))
}
