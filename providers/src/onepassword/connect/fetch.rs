//! One item for all that is wanted of it.

use super::call::Call;
use super::file::Content;
use super::find::Found;
use super::fresh::validator;
use super::known::{Checked, Ids};
use crate::error::{ErrorKind, ProviderError};
use crate::json::{JsonError, Stopped, Tokenizer};
use crate::onepassword::Reference as Own;
use crate::onepassword::item::{
    Circumstances, Item, Malformed, Reader, Served, fold, instead, serve,
};
use crate::onepassword::wish::{Bytes, Files, Outcome, of_item, own, wants};
use crate::provider::{Answer, Wanted};
use std::time::SystemTime;

/// The most bytes of an item.
const MAX_ITEM: u64 = 4 << 20;

/// An item that came, and under what circumstances.
struct Came {
    ids: Ids,
    item: Item,
    /// The validator of its version.
    current: Option<String>,
    /// When it was asked for.
    asked: SystemTime,
}

impl Call<'_> {
    /// What is wanted of one item, in that order.
    pub(super) async fn fetch(
        self,
        wanted: &[Wanted],
        files: Files,
    ) -> Result<Vec<Outcome>, ProviderError> {
        let Some(of) = wanted.first().and_then(own) else {
            return Err(self.foreign());
        };
        let known = self.of.known().ids(&of.vault, &of.item);
        if let Some(ids) = known
            && self.is_unchanged(of, &ids, wanted).await?
        {
            return Ok(wanted.iter().map(|_| Ok(Answer::Unchanged)).collect());
        }
        let asked = self.cx.clock.wall();
        let (ids, item) = match self.item_of(of, wanted, files).await {
            Ok(found) => found,
            Err(error) if files == Files::Exist => return Err(self.advised(error, of).await),
            Err(error) => return Err(error),
        };
        let came = Came {
            current: item.version.map(|version| validator(&ids, version)),
            ids,
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
            provider: self.of.name(),
            pool: &self.cx.pool,
            asked: came.asked,
            now: self.cx.clock.wall(),
        };
        let served = serve(&came.item, of, wanted.max_size, &cx);
        match (served, bytes) {
            (Ok(Served::Value(value)), _) => Ok(Answer::Value(value)),
            (Ok(Served::File { id, size }), Bytes::Fetch) => {
                let content = Content {
                    id,
                    size,
                    modified: came.item.modified,
                    version: came.current.as_deref(),
                };
                self.content_of(&came.ids, content, of, wanted.max_size)
                    .await
            }
            (Ok(Served::File { .. }), Bytes::Apart) => Ok(Answer::Alone),
            (Ok(Served::File { .. }), Bytes::Exist) => Ok(Answer::Unchanged),
            // It is there, whatever room there is where nobody reads it.
            (Err(error), Bytes::Exist)
                if matches!(error.kind, ErrorKind::TooLarge | ErrorKind::NoMemory) =>
            {
                Ok(Answer::Unchanged)
            }
            (Err(error), Bytes::Exist)
                if error.kind == ErrorKind::Missing && came.item.is_active =>
            {
                let help = instead(&came.item, of);
                Err(ProviderError { help, ..error })
            }
            (Err(error), _) => Err(error),
        }
    }

    /// The item that a reference is of. One that was known by another title by now is not the one that
    /// is meant: it is looked for again.
    async fn item_of(
        &self,
        of: &Own,
        wanted: &[Wanted],
        files: Files,
    ) -> Result<(Ids, Item), ProviderError> {
        for _ in 0..2 {
            let found = self.find(of).await?;
            let (ids, by_title) = (found.ids.clone(), found.by_title);
            let item = self.read(found, wanted, files).await?;
            if !by_title || item.title.is_empty() || fold(&item.title) == fold(&of.item) {
                return Ok((ids, item));
            }
            self.of.known().forget_title(&ids.vault, &of.item);
        }
        Err(self.nonsense("its titles are not what it lists"))
    }

    /// Reads an item, and remembers its version.
    pub(super) async fn read(
        &self,
        found: Found,
        wanted: &[Wanted],
        files: Files,
    ) -> Result<Item, ProviderError> {
        let Found {
            ids,
            content,
            mut response,
            ..
        } = found;
        let wants = wants(&self.cx.pool, wanted);
        let mut tokenizer = Tokenizer::new();
        let mut reader = Reader::new(wants);
        if files == Files::Exist {
            reader = reader.listing();
        }
        while let Some(chunk) = response.chunk(MAX_ITEM).await? {
            let read = tokenizer.push(&chunk, |token| reader.token(token));
            read.map_err(|stopped| self.unread(&stopped))?;
        }
        let read = tokenizer.finish(|token| reader.token(token));
        read.map_err(|stopped| self.unread(&stopped))?;
        let item = reader.finish();
        let item = item.map_err(|_| self.nonsense("it is no item"))?;
        let is_of_vault = item.vault.is_empty() || item.vault == ids.vault;
        if item.id != ids.item || !is_of_vault {
            return Err(self.nonsense("it is another item than the one asked for"));
        }
        if let Some(version) = item.version {
            self.of
                .known()
                .keep_checked(&ids, Checked { version, content });
        }
        Ok(item)
    }

    fn unread(&self, stopped: &Stopped<Malformed>) -> ProviderError {
        match stopped {
            // The length that was announced came: it is the server that wrote half a document.
            Stopped::Json(JsonError::Truncated { .. }) => self.nonsense("it ends early"),
            Stopped::Json(_) => self.nonsense("it is not JSON"),
            Stopped::Sink(_) => self.nonsense("it is no item"),
        }
    }

    fn foreign(&self) -> ProviderError {
        self.error(
            ErrorKind::Unsupported,
            "another reference than one of 1Password, or of another item",
            "",
        )
    }
}
