//! What passes between the scripted provider and its simulator: frames of a length, a kind and a
//! body. One connection for each request; closing it cancels.

use crate::error::ErrorKind;
use serde::{Deserialize, Serialize};

/// The most bytes of a frame's body.
pub const MAX_FRAME: usize = 64 * 1024;

/// The kind of a frame whose body is JSON: a [`Request`] or an [`Event`].
pub const JSON: u8 = b'J';
/// The kind of a frame whose body is a piece of the current value.
pub const DATA: u8 = b'D';

/// Five bytes before each body: its length (u32, little endian), and its kind.
pub const HEADER: usize = 5;

/// What a frame starts with; `None` where the body is too long.
#[must_use]
pub fn header(kind: u8, body: &[u8]) -> Option<[u8; HEADER]> {
    let len = u32::try_from(body.len()).ok()?;
    if body.len() > MAX_FRAME {
        return None;
    }
    let [a, b, c, d] = len.to_le_bytes();
    Some([a, b, c, d, kind])
}

/// The kind and the body's length of a frame; `None` where it is too long.
#[must_use]
pub fn parse_header(header: [u8; HEADER]) -> Option<(u8, usize)> {
    let [a, b, c, d, kind] = header;
    let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    (len <= MAX_FRAME).then_some((kind, len))
}

/// Which method of the trait was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// `fetch`.
    Fetch,
    /// `fetch_many`.
    FetchMany,
    /// `fetch_folder`.
    FetchFolder,
    /// `list`.
    List,
    /// `check`.
    Check,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which method.
    pub op: Op,
    /// The secrets' names; for a folder, its path alone.
    pub names: Vec<String>,
    /// The validators of the wanted secrets, in the order of `names`.
    pub validators: Vec<Option<String>>,
    /// The folder's environment, where one was given.
    pub environment: Option<String>,
    /// The token that was supplied, so that tests can see it arrive and go.
    pub token: Option<String>,
}

/// A step of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A value starts: its bytes follow as [`DATA`] frames, up to [`Event::End`].
    Value {
        /// Which secret, by its place in [`Request::names`]; counted up for a folder.
        index: usize,
        /// Its name. One that is not the asked one is an answer that makes no sense.
        name: String,
        /// Milliseconds since 1970 of its last change.
        modified_ms: Option<u64>,
        /// For the next conditional request.
        validator: Option<String>,
        /// Keep it no longer than this.
        max_age_ms: Option<u64>,
    },
    /// The value is complete.
    End,
    /// The value is the one of the validator.
    Unchanged {
        /// Which secret.
        index: usize,
    },
    /// One secret failed.
    Failed {
        /// Which secret.
        index: usize,
        /// Why.
        kind: ErrorKind,
    },
    /// The whole call failed.
    Refused {
        /// Why.
        kind: ErrorKind,
    },
    /// A folder's names.
    Names(Vec<String>),
    /// The answer is complete.
    Done,
}
