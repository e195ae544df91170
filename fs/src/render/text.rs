//! Sealed values as text, piece by piece, and a buffered way out.

use secretfs_memory::sealed::{Sealed, SealedError, SealedWriter};
use zeroize::{Zeroize, Zeroizing};

/// Bytes at a time.
const PIECE: usize = 4096;

/// What a value is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// All of it is text.
    pub(super) utf8: bool,
    /// There is a NUL, which no shell variable can hold.
    pub(super) nul: bool,
    /// There is a `'`.
    pub(super) single_quote: bool,
    /// The last character is a backslash.
    pub(super) ends_in_backslash: bool,
}

/// Reads the value once.
pub(super) fn survey(value: &Sealed) -> Result<Shape, SealedError> {
    let mut shape = Shape {
        utf8: true,
        nul: false,
        single_quote: false,
        ends_in_backslash: false,
    };
    shape.utf8 = pieces(value, |piece| {
        for byte in piece.bytes() {
            shape.nul |= byte == 0;
            shape.single_quote |= byte == b'\'';
            shape.ends_in_backslash = byte == b'\\';
        }
        Ok(())
    })?;
    Ok(shape)
}

/// Shows the value as text, in pieces. Returns false, after as much as was, if it is not UTF-8.
pub(super) fn pieces(
    value: &Sealed,
    mut visit: impl FnMut(&str) -> Result<(), SealedError>,
) -> Result<bool, SealedError> {
    let mut buffer = Zeroizing::new(vec![0_u8; PIECE]);
    let mut offset = 0;
    // The first bytes of a character whose rest is in the next piece.
    let mut carried = 0;
    loop {
        let free = buffer.get_mut(carried..).unwrap_or_default();
        let read = value.read_at(offset, free)?;
        offset += read;
        let filled = buffer.get(..carried + read).unwrap_or_default();
        let (text, bad) = match std::str::from_utf8(filled) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = filled.get(..error.valid_up_to()).unwrap_or_default();
                let bad = error.error_len().is_some() || read == 0;
                (std::str::from_utf8(valid).unwrap_or_default(), bad)
            }
        };
        visit(text)?;
        if bad {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
        let (done, end) = (text.len(), carried + read);
        buffer.copy_within(done..end, 0);
        carried = end - done;
    }
}

/// Collects small writes: each append to a sealed area takes its pool's lock.
pub(super) struct Out<'a> {
    writer: &'a mut SealedWriter,
    buffer: Zeroizing<Vec<u8>>,
}

impl<'a> Out<'a> {
    pub(super) fn new(writer: &'a mut SealedWriter) -> Self {
        Self {
            writer,
            buffer: Zeroizing::new(Vec::with_capacity(PIECE)),
        }
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), SealedError> {
        if self.buffer.len() + text.len() > PIECE {
            self.flush()?;
        }
        if text.len() > PIECE {
            return self.writer.append(text.as_bytes());
        }
        self.buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }

    pub(super) fn push_char(&mut self, char: char) -> Result<(), SealedError> {
        let mut bytes = [0; 4];
        let done = self.push(char.encode_utf8(&mut bytes));
        bytes.zeroize();
        done
    }

    pub(super) fn flush(&mut self) -> Result<(), SealedError> {
        self.writer.append(&self.buffer)?;
        self.buffer.zeroize();
        Ok(())
    }
}
