//! JSON as it arrives: chunks in, tokens out, and a string's text in pieces, so that a value goes
//! straight into a sealed area and neither a body nor a value is ever buffered.
//!
//! Parsers that pull need a blocking reader (`struson`, for vaults that are files); those that are
//! pushed hand out whole strings only. Strict RFC 8259, with bounds: what a server sends cannot make
//! it grow, panic or recurse.
//!
//! | file | idea |
//! |---|---|
//! | `tokenizer` | the grammar |
//! | `text` | strings: UTF-8 over chunk boundaries, escapes |
//! | `number` | numbers |

mod number;
#[cfg(test)]
mod tests;
mod text;
mod tokenizer;

pub use tokenizer::Tokenizer;

/// The most bytes of an object's member name.
pub const MAX_NAME: usize = 1024;
/// The most bytes of a number.
pub const MAX_NUMBER: usize = 64;
/// How deep objects and arrays may nest.
pub const MAX_DEPTH: u32 = 64;

/// One step of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// A member's name; its value comes next.
    Name(&'a str),
    /// A string value begins.
    TextStart,
    /// A piece of it, unescaped, never empty.
    Text(&'a str),
    /// It is complete.
    TextEnd,
    /// A number, as it was written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// Why a document cannot be read. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A byte that the grammar does not allow there.
    #[error("byte {at} is not JSON")]
    Syntax {
        /// Its place, counted from 0.
        at: u64,
    },
    /// A string is not UTF-8, or has half of a surrogate pair.
    #[error("the text before byte {at} is not Unicode")]
    Unicode {
        /// The place, counted from 0.
        at: u64,
    },
    /// A name, a number or the nesting exceeds its bound.
    #[error("more than the limit of {limit} at byte {at}")]
    Bound {
        /// [`MAX_NAME`], [`MAX_NUMBER`] or [`MAX_DEPTH`].
        limit: usize,
        /// The place, counted from 0.
        at: u64,
    },
    /// The document ended early.
    #[error("it ends early, after {after} bytes")]
    Truncated {
        /// How many bytes there were.
        after: u64,
    },
}

/// A document that cannot be read, or a sink that does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The document.
    Json(JsonError),
    /// The sink.
    Sink(E),
}
