//! One item for all that is wanted of it: `op item get`, by its ids once these are known, because that
//! costs one request in place of three (contract onepassword.md §3.6).

use super::call::OpCall;
use super::complaint::Complaint;
use super::provider::Ids;
use super::run::{Call, No};
use super::sink::{FileSink, ItemSink, NoItem};
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::Reference as Own;
use crate::onepassword::is_id;
use crate::onepassword::item::{Circumstances, Item, Served, fold, instead, serve};
use crate::onepassword::wish::{Bytes, Files, Outcome, of_item, own, wants};
use crate::provider::{Answer, Fetched, Validator, Wanted};
use secretfs_memory::sealed::Sealed;
use std::time::SystemTime;

/// An item that came.
struct Came {
    item: Item,
    /// The validator of its version.
    current: Option<String>,
    asked: SystemTime,
}

/// Bytes that `op read` is to bring.
struct Content {
    file: Option<String>,
    size: Option<u64>,
}

/// What a newer `op` may print in place of a concealed value: never a value.
const HIDDEN: (&[u8], &[u8]) = (b"[use 'op item get ", b" to reveal]");

impl Call<'_> {
    /// What is wanted of one item, in that order.
    pub(super) async fn fetch(
        &self,
        wanted: &[Wanted],
        files: Files,
    ) -> Result<Vec<Outcome>, ProviderError> {
        let Some(of) = wanted.first().and_then(own) else {
            return Err(self.foreign());
        };
        let asked = self.cx.clock.wall();
        let item = self.item_of(of, wanted, files).await?;
        let came = Came {
            current: item.version.map(|version| format!("{}:{version}", item.id)),
            item,
            asked,
        };
        let mut outcomes = Vec::with_capacity(wanted.len());
        for (one, other, bytes) in of_item(wanted, of, files) {
            outcomes.push(match other {
                Some(other) => self.outcome(&came, one, other, bytes).await,
                None => Err(self.foreign()),
            });
        }
        Ok(outcomes)
    }

    /// What comes of one wish, now that its item is there.
    async fn outcome(&self, came: &Came, wanted: &Wanted, of: &Own, bytes: Bytes) -> Outcome {
        let held = wanted.validator.as_ref().map(|validator| &*validator.0);
        if held.is_some() && held == came.current.as_deref() {
            return Ok(Answer::Unchanged);
        }
        let cx = Circumstances {
            provider: &self.of.name,
            pool: &self.cx.pool,
            asked: came.asked,
            now: self.cx.clock.wall(),
        };
        let content = match serve(&came.item, of, wanted.max_size, &cx) {
            Ok(Served::Value(value)) if is_hidden(&value.value) => Content {
                file: None,
                size: None,
            },
            Ok(Served::Value(value)) => return Ok(Answer::Value(value)),
            Ok(Served::File { id, size }) => Content {
                file: Some(id),
                size,
            },
            // It is there, whatever room there is where nobody reads it.
            Err(error)
                if bytes == Bytes::Exist
                    && matches!(error.kind, ErrorKind::TooLarge | ErrorKind::NoMemory) =>
            {
                return Ok(Answer::Unchanged);
            }
            Err(error) if bytes == Bytes::Exist && error.kind == ErrorKind::Missing => {
                let help = instead(&came.item, of);
                return Err(ProviderError { help, ..error });
            }
            Err(error) => return Err(error),
        };
        match bytes {
            Bytes::Fetch => self.content(came, content, of, wanted.max_size).await,
            Bytes::Apart => Ok(Answer::Alone),
            Bytes::Exist => Ok(Answer::Unchanged),
        }
    }

    /// The bytes of a file, or of a field that the item came without.
    async fn content(&self, came: &Came, content: Content, of: &Own, max: usize) -> Outcome {
        let limit = u64::try_from(max).unwrap_or(u64::MAX);
        if content.size.is_some_and(|size| size > limit) {
            return Err(self.of.error(
                ErrorKind::TooLarge,
                &format!("{of} is larger than {max} bytes"),
                "raise `max_size` in the map",
            ));
        }
        let hint = content.size.and_then(|size| usize::try_from(size).ok());
        let call = OpCall::Read {
            of: of.clone(),
            vault: came.item.vault.clone(),
            item: came.item.id.clone(),
            file: content.file,
        };
        let sink = || FileSink::new(self.cx.pool.writer(hint, max));
        let sink = self.run(call, sink).await.map_err(|no| self.said(of, no))?;
        let sealed =
            |error| ProviderError::sealed(error, format_args!("provider {}: {of}", self.of.name));
        let value = sink.finish().map_err(sealed)?;
        let is_whole = |size| u64::try_from(value.len()) == Ok(size);
        if !content.size.is_none_or(is_whole) {
            return Err(self.nonsense("a file has another length than the item says"));
        }
        if is_hidden(&value) && content.size.is_none() {
            return Err(self.nonsense("it does not show the field"));
        }
        Ok(Answer::Value(Fetched {
            value,
            modified: came.item.modified,
            validator: came.current.as_deref().map(|at| Validator(at.into())),
            max_age: None,
        }))
    }

    /// The item that a reference is of. One that was known by another title by now is not the one that
    /// is meant: it is asked for by its names again.
    async fn item_of(
        &self,
        of: &Own,
        wanted: &[Wanted],
        files: Files,
    ) -> Result<Item, ProviderError> {
        let known = self.of.known(of);
        if let Some(ids) = known {
            match self.get(&ids.vault, &ids.item, wanted, files).await {
                Ok(item) if item.id == ids.item && is_meant(&item, of) => return Ok(item),
                Ok(_)
                | Err(No::This(Complaint::NoItem | Complaint::NoVault | Complaint::Denied)) => {
                    self.of.forget_ids(of);
                }
                Err(no) => return Err(self.said(of, no)),
            }
        }
        let item = self.get(&of.vault, &of.item, wanted, files).await;
        let item = item.map_err(|no| self.said(of, no))?;
        if item.title.is_empty() && item.id != of.item {
            return Err(self.nonsense("an item has no title"));
        }
        if !is_meant(&item, of) {
            // `op` takes the address of a login for a name, too.
            return Err(self.of.about(of, &Complaint::NoItem));
        }
        if is_id(&item.id) && is_id(&item.vault) {
            self.of.keep_ids(
                of,
                Ids {
                    vault: item.vault.clone(),
                    item: item.id.clone(),
                },
            );
        }
        Ok(item)
    }

    pub(super) async fn get(
        &self,
        vault: &str,
        item: &str,
        wanted: &[Wanted],
        files: Files,
    ) -> Result<Item, No> {
        let call = OpCall::Item {
            vault: vault.to_owned(),
            item: item.to_owned(),
        };
        let sink = self
            .run(call, || ItemSink::new(wants(&self.cx.pool, wanted), files))
            .await?;
        sink.finish().map_err(|why| {
            No::All(match why {
                NoItem::Malformed => self.nonsense("it is no item"),
                NoItem::TooLarge => self.nonsense("it is larger than any item"),
            })
        })
    }

    fn said(&self, of: &Own, no: No) -> ProviderError {
        match no {
            No::This(complaint) => self.of.about(of, &complaint),
            No::All(error) => error,
        }
    }

    pub(super) fn nonsense(&self, what: &str) -> ProviderError {
        self.of.error(
            ErrorKind::Protocol,
            &format!("what the program `op` prints makes no sense: {what}"),
            "see whether `op` on the PATH is 1Password's, version 2.26.1 or later",
        )
    }

    fn foreign(&self) -> ProviderError {
        self.of.error(
            ErrorKind::Unsupported,
            "another reference than one of 1Password, or of another item",
            "",
        )
    }
}

/// Whether an item is the one that a reference names.
fn is_meant(item: &Item, of: &Own) -> bool {
    let is_vault = item.vault == of.vault
        || item.vault_name.is_empty()
        || fold(&item.vault_name) == fold(&of.vault);
    let is_title = !item.title.is_empty() && fold(&item.title) == fold(&of.item);
    is_vault && (item.id == of.item || is_title)
}

/// Whether a value is none, but what stands in for one.
fn is_hidden(value: &Sealed) -> bool {
    let (start, end) = HIDDEN;
    if value.len() < start.len() + end.len() || value.len() > 512 {
        return false;
    }
    let mut head = [0; HIDDEN.0.len()];
    let mut tail = [0; HIDDEN.1.len()];
    let read = value
        .read_at(0, &mut head)
        .and_then(|_| value.read_at(value.len().saturating_sub(end.len()), &mut tail));
    let is_it = read.is_ok() && head == *start && tail == *end;
    zeroize::Zeroize::zeroize(&mut head);
    zeroize::Zeroize::zeroize(&mut tail);
    is_it
}
