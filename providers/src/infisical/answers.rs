//! Bodies of answers read without a server, cut wherever the caller likes: what fuzzing drives (feature
//! `test-hooks`). The rooms are those that a real answer goes through.

use super::api::Folder;
use super::events::lines::Lines;
use super::picks::{Picks, Which};
use super::refusal;
use super::secrets::{Reader, Value};
use crate::answers::{Seen, Shown};
use crate::json::{Stopped, Tokenizer};
use secretfs_memory::sealed::SealedPool;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is kept of the list of the folder `/` of `dev`: of these names, each with the most bytes of its
/// value, or of all.
///
/// # Errors
/// In our own words: it is not JSON, or not a list.
pub fn list<'c>(
    pool: &Arc<SealedPool>,
    chunks: impl IntoIterator<Item = &'c [u8]>,
    wanted: Option<BTreeMap<String, usize>>,
    most: usize,
    personal: bool,
) -> Result<Vec<Seen>, String> {
    let folder = Folder {
        environment: "dev",
        path: "/",
        expand: true,
    };
    let which = wanted.map_or(Which::All(most), Which::Some);
    let mut tokenizer = Tokenizer::new();
    let mut reader = Reader::new(Picks::new(pool, folder, which, personal));
    for chunk in chunks {
        let read = tokenizer.push(chunk, |token| reader.token(token));
        read.map_err(told)?;
    }
    let read = tokenizer.finish(|token| reader.token(token));
    read.map_err(told)?;
    let picks = reader.finish().map_err(|_| "no list".to_owned())?;
    if picks.is_another || picks.is_full {
        return Err("another folder, or too many names".to_owned());
    }
    let seen = picks.found.into_iter().map(|(name, pick)| Seen {
        name,
        value: match pick.value {
            _ if pick.twice => Shown::Ambiguous,
            Value::Whole(value) => Shown::of(&value),
            Value::Failed(error) => Shown::Failed(error),
            Value::Hidden => Shown::Hidden,
            Value::Absent | Value::Dropped => Shown::Absent,
        },
    });
    Ok(seen.collect())
}

/// What a refusal of this status is taken for, and the id that would be logged.
#[must_use]
pub fn refused(status: u16, body: &[u8]) -> (String, Option<String>) {
    refusal::shown(status, body)
}

/// How many pieces of an event stream ended an event.
#[must_use]
pub fn events<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> usize {
    let mut lines = Lines::default();
    chunks.into_iter().filter(|it| lines.push(it)).count()
}

fn told<E: std::fmt::Debug>(stopped: Stopped<E>) -> String {
    match stopped {
        Stopped::Json(error) => error.to_string(),
        Stopped::Sink(error) => format!("{error:?}"),
    }
}
