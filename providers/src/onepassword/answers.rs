//! Bodies of answers read without a server or program, cut wherever the caller likes: what fuzzing drives
//! (feature `test-hooks`). The rooms are those that a real answer goes through.

use super::item::{Circumstances, Item, Reader, Served, Wants, fold, serve};
use super::{Reference, list};
use crate::answers::Shown;
use crate::error::ProviderError;
use crate::json::{Stopped, Tokenizer};
use secretfs_memory::sealed::SealedPool;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What a reference is answered with out of an item: the value; `None`, where it is a file.
///
/// # Errors
/// In our own words: it is no item, or nothing can be served.
pub fn served<'c>(
    pool: &Arc<SealedPool>,
    chunks: impl IntoIterator<Item = &'c [u8]>,
    of: &Reference,
    most: usize,
    is_listing: bool,
) -> Result<Option<Shown>, String> {
    let item = item(pool, chunks, of, most, is_listing)?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let cx = Circumstances {
        provider: "one",
        pool,
        asked: now,
        now,
    };
    let served = serve(&item, of, most, &cx);
    match served.map_err(|error: ProviderError| format!("{error}\n{}", error.help))? {
        Served::Value(fetched) => Ok(Some(Shown::of(&fetched.value))),
        Served::File { .. } => Ok(None),
    }
}

fn item<'c>(
    pool: &Arc<SealedPool>,
    chunks: impl IntoIterator<Item = &'c [u8]>,
    of: &Reference,
    most: usize,
    is_listing: bool,
) -> Result<Item, String> {
    let mut reader = Reader::new(Wants {
        pool,
        max: most,
        names: std::iter::once(fold(&of.field)).collect(),
    });
    if is_listing {
        reader = reader.listing();
    }
    let mut tokenizer = Tokenizer::new();
    for chunk in chunks {
        let read = tokenizer.push(chunk, |token| reader.token(token));
        read.map_err(told)?;
    }
    let read = tokenizer.finish(|token| reader.token(token));
    read.map_err(told)?;
    reader.finish().map_err(|error| format!("{error:?}"))
}

/// The ids that a name is in a list of items.
///
/// # Errors
/// In our own words: it is no list.
pub fn found<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
    name: &str,
) -> Result<Vec<String>, String> {
    let mut reader = list::Reader::new("title", name);
    let mut tokenizer = Tokenizer::new();
    for chunk in chunks {
        let read = tokenizer.push(chunk, |token| reader.token(token));
        read.map_err(told)?;
    }
    let read = tokenizer.finish(|token| reader.token(token));
    read.map_err(told)?;
    match reader.finish().map_err(|error| format!("{error:?}"))? {
        list::Choice::None => Ok(Vec::new()),
        list::Choice::One(one) => Ok(vec![one.id]),
        list::Choice::Several(ids) => Ok(ids),
    }
}

fn told<E: std::fmt::Debug>(stopped: Stopped<E>) -> String {
    match stopped {
        Stopped::Json(error) => error.to_string(),
        Stopped::Sink(error) => format!("{error:?}"),
    }
}
