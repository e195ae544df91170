//! Vault and item by id or name (contract onepassword.md §4.3, §4.4). What looks like an id is tried as
//! one first, and may be a name all the same; names are asked for by a filter and compared here.

use super::call::{Ask, Call, No};
use super::is_id;
use super::known::{Content, Ids};
use super::refusal::Refusal;
use crate::error::{ErrorKind, ProviderError};
use crate::http::Response;
use crate::json::Tokenizer;
use crate::onepassword::Reference;
use crate::onepassword::item::listed;
use crate::onepassword::list::{Choice, Reader};
use tokio::time::timeout_at;

/// The most bytes of a list.
const MAX_LIST: u64 = 4 << 20;

/// An item that was found, its answer still to be read.
pub(super) struct Found {
    pub(super) ids: Ids,
    /// The state that its vault was last seen in before it was asked for: the item is of that state, or
    /// of a later one.
    pub(super) content: Option<u64>,
    /// Whether it is meant by its title, which it may not have any more.
    pub(super) by_title: bool,
    pub(super) response: Response,
}

/// Why an item was not found in a vault.
enum Miss {
    /// There is no such item in it.
    Item,
    /// There is no such vault.
    Vault,
    /// The vault may not be read, or there is none of this id.
    Denied,
}

impl Call<'_> {
    /// The item that a reference is of.
    pub(super) async fn find(&self, of: &Reference) -> Result<Found, ProviderError> {
        let name = of.vault.as_str();
        let remembered = self.of.known().vault(name).cloned();
        if let Some(vault) = remembered {
            match self.in_vault(&vault, of).await? {
                Ok(found) => return Ok(found),
                Err(Miss::Item) => return Err(self.no_item(of)),
                // It may have another id by now.
                Err(Miss::Vault | Miss::Denied) => self.of.known().forget_vault(name),
            }
        }
        let mut as_id = None;
        if is_id(name) {
            match self.in_vault(name, of).await? {
                Ok(found) => return Ok(found),
                Err(Miss::Item) => return Err(self.no_item(of)),
                Err(miss) => as_id = Some(miss),
            }
        }
        let Some(vault) = self.vault_of(name).await? else {
            return Err(match as_id {
                Some(Miss::Denied) => self.denied(of),
                _ => self.no_vault(of),
            });
        };
        match self.in_vault(&vault, of).await? {
            Ok(found) => Ok(found),
            Err(Miss::Item) => Err(self.no_item(of)),
            Err(Miss::Vault) => Err(self.no_vault(of)),
            Err(Miss::Denied) => Err(self.denied(of)),
        }
    }

    /// The item in the vault of this id.
    async fn in_vault(
        &self,
        vault: &str,
        of: &Reference,
    ) -> Result<Result<Found, Miss>, ProviderError> {
        let title = of.item.as_str();
        let remembered = self.of.known().title(vault, title).cloned();
        for id in remembered.iter().map(String::as_str).chain(
            // What looks like an id is one as a rule.
            (remembered.is_none() && is_id(title)).then_some(title),
        ) {
            match self.item(vault, id, remembered.is_some()).await? {
                Ok(found) => return Ok(Ok(found)),
                Err(No::Denied) => return Ok(Err(Miss::Denied)),
                // It may be another one by now, or a title that looks like an id.
                Err(No::Missing) => self.of.known().forget_title(vault, title),
            }
        }
        let filter = equals("title", title);
        let ask = Ask {
            path: &["v1", "vaults", vault, "items"],
            query: &[("filter", &filter)],
            is_file: false,
        };
        let choice = match self.get(ask).await? {
            Ok(response) => self.choose(response, "title", title).await?,
            Err(No::Missing) => return Ok(Err(Miss::Vault)),
            Err(No::Denied) => return Ok(Err(Miss::Denied)),
        };
        let id = match choice {
            Choice::None => return Ok(Err(Miss::Item)),
            Choice::One(one) => one.id,
            Choice::Several(ids) => return Err(self.ambiguous(of, "items of that title", &ids)),
        };
        match self.item(vault, &id, true).await? {
            Ok(found) => {
                self.of.known().keep_title(vault, title, &id);
                Ok(Ok(found))
            }
            Err(No::Missing) => Ok(Err(Miss::Item)),
            Err(No::Denied) => Ok(Err(Miss::Denied)),
        }
    }

    /// The item of these ids.
    async fn item(
        &self,
        vault: &str,
        item: &str,
        by_title: bool,
    ) -> Result<Result<Found, No>, ProviderError> {
        let ask = Ask {
            path: &["v1", "vaults", vault, "items", item],
            query: &[],
            is_file: false,
        };
        let ids = Ids {
            vault: vault.to_owned(),
            item: item.to_owned(),
        };
        let content = self.of.known().content(vault);
        let content = content.map(|content| content.version);
        Ok(self.get(ask).await?.map(|response| Found {
            ids,
            content,
            by_title,
            response,
        }))
    }

    /// The id of the vault of that name. One asks, the others wait for that one.
    pub(super) async fn vault_of(&self, name: &str) -> Result<Option<String>, ProviderError> {
        let turn = timeout_at(self.turn.budget.until(), self.of.naming.lock()).await;
        let _turn = turn
            .map_err(|_| self.error(ErrorKind::TimedOut, "the vault was not found in time", ""))?;
        if let Some(id) = self.of.known().vault(name) {
            return Ok(Some(id.clone()));
        }
        let seen = self.cx.clock.now();
        let filter = equals("name", name);
        let ask = Ask {
            path: &["v1", "vaults"],
            query: &[("filter", &filter)],
            is_file: false,
        };
        let response = match self.get(ask).await? {
            Ok(response) => response,
            Err(No::Denied) => return Err(self.failed(Refusal::Denied { is_sporadic: false })),
            // The list of vaults is always there.
            Err(No::Missing) => return Err(self.failed(Refusal::Stranger)),
        };
        match self.choose(response, "name", name).await? {
            Choice::None => Ok(None),
            Choice::One(vault) => {
                let mut known = self.of.known();
                known.keep_vault(name, &vault.id);
                if let Some(version) = vault.content {
                    known.keep_content(&vault.id, Content { version, seen });
                }
                Ok(Some(vault.id))
            }
            Choice::Several(ids) => Err(self.error(
                ErrorKind::Ambiguous,
                &format!("several vaults are named {name:?}: {}", listed(&ids)),
                "write the vault's id in place of its name",
            )),
        }
    }

    /// Which one of a list has that name.
    async fn choose(
        &self,
        response: Response,
        member: &'static str,
        name: &str,
    ) -> Result<Choice, ProviderError> {
        let reader = self.read_list(response, Reader::new(member, name)).await?;
        reader.finish().map_err(|_| self.nonsense("it is no list"))
    }

    /// Reads a list to its end.
    pub(super) async fn read_list<'r>(
        &self,
        mut response: Response,
        mut reader: Reader<'r>,
    ) -> Result<Reader<'r>, ProviderError> {
        let nonsense = || self.nonsense("it is no list");
        let mut tokenizer = Tokenizer::new();
        while let Some(chunk) = response.chunk(MAX_LIST).await? {
            let read = tokenizer.push(&chunk, |token| reader.token(token));
            read.map_err(|_| nonsense())?;
        }
        let read = tokenizer.finish(|token| reader.token(token));
        read.map_err(|_| nonsense())?;
        Ok(reader)
    }

    fn no_vault(&self, of: &Reference) -> ProviderError {
        self.error(
            ErrorKind::Missing,
            &format!("{of}: there is no such vault, or the token has no access to it"),
            "check the vault's name or id in the map, and what the token may read; Connect serves no private vaults",
        )
    }

    fn no_item(&self, of: &Reference) -> ProviderError {
        self.error(
            ErrorKind::Missing,
            &format!("{of}: there is no such item in the vault"),
            "check the item's title or id in the map",
        )
    }

    fn denied(&self, of: &Reference) -> ProviderError {
        self.error(
            ErrorKind::Denied,
            &format!("{of}: the token may not read the vault, or there is none of this id"),
            "give the token access to the vault, or check the id in the map",
        )
    }

    fn ambiguous(&self, of: &Reference, what: &str, ids: &[String]) -> ProviderError {
        self.error(
            ErrorKind::Ambiguous,
            &format!("{of}: several {what}: {}", listed(ids)),
            "write the item's id in place of its title",
        )
    }
}

/// `name eq "…"`: what the text holds stays inside the quotes.
fn equals(member: &str, text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{member} eq \"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::equals;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(equals("name", "Prod DB"), r#"name eq "Prod DB""#);
        assert_eq!(
            equals("title", r#"x" or title pr "\"#),
            r#"title eq "x\" or title pr \"\\""#
        );
    }
}
