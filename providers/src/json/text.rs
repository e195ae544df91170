//! Strings: their bytes become text piece by piece. A character may be cut by the end of a chunk, an
//! escape as well; at most one character is kept over it, and wiped.

use zeroize::{Zeroize, Zeroizing};

/// What went wrong in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Not UTF-8, or a surrogate without its pair.
    Unicode,
    /// Not an escape.
    Escape,
}

/// Where in an escape the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// In none.
    None,
    /// After the backslash.
    Kind,
    /// In `\uXXXX`, with so many digits still to come.
    Unicode(u8),
    /// A high surrogate is there: the backslash of the low one …
    PairSlash,
    /// … and its `u`.
    PairKind,
}

/// A string that is being read.
#[derive(Debug)]
pub(super) struct Text {
    /// The first bytes of a character whose last ones are in the next chunk.
    cut: Zeroizing<[u8; 4]>,
    cut_len: usize,
    escape: Escape,
    code: u32,
    high: Option<u32>,
}

impl Drop for Text {
    fn drop(&mut self) {
        self.code.zeroize();
        self.high.zeroize();
    }
}

impl Text {
    pub(super) fn new() -> Self {
        Self {
            cut: Zeroizing::new([0; 4]),
            cut_len: 0,
            escape: Escape::None,
            code: 0,
            high: None,
        }
    }

    /// Whether the next byte belongs to an escape.
    pub(super) fn is_escaped(&self) -> bool {
        self.escape != Escape::None
    }

    /// A backslash outside an escape.
    pub(super) fn backslash(&mut self) -> Result<(), Wrong> {
        self.whole()?;
        self.escape = Escape::Kind;
        Ok(())
    }

    /// Nothing of a character may be missing here.
    pub(super) fn whole(&self) -> Result<(), Wrong> {
        if self.cut_len == 0 {
            Ok(())
        } else {
            Err(Wrong::Unicode)
        }
    }

    /// A run of bytes without quote, backslash and control character.
    pub(super) fn run<E: From<Wrong>>(
        &mut self,
        mut bytes: &[u8],
        mut emit: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        while self.cut_len > 0 {
            let Some((first, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            if let Some(place) = self.cut.get_mut(self.cut_len) {
                *place = *first;
                self.cut_len += 1;
            }
            let so_far = self.cut.get(..self.cut_len).unwrap_or_default();
            match std::str::from_utf8(so_far) {
                Ok(character) => {
                    emit(character)?;
                    self.cut.zeroize();
                    self.cut_len = 0;
                }
                Err(e) if e.error_len().is_none() => {}
                Err(_) => return Err(Wrong::Unicode.into()),
            }
        }
        match std::str::from_utf8(bytes) {
            Ok("") => Ok(()),
            Ok(text) => emit(text),
            Err(e) => {
                let (whole, cut) = bytes.split_at(e.valid_up_to());
                let whole = std::str::from_utf8(whole).map_err(|_| Wrong::Unicode)?;
                // Before a wrong byte, too: what a text is refused for must not depend on how it was cut.
                if !whole.is_empty() {
                    emit(whole)?;
                }
                if e.error_len().is_some() {
                    return Err(Wrong::Unicode.into());
                }
                for (place, byte) in self.cut.iter_mut().zip(cut) {
                    *place = *byte;
                }
                self.cut_len = cut.len();
                Ok(())
            }
        }
    }

    /// A byte of an escape.
    pub(super) fn escaped<E: From<Wrong>>(
        &mut self,
        byte: u8,
        mut emit: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let plain = match (self.escape, byte) {
            (Escape::Kind, b'u') => {
                self.code = 0;
                self.escape = Escape::Unicode(4);
                return Ok(());
            }
            (Escape::Kind, b'"' | b'\\' | b'/') => char::from(byte),
            (Escape::Kind, b'b') => '\u{8}',
            (Escape::Kind, b'f') => '\u{c}',
            (Escape::Kind, b'n') => '\n',
            (Escape::Kind, b'r') => '\r',
            (Escape::Kind, b't') => '\t',
            (Escape::PairSlash, b'\\') => {
                self.escape = Escape::PairKind;
                return Ok(());
            }
            (Escape::PairKind, b'u') => {
                self.code = 0;
                self.escape = Escape::Unicode(4);
                return Ok(());
            }
            (Escape::PairSlash | Escape::PairKind, _) => return Err(Wrong::Unicode.into()),
            (Escape::Unicode(left), _) => match self.digit(byte, left)? {
                Some(character) => character,
                None => return Ok(()),
            },
            _ => return Err(Wrong::Escape.into()),
        };
        self.escape = Escape::None;
        let mut buffer = Zeroizing::new([0; 4]);
        emit(plain.encode_utf8(&mut *buffer))
    }

    /// A digit of `\uXXXX`; the character, if it is complete.
    fn digit(&mut self, byte: u8, left: u8) -> Result<Option<char>, Wrong> {
        let digit = char::from(byte).to_digit(16).ok_or(Wrong::Escape)?;
        self.code = self.code << 4 | digit;
        if left > 1 {
            self.escape = Escape::Unicode(left - 1);
            return Ok(None);
        }
        let code = match (self.high.take(), self.code) {
            (Some(high), low @ 0xDC00..=0xDFFF) => {
                0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            }
            (Some(_), _) => return Err(Wrong::Unicode),
            (None, high @ 0xD800..=0xDBFF) => {
                self.high = Some(high);
                self.escape = Escape::PairSlash;
                return Ok(None);
            }
            (None, code) => code,
        };
        // A low surrogate alone is no character.
        char::from_u32(code).map(Some).ok_or(Wrong::Unicode)
    }
}
