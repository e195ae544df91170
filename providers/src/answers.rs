//! What came of an answer that was read without a server (feature `test-hooks`).

use secretfs_memory::sealed::{Sealed, SealedError};

/// A secret of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name, or the field's.
    pub name: String,
    /// What would be served.
    pub value: Shown,
}

/// A value, out of the sealed memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// There was none.
    Absent,
    /// The server does not show it.
    Hidden,
    /// It came twice.
    Ambiguous,
    /// It could not be kept.
    Failed(SealedError),
    /// Its bytes.
    Bytes(Vec<u8>),
}

impl Shown {
    /// The bytes of a value.
    #[must_use]
    pub fn of(value: &Sealed) -> Self {
        let mut bytes = Vec::with_capacity(value.len());
        match value.expose(|piece| bytes.extend_from_slice(piece)) {
            Ok(()) => Self::Bytes(bytes),
            Err(error) => Self::Failed(error),
        }
    }
}
