//! All names below a folder: of one folder after the other, and of no more than a person would edit.

use crate::commands::check::status;
use crate::error::CliError;
use secretfs_providers::{Context, FolderReference, Provider, ProviderError};
use std::collections::VecDeque;
use std::time::Duration;

/// How long one folder may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Folders and names beyond this are not looked at: a first map is to be read and edited.
const MOST_FOLDERS: usize = 200;
const MOST_NAMES: usize = 5_000;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Folder and name, sorted by both.
    pub(super) secrets: Vec<(String, String)>,
    /// Folders whose names may not be listed.
    pub(super) closed: Vec<String>,
    /// There is more.
    pub(super) is_cut: bool,
}

/// Walks down from `path`.
pub(super) async fn walk(
    provider: &dyn Provider,
    path: &str,
    cx: impl Fn(Duration) -> Context,
) -> Result<Found, CliError> {
    let mut found = Found::default();
    let mut folders = VecDeque::from([path.to_owned()]);
    let mut seen = 0;
    while let Some(path) = folders.pop_front() {
        if seen >= MOST_FOLDERS || found.secrets.len() >= MOST_NAMES {
            found.is_cut = true;
            break;
        }
        seen += 1;
        let folder = FolderReference {
            path: path.clone(),
            environment: None,
            expand_references: None,
        };
        let names = match provider.list(&folder, &cx(PATIENCE)).await {
            Ok(names) => names,
            // Those below may be open; of the first one there is nothing else to say.
            Err(error) if error.kind == secretfs_providers::ErrorKind::Denied && seen > 1 => {
                found.closed.push(path.clone());
                Vec::new()
            }
            Err(error) => return Err(told(provider, &folder, error, &cx(PATIENCE)).await),
        };
        found
            .secrets
            .extend(names.into_iter().map(|name| (path.clone(), name)));
        let below = provider.folders(&folder, &cx(PATIENCE)).await;
        let below = below.map_err(|error| failed(&error))?;
        let above = path.trim_end_matches('/');
        folders.extend(below.iter().map(|name| format!("{above}/{name}")));
    }
    found.secrets.sort();
    found.secrets.dedup();
    Ok(found)
}

/// With what there is instead, where the folder is missing.
async fn told(
    provider: &dyn Provider,
    folder: &FolderReference,
    error: ProviderError,
    cx: &Context,
) -> CliError {
    match provider.check_folder(folder, false, cx).await {
        Err(told) if told.kind == error.kind => failed(&told),
        _ => failed(&error),
    }
}

fn failed(error: &ProviderError) -> CliError {
    CliError::new(
        status(error.kind),
        error.message.clone(),
        error.help.clone(),
    )
}
