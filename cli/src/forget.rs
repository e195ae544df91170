//! After a vault was changed: running mounts forget what they hold of it, so that the next open sees
//! the change at once and not when the ttl has passed.

use crate::control;
use crate::map::Map;
use crate::output::{show, warn};
use secretfs_fs::link::wire::LINK_LIMIT;
use secretfs_fs::map::ProviderSettings;
use secretfs_mount_helper::control::Request;
use secretfs_mount_helper::control::client::{self, Found};
use std::path::Path;

/// The running mounts that show a vault, with the files that come from it; no files: all of them.
pub(crate) struct Affected(Vec<(Found, Vec<String>)>);

impl Affected {
    /// Those of the vault file at `vault`. To be called before the heap is locked: it reads maps, and
    /// a large one takes more than may be locked.
    pub(crate) fn of(vault: &Path) -> Self {
        let running = client::all().into_iter().filter(Found::is_running);
        Self(
            running
                .filter_map(|found| {
                    let paths = paths(&found, vault)?;
                    Some((found, paths))
                })
                .collect(),
        )
    }

    /// Has each of them forget. What cannot be done is warned about: the vault is changed already.
    pub(crate) fn forget(self) {
        for (found, paths) in self.0 {
            if let Err(error) = control::ask(&found, &Request::Refresh { paths }, None) {
                error.warn();
                let place = show(found.mountpoint());
                warn(
                    &format!("{place} may show old values until their ttl has passed"),
                    "",
                );
            }
        }
    }
}

/// The files of a mount that come from the vault. `None`: not one.
fn paths(found: &Found, vault: &Path) -> Option<Vec<String>> {
    // Whatever the map on disk says now, the mount may hold values of an older one.
    let Ok(map) = Map::of_mount(&found.record.request) else {
        return Some(Vec::new());
    };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let vault = real(vault);
    let of_vault: Vec<bool> = map
        .providers()
        .iter()
        .map(|spec| match &spec.settings {
            ProviderSettings::Local { file } => real(Path::new(file)) == vault,
            _ => false,
        })
        .collect();
    let paths: Vec<String> = map
        .entries()
        .iter()
        .filter(|entry| of_vault.get(usize::from(entry.provider)) == Some(&true))
        .map(|entry| entry.path.clone())
        .collect();
    if paths.is_empty() {
        return None;
    }
    // A request has a limit, and what JSON escapes takes more room.
    let bytes: usize = paths.iter().map(|path| path.len() + 8).sum();
    Some(if bytes > LINK_LIMIT / 4 {
        Vec::new()
    } else {
        paths
    })
}
