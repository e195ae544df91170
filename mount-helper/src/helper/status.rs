//! `status`: what the helper knows, with the pages that the daemon tells.

use super::daemon::Link;
use crate::control::MountStatus;
use secretfs_fs::link::message::StatusPage;
use secretfs_fs::link::{FromDaemon, ToDaemon};
use secretfs_fs::map::{CompiledMap, EntryId, ProviderSettings};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long the daemon may take for all pages: a mount that hangs is shown as one that does.
const LIMIT: Duration = Duration::from_secs(1);
/// More pages than any map has.
const PAGES: usize = 100_000;

/// All pages in one; `None`: the daemon does not answer.
pub(super) async fn ask_daemon(link: &Link) -> Option<StatusPage> {
    let deadline = Instant::now() + LIMIT;
    timeout_at(deadline, async {
        'whole: loop {
            let mut whole: Option<StatusPage> = None;
            let mut from_entry = 0;
            for _ in 0..PAGES {
                let asked = link.call(|id| ToDaemon::Status { id, from_entry }, LIMIT);
                let Some(FromDaemon::Status { page, .. }) = asked.await else {
                    return None;
                };
                let next = page.next_entry;
                match &mut whole {
                    None => whole = Some(*page),
                    // Reloaded between two pages: their positions mean different files.
                    Some(first) if first.generation != page.generation => continue 'whole,
                    Some(first) => first.files.extend(page.files),
                }
                match next {
                    Some(next) if next > from_entry => from_entry = next,
                    _ => break,
                }
            }
            if let Some(whole) = &mut whole {
                whole.next_entry = None;
            }
            return whole;
        }
    })
    .await
    .ok()
    .flatten()
}

/// Names what the page's positions mean.
pub(super) fn name(status: &mut MountStatus, map: &CompiledMap) {
    status.providers = map
        .providers()
        .into_iter()
        .map(|provider| {
            let kind = match provider.settings {
                ProviderSettings::Local { .. } => "local",
                ProviderSettings::Infisical { .. } => "infisical",
                ProviderSettings::OnePassword { .. } => "onepassword",
                #[cfg(feature = "test-hooks")]
                ProviderSettings::Scripted { .. } => "scripted",
            };
            (provider.name, kind.to_owned())
        })
        .collect();
    status.entries = (0..map.entry_count())
        .map(|id| map.entry_path(EntryId(id)).unwrap_or_default().to_owned())
        .collect();
    status.ttls_ms = (0..map.entry_count())
        .map(|id| map.entry_ttl_ms(EntryId(id)).unwrap_or_default())
        .collect();
}
