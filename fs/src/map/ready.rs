//! A map that a command has read and compiled, on its way to the mount-helper that it starts: parsing
//! 10,000 entries a second time would take as long as everything else of a mount.

use super::{CompileError, Map};
use sha2::{Digest, Sha256};
use std::os::fd::OwnedFd;

/// The digest of a map's text. What was compiled from a text of this digest is what any other reader
/// of it would compile.
pub type TextDigest = [u8; 32];

/// The digest of `text`.
#[must_use]
pub fn digest(text: &str) -> TextDigest {
    Sha256::digest(text.as_bytes()).into()
}

/// A compiled map, and which text it was.
#[derive(Debug)]
pub struct Ready {
    /// Of the text.
    pub text: TextDigest,
    /// The archive, in a sealed memfd.
    pub archive: OwnedFd,
}

/// Why a map could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// It is too large.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The memory for it cannot be had.
    #[error("no memory for the compiled map: {0}")]
    Memory(#[from] std::io::Error),
}

impl Ready {
    /// Compiles a map whose text has the digest `text`.
    ///
    /// # Errors
    /// See [`ReadyError`].
    pub fn new(map: &Map, text: TextDigest) -> Result<Self, ReadyError> {
        let bytes = map.compile()?;
        let archive = secretfs_memory::shared::publish("secretfs-map", &bytes)?;
        Ok(Self { text, archive })
    }
}
