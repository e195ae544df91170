//! A value on its way into the vault: in the (locked) heap, in pieces, so that it never has to move
//! to grow, and wiped when it is dropped.

use super::{MAX_VALUE, VaultError};
use secretfs_memory::heap;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

const PIECE: usize = 16 * 1024;

/// The bytes of one value.
#[derive(Default)]
pub struct PlainValue {
    pieces: Vec<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for PlainValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainValue([REDACTED])")
    }
}

impl PlainValue {
    /// Reads `from` to its end, exactly. `path` is for messages.
    ///
    /// # Errors
    /// It cannot be read, is larger than [`MAX_VALUE`], or there is no room for it.
    pub fn read(mut from: impl Read, path: &Path) -> Result<Self, VaultError> {
        let mut value = Self::default();
        let mut piece = Zeroizing::new(vec![0; PIECE]);
        loop {
            match from.read(&mut piece) {
                Ok(0) => return Ok(value),
                Ok(n) => value.append(piece.get(..n).unwrap_or_default())?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(VaultError::Io {
                        what: "read",
                        path: path.to_owned(),
                        source,
                    });
                }
            }
        }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Larger than [`MAX_VALUE`], or no room.
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<(), VaultError> {
        if self.len() + bytes.len() > MAX_VALUE {
            return Err(VaultError::ValueTooLarge(MAX_VALUE));
        }
        while !bytes.is_empty() {
            let last = self.pieces.last_mut();
            let Some(last) = last.filter(|piece| piece.len() < PIECE) else {
                if !heap::has_room(2 * PIECE) {
                    return Err(VaultError::NoMemory);
                }
                // A small value takes a small piece: an import has hundreds of them.
                let size = if self.pieces.is_empty() && bytes.len() < PIECE {
                    bytes.len().next_power_of_two().max(64)
                } else {
                    PIECE
                };
                self.pieces.push(Zeroizing::new(Vec::with_capacity(size)));
                continue;
            };
            let mut n = bytes.len().min(PIECE - last.len());
            if last.capacity() == last.len() {
                // Moves once at most: `Zeroizing` would not wipe what `Vec` leaves behind.
                let mut larger = Vec::with_capacity(PIECE);
                larger.extend_from_slice(last);
                *last = Zeroizing::new(larger);
            }
            n = n.min(last.capacity() - last.len());
            let (now, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
            last.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| piece.as_slice())
    }

    /// A copy of its bytes, for tests.
    #[cfg(feature = "test-hooks")]
    #[must_use]
    pub fn copied(&self) -> Vec<u8> {
        self.pieces().flatten().copied().collect()
    }

    /// Whether it can be a JSON string.
    pub(super) fn is_utf8(&self) -> bool {
        // A character cut in two by the end of a piece: at most 3 bytes of it wait here.
        let mut cut: Vec<u8> = Vec::with_capacity(8);
        for mut piece in self.pieces() {
            while !cut.is_empty() {
                let Some((first, rest)) = piece.split_first() else {
                    break;
                };
                cut.push(*first);
                piece = rest;
                match std::str::from_utf8(&cut) {
                    Ok(_) => cut.clear(),
                    Err(e) if e.error_len().is_none() => {}
                    Err(_) => return false,
                }
            }
            if let Err(e) = std::str::from_utf8(piece) {
                if e.error_len().is_some() {
                    return false;
                }
                cut.extend_from_slice(piece.get(e.valid_up_to()..).unwrap_or_default());
            }
        }
        cut.is_empty()
    }
}

impl TryFrom<&[u8]> for PlainValue {
    type Error = VaultError;

    fn try_from(bytes: &[u8]) -> Result<Self, VaultError> {
        let mut value = Self::default();
        value.append(bytes)?;
        Ok(value)
    }
}
