//! Whether anything in a vault has changed: one cheap request for all of its items (contract
//! onepassword.md §1.6, §4.10).

use super::call::{Ask, Call};
use super::known::{Content, Ids};
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::Reference;
use crate::provider::Wanted;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout_at;

/// The most bytes of a vault: its description is the user's.
const MAX_VAULT: usize = 64 << 10;
/// For how long one answer is good for all items of the vault whose ttl ended together.
const SHARED: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vault {
    id: String,
    #[serde(default)]
    name: Option<String>,
    content_version: u64,
}

impl Call<'_> {
    /// Whether everything that is wanted of this item is what the caller has already. Asks for the
    /// vault alone, and only where that can tell.
    pub(super) async fn is_unchanged(
        &self,
        of: &Reference,
        ids: &Ids,
        wanted: &[Wanted],
    ) -> Result<bool, ProviderError> {
        let (checked, has_others) = {
            let known = self.of.known();
            (known.checked(ids), known.has_others(ids))
        };
        let Some(checked) = checked else {
            return Ok(false);
        };
        let current = validator(ids, checked.version);
        let is_held = |one: &Wanted| one.validator.as_ref().is_some_and(|v| *v.0 == *current);
        if !wanted.iter().all(is_held) {
            return Ok(false);
        }
        // Which state it was of is not known yet: the item itself costs no more, but where others are
        // to be checked too the vault is worth asking.
        if checked.content.is_none() && !has_others {
            return Ok(false);
        }
        let content = self.content(&ids.vault).await?;
        let is_same = content.is_some() && content == checked.content;
        // The vault may have another name by now: then it is not the one that is meant.
        Ok(is_same && self.of.known().ids(&of.vault, &of.item).as_ref() == Some(ids))
    }

    /// The state of a vault's content now; `None`: it cannot be told. One asks, the others wait for
    /// that one.
    async fn content(&self, vault: &str) -> Result<Option<u64>, ProviderError> {
        let turn = timeout_at(self.turn.budget.until(), self.of.checking.lock()).await;
        let _turn = turn.map_err(|_| {
            self.error(ErrorKind::TimedOut, "the vault was not checked in time", "")
        })?;
        let now = self.cx.clock.now();
        let last = self.of.known().content(vault);
        if let Some(last) = last.filter(|last| now.saturating_duration_since(last.seen) < SHARED) {
            return Ok(Some(last.version));
        }
        let ask = Ask {
            path: &["v1", "vaults", vault],
            query: &[],
            is_file: false,
        };
        let Ok(mut response) = self.get(ask).await? else {
            // The item will say what that means.
            return Ok(None);
        };
        let body = response.small(MAX_VAULT).await?;
        let told: Option<Vault> = serde_json::from_slice(&body).ok();
        let Some(told) = told.filter(|told| told.id == vault) else {
            return Err(self.nonsense("it is not the vault that was asked for"));
        };
        let content = Content {
            version: told.content_version,
            seen: now,
        };
        let mut known = self.of.known();
        known.keep_content(vault, content);
        // A new name does not count as a change of the content.
        if let Some(name) = told.name {
            known.is_named(vault, &name);
        }
        Ok(Some(content.version))
    }
}

/// What a value of an item's version is told by. The item's id is part of it: a new item of the same
/// title begins with version 1 again.
pub(super) fn validator(ids: &Ids, version: u64) -> String {
    format!("{}:{version}", ids.item)
}
