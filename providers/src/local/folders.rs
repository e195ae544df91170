//! Folders: what stands before a `/` in a name.

use super::VaultError;
use super::provider::LocalVault;
use super::scan::{Take, Taken, has_room};
use crate::error::{ErrorKind, ProviderError};
use crate::provider::{Context, Fetched, Validator};
use crate::reference::FolderReference;

/// What the names of a folder's members start with: `""` for `/`, `a/b/` for `/a/b`.
pub(super) fn prefix(folder: &FolderReference) -> String {
    let path = folder.path.trim_matches('/');
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    }
}

/// Where `name` is: not in the folder; directly in it, under the name in it; or deeper.
fn place_in<'a>(folder: &FolderReference, name: &'a str) -> Option<Option<&'a str>> {
    let rest = name.strip_prefix(prefix(folder).as_str())?;
    Some((!rest.is_empty() && !rest.contains('/')).then_some(rest))
}

impl LocalVault {
    /// The names of a folder, for [`Provider::list`](crate::Provider::list).
    pub(super) async fn names(
        &self,
        folder: &FolderReference,
        cx: &Context,
    ) -> Result<Vec<String>, ProviderError> {
        let opened = self.open(cx).await?;
        let mut deeper = false;
        let take = |name: &str| match place_in(folder, name) {
            Some(Some(_)) => Take::Name,
            Some(None) => {
                deeper = true;
                Take::Nothing
            }
            None => Take::Nothing,
        };
        let taken = self.scan(opened, None, cx, take).await?;
        let mut names: Vec<String> = Vec::new();
        names
            .try_reserve_exact(taken.len())
            .map_err(|_| VaultError::NoMemory)?;
        // Each name is used on: a second copy of them all may be more than the heap has.
        let cut = prefix(folder).len();
        names.extend(taken.into_iter().map(|Taken { mut name, .. }| {
            name.drain(..cut);
            name
        }));
        if names.is_empty() && !deeper {
            self.refuse_missing(folder)?;
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The values of a folder, for [`Provider::fetch_folder`](crate::Provider::fetch_folder).
    pub(super) async fn folder(
        &self,
        folder: &FolderReference,
        max_size: usize,
        cx: &Context,
    ) -> Result<Vec<(String, Fetched)>, ProviderError> {
        let opened = self.open(cx).await?;
        let validator = Validator(opened.validator.as_str().into());
        let modified = opened.modified;
        let mut deeper = false;
        let take = |name: &str| match place_in(folder, name) {
            Some(Some(_)) => Take::Value(max_size),
            Some(None) => {
                deeper = true;
                Take::Nothing
            }
            None => Take::Nothing,
        };
        let taken = self.scan(opened, Some(max_size), cx, take).await?;
        let mut values = Vec::new();
        values
            .try_reserve_exact(taken.len())
            .map_err(|_| VaultError::NoMemory)?;
        let cut = prefix(folder).len();
        for Taken { mut name, value } in taken {
            let Some(value) = value else {
                continue;
            };
            if !has_room(values.len()) {
                return Err(VaultError::NoMemory.into());
            }
            name.drain(..cut);
            let fetched = Fetched {
                value: (*value)?,
                modified,
                validator: Some(validator.clone()),
                max_age: None,
            };
            values.push((name, fetched));
        }
        if values.is_empty() && !deeper {
            self.refuse_missing(folder)?;
        }
        values.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(values)
    }

    /// An empty vault has an empty `/`; any other folder exists through its members.
    fn refuse_missing(&self, folder: &FolderReference) -> Result<(), ProviderError> {
        if prefix(folder).is_empty() {
            return Ok(());
        }
        Err(ProviderError::new(
            ErrorKind::Missing,
            format!(
                "there is no folder {:?} in the vault {:?}: no name starts with {:?}",
                folder.path,
                self.name,
                prefix(folder)
            ),
            "see `secretfs vault list`",
        ))
    }
}
