//! What there is instead of a vault or an item that is missing: the nearest name, else all of them.
//! Asked for a person who runs `check --online`, never while a file is opened.

use super::call::{Ask, Call};
use super::is_id;
use super::known::Names;
use crate::error::{ErrorKind, ProviderError};
use crate::nearest::{list, nearest};
use crate::onepassword::Reference;
use crate::onepassword::list::Reader;
use crate::provider::BoxFuture;
use std::sync::Arc;

/// Names beyond this are not looked at: they lie in the locked heap.
const MOST_NAMES: usize = 2_000;

impl Call<'_> {
    /// The error with what there is instead, where that can be told.
    pub(super) fn advised<'a>(
        &'a self,
        error: ProviderError,
        of: &'a Reference,
    ) -> BoxFuture<'a, ProviderError> {
        Box::pin(async move {
            let help = match error.kind {
                ErrorKind::Missing => self.instead(of).await,
                // Of an id that the server does not know, too.
                ErrorKind::Denied => self.instead_of_vault(&of.vault).await,
                _ => None,
            };
            match help {
                Some(help) => ProviderError { help, ..error },
                None => error,
            }
        })
    }

    /// The same where a vault is all that was asked for.
    pub(super) async fn advised_of_vault(
        &self,
        error: ProviderError,
        vault: &str,
    ) -> ProviderError {
        match self.instead_of_vault(vault).await {
            Some(help) => ProviderError { help, ..error },
            None => error,
        }
    }

    async fn instead(&self, of: &Reference) -> Option<String> {
        let known = self.of.known().vault(&of.vault).cloned();
        let vault = known.or_else(|| is_id(&of.vault).then(|| of.vault.clone()));
        if let Some(vault) = vault
            && let Some(names) = self.names(Some(&vault)).await
        {
            return Some(told(
                &of.item,
                &names,
                "the vault has",
                "the vault is empty",
            ));
        }
        self.instead_of_vault(&of.vault).await
    }

    async fn instead_of_vault(&self, vault: &str) -> Option<String> {
        let names = self.names(None).await?;
        Some(told(
            vault,
            &names,
            "the token may read",
            "the token may read no vault; Connect serves no private ones",
        ))
    }

    /// The names of the items of a vault, else of the vaults; `None`: they cannot be had.
    async fn names(&self, vault: Option<&str>) -> Option<Arc<Names>> {
        if let Some(known) = self.of.known().names(vault) {
            return Some(known);
        }
        let items: [&str; 4];
        let (path, member): (&[&str], _) = match vault {
            Some(vault) => {
                items = ["v1", "vaults", vault, "items"];
                (&items, "title")
            }
            None => (&["v1", "vaults"], "name"),
        };
        let ask = Ask {
            path,
            query: &[],
            is_file: false,
        };
        let response = self.get(ask).await.ok()?.ok()?;
        let reader = self.read_list(response, Reader::all(member, MOST_NAMES));
        let (found, is_cut) = reader.await.ok()?.finish_all().ok()?;
        let names = Arc::new(Names {
            all: found.into_iter().map(|one| one.name).collect(),
            is_cut,
        });
        self.of.known().keep_names(vault, &names);
        Some(names)
    }
}

fn told(wanted: &str, names: &Names, there_are: &str, none: &str) -> String {
    let all = names.all.iter().map(String::as_str);
    match nearest(wanted, all.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.all.is_empty() => none.to_owned(),
        None => {
            let more = if names.is_cut { ", and more" } else { "" };
            format!("{there_are} {}{more}", list(all))
        }
    }
}
