//! What becomes of what `op` prints, as it comes: an item's tokens, or a file's bytes. Nothing of it is
//! used before the program has ended well.

use crate::json::{Token, Tokenizer};
use crate::onepassword::item::{Item, Malformed, Reader, Wants};
use crate::onepassword::list::{self, Candidate};
use crate::onepassword::wish::Files;
use secretfs_memory::sealed::{Sealed, SealedError, SealedWriter};

/// The most bytes of an item.
const MAX_ITEM: usize = 4 << 20;
/// The most bytes of a list: some 700 for each item, of which a vault may have ten thousands.
const MAX_LIST: usize = 32 << 20;

/// Takes what is printed.
pub(super) trait Sink {
    /// The next bytes; false: no more of them are taken.
    fn take(&mut self, bytes: &[u8]) -> bool;
}

/// JSON, token by token. Read on where it is not what was asked for: how the program ends says more than
/// that.
#[derive(Debug)]
struct Tokens {
    tokenizer: Tokenizer,
    taken: usize,
    most: usize,
    is_well: bool,
}

impl Tokens {
    /// Of at most so many bytes.
    fn new(most: usize) -> Self {
        Self {
            tokenizer: Tokenizer::new(),
            taken: 0,
            most,
            is_well: true,
        }
    }

    fn take(&mut self, bytes: &[u8], each: impl FnMut(Token<'_>) -> Result<(), Malformed>) -> bool {
        self.taken = self.taken.saturating_add(bytes.len());
        self.is_well = self.is_well && self.tokenizer.push(bytes, each).is_ok();
        !self.is_too_large()
    }

    fn is_too_large(&self) -> bool {
        self.taken > self.most
    }

    /// Whether it was well until its end.
    fn finish(self, each: impl FnMut(Token<'_>) -> Result<(), Malformed>) -> bool {
        self.is_well && !self.is_too_large() && self.tokenizer.finish(each).is_ok()
    }
}

/// An item.
#[derive(Debug)]
pub(super) struct ItemSink<'a> {
    tokens: Tokens,
    reader: Reader<'a>,
}

/// Why there is no item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoItem {
    /// It is none.
    Malformed,
    /// It is larger than any.
    TooLarge,
}

impl<'a> ItemSink<'a> {
    /// Where nobody reads, what there is beside what is wanted is listed, for advice.
    pub(super) fn new(wants: Wants<'a>, files: Files) -> Self {
        let reader = Reader::new(wants);
        Self {
            tokens: Tokens::new(MAX_ITEM),
            reader: match files {
                Files::Exist => reader.listing(),
                _ => reader,
            },
        }
    }

    pub(super) fn finish(mut self) -> Result<Item, NoItem> {
        if self.tokens.is_too_large() {
            return Err(NoItem::TooLarge);
        }
        if !self.tokens.finish(|token| self.reader.token(token)) {
            return Err(NoItem::Malformed);
        }
        self.reader.finish().map_err(|_| NoItem::Malformed)
    }
}

impl Sink for ItemSink<'_> {
    fn take(&mut self, bytes: &[u8]) -> bool {
        let reader = &mut self.reader;
        self.tokens.take(bytes, |token| reader.token(token))
    }
}

/// A vault's items.
#[derive(Debug)]
pub(super) struct ListSink {
    tokens: Tokens,
    reader: list::Reader<'static>,
}

impl ListSink {
    /// The first `most` of them.
    pub(super) fn new(most: usize) -> Self {
        Self {
            tokens: Tokens::new(MAX_LIST),
            reader: list::Reader::all("title", most),
        }
    }

    /// They, and whether there are more; `None`: it is no list.
    pub(super) fn finish(mut self) -> Option<(Vec<Candidate>, bool)> {
        let is_whole = self.tokens.finish(|token| self.reader.token(token));
        is_whole.then_some(self.reader)?.finish_all().ok()
    }
}

impl Sink for ListSink {
    fn take(&mut self, bytes: &[u8]) -> bool {
        let reader = &mut self.reader;
        self.tokens.take(bytes, |token| reader.token(token))
    }
}

/// A file's or field's bytes.
#[derive(Debug)]
pub(super) struct FileSink {
    writer: SealedWriter,
    failed: Option<SealedError>,
}

impl FileSink {
    pub(super) fn new(writer: SealedWriter) -> Self {
        Self {
            writer,
            failed: None,
        }
    }

    pub(super) fn finish(self) -> Result<Sealed, SealedError> {
        match self.failed {
            Some(error) => Err(error),
            None => self.writer.finish(),
        }
    }
}

impl Sink for FileSink {
    fn take(&mut self, bytes: &[u8]) -> bool {
        if self.failed.is_none() {
            self.failed = self.writer.append(bytes).err();
        }
        self.failed.is_none()
    }
}
