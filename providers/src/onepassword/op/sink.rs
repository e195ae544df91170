//! What becomes of what `op` prints, as it comes: an item's tokens, or a file's bytes. Nothing of it is
//! used before the program has ended well.

use crate::json::Tokenizer;
use crate::onepassword::item::{Item, Reader, Wants};
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

/// An item.
#[derive(Debug)]
pub(super) struct ItemSink<'a> {
    tokenizer: Tokenizer,
    reader: Reader<'a>,
    taken: usize,
    is_well: bool,
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
            tokenizer: Tokenizer::new(),
            reader: match files {
                Files::Exist => reader.listing(),
                _ => reader,
            },
            taken: 0,
            is_well: true,
        }
    }

    pub(super) fn finish(mut self) -> Result<Item, NoItem> {
        if self.taken > MAX_ITEM {
            return Err(NoItem::TooLarge);
        }
        let ended = self.tokenizer.finish(|token| self.reader.token(token));
        if !self.is_well || ended.is_err() {
            return Err(NoItem::Malformed);
        }
        self.reader.finish().map_err(|_| NoItem::Malformed)
    }
}

impl Sink for ItemSink<'_> {
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.is_well {
            // Read on, if it is no item: how it ends says more than that.
            let reader = &mut self.reader;
            let read = self.tokenizer.push(bytes, |token| reader.token(token));
            self.is_well = read.is_ok();
        }
        self.taken <= MAX_ITEM
    }
}

/// A vault's items.
#[derive(Debug)]
pub(super) struct ListSink {
    tokenizer: Tokenizer,
    reader: list::Reader<'static>,
    taken: usize,
    is_well: bool,
}

impl ListSink {
    /// The first `most` of them.
    pub(super) fn new(most: usize) -> Self {
        Self {
            tokenizer: Tokenizer::new(),
            reader: list::Reader::all("title", most),
            taken: 0,
            is_well: true,
        }
    }

    /// They, and whether there are more; `None`: it is no list.
    pub(super) fn finish(mut self) -> Option<(Vec<Candidate>, bool)> {
        let ended = self.tokenizer.finish(|token| self.reader.token(token));
        if self.taken > MAX_LIST || !self.is_well || ended.is_err() {
            return None;
        }
        self.reader.finish_all().ok()
    }
}

impl Sink for ListSink {
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.is_well {
            let reader = &mut self.reader;
            let read = self.tokenizer.push(bytes, |token| reader.token(token));
            self.is_well = read.is_ok();
        }
        self.taken <= MAX_LIST
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
