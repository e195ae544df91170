//! What there is in a vault, for a first map: its items, and each of them without its values.

use super::call::{Ask, Call, No};
use super::find::Found;
use super::is_id;
use super::known::Ids;
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::item::Item;
use crate::onepassword::list::{Candidate, Reader};
use crate::onepassword::survey::{Finds, Listed, MOST_ITEMS};
use crate::onepassword::wish::Files;
use crate::provider::{BoxFuture, Survey};

impl Call<'_> {
    /// All of the vault of this name or id.
    pub(super) fn survey<'a>(
        &'a self,
        vault: &'a str,
        seen: &'a (dyn Fn(usize, usize) + Send + Sync),
    ) -> BoxFuture<'a, Result<Survey, ProviderError>> {
        Box::pin(async move {
            let listed = self.items(vault).await?;
            let all = listed.items.len();
            let mut finds = Finds::new(vault, &listed);
            for (at, one) in listed.items.iter().enumerate() {
                seen(at, all);
                let ids = Ids {
                    vault: listed.id.clone(),
                    item: one.id.clone(),
                };
                match self.names_of(ids).await {
                    Ok(Some(item)) if !finds.add(one, &item) => {
                        return Ok(finds.finish(at + 1 == all));
                    }
                    Ok(_) => {}
                    Err(error) => return finds.stop(error),
                }
            }
            seen(all, all);
            Ok(finds.finish(true))
        })
    }

    async fn items(&self, vault: &str) -> Result<Listed, ProviderError> {
        // What looks like an id is tried as one first, and may be a name all the same.
        if is_id(vault)
            && let Ok((items, is_cut)) = self.items_of(vault).await?
        {
            return Ok(Listed {
                id: vault.to_owned(),
                items,
                is_cut,
            });
        }
        let no_vault = || {
            let what = format!("there is no vault {vault:?}, or the token has no access to it");
            self.error(ErrorKind::Missing, &what, "check the vault's name or id")
        };
        let Some(id) = self.vault_of(vault).await? else {
            return Err(self.advised_of_vault(no_vault(), vault).await);
        };
        match self.items_of(&id).await? {
            Ok((items, is_cut)) => Ok(Listed { id, items, is_cut }),
            Err(_) => Err(no_vault()),
        }
    }

    async fn items_of(
        &self,
        vault: &str,
    ) -> Result<Result<(Vec<Candidate>, bool), No>, ProviderError> {
        let ask = Ask {
            path: &["v1", "vaults", vault, "items"],
            query: &[],
            is_file: false,
        };
        let response = match self.get(ask).await? {
            Ok(response) => response,
            Err(no) => return Ok(Err(no)),
        };
        let reader = Reader::all("title", MOST_ITEMS);
        let found = self.read_list(response, reader).await?.finish_all();
        Ok(Ok(found.map_err(|_| self.nonsense("it is no list"))?))
    }

    /// The item without any value; `None`: it is gone by now.
    async fn names_of(&self, ids: Ids) -> Result<Option<Item>, ProviderError> {
        let ask = Ask {
            path: &["v1", "vaults", &ids.vault, "items", &ids.item],
            query: &[],
            is_file: false,
        };
        let response = match self.get(ask).await? {
            Ok(response) => response,
            Err(No::Missing | No::Denied) => return Ok(None),
        };
        let found = Found {
            ids,
            content: None,
            by_title: false,
            response,
        };
        let item = self.read(found, &[], Files::Exist).await?;
        Ok(item.is_active.then_some(item))
    }
}
