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

/// Has every running mount forget the values of the vault file at `vault`. What cannot be done is
/// warned about: the change of the vault itself is made.
pub(crate) fn vault(vault: &Path) {
    for found in client::all().into_iter().filter(Found::is_running) {
        let Some(paths) = paths(&found, vault) else {
            continue;
        };
        if let Err(error) = control::ask(&found, &Request::Refresh { paths }, None) {
            error.warn();
            warn(
                &format!(
                    "{} may show old values until their ttl has passed",
                    show(found.mountpoint())
                ),
                "",
            );
        }
    }
}

/// The files of a mount that come from the vault; empty: all of them. `None`: not one.
fn paths(found: &Found, vault: &Path) -> Option<Vec<String>> {
    // Whatever the map on disk says now, the mount may hold values of an older one.
    let Ok(map) = Map::load(&found.record.request.map) else {
        return Some(Vec::new());
    };
    let vault = vault.canonicalize().unwrap_or_else(|_| vault.to_owned());
    let of_vault: Vec<bool> = map
        .providers()
        .iter()
        .map(|spec| match &spec.settings {
            ProviderSettings::Local { file } => {
                let file = Path::new(file);
                file.canonicalize().as_deref().unwrap_or(file) == vault
            }
            _ => false,
        })
        .collect();
    if !of_vault.contains(&true) {
        return None;
    }
    let mut paths = Vec::new();
    let mut bytes = 0;
    for entry in map.entries() {
        if of_vault.get(usize::from(entry.provider)) == Some(&true) {
            bytes += entry.path.len() + 8;
            paths.push(entry.path.clone());
        }
    }
    // A request has a limit, and its escapes need room.
    if bytes > LINK_LIMIT / 4 {
        paths.clear();
    } else if paths.is_empty() {
        return None;
    }
    Some(paths)
}
