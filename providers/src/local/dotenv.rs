//! `.env` files, for `secretfs vault import`.
//!
//! There is no standard; this reads what shells and the common readers agree on, and refuses what
//! they disagree on, with the line's number and never a value:
//!
//! * `NAME=value`, with or without `export`, with or without blanks around `=`.
//! * Unquoted: to the end of the line, without blanks around it; a `#` after a blank starts a
//!   comment. Nothing is special in it.
//! * `'…'` and `` `…` ``: everything between, line feeds included. Nothing is special in it.
//! * `"…"`: line feeds included; `\n`, `\r`, `\t`, and `\` before `"`, `\`, `$`, `` ` ``.
//! * `$NAME` and `${NAME}` are never expanded: the vault keeps what is written.
//! * Empty lines, comment lines, a byte-order mark, line ends of Windows (dropped; kept in quotes).
//! * The last one wins where a name comes twice.

use super::plain::PlainValue;
use super::{VaultError, store};
use std::collections::BTreeMap;

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DotenvError {
    /// From 1.
    pub line: usize,
    /// In words, without the line's text.
    pub what: String,
}

/// The names and values of a `.env` file.
///
/// # Errors
/// [`DotenvError`]: the first line that cannot be read.
pub fn parse(text: &[u8]) -> Result<BTreeMap<String, PlainValue>, DotenvError> {
    let mut values = BTreeMap::new();
    read(text, |name, value, _| {
        values.insert(name, value);
    })?;
    Ok(values)
}

/// Where the bytes of a value go.
pub(super) trait Sink: Default {
    fn append(&mut self, bytes: &[u8]) -> Result<(), VaultError>;
}

impl Sink for PlainValue {
    fn append(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        Self::append(self, bytes)
    }
}

/// Every assignment in its order: the name, the value, and the line that it begins in.
pub(super) fn read<S: Sink>(
    text: &[u8],
    mut each: impl FnMut(String, S, usize),
) -> Result<(), DotenvError> {
    let mut cursor = Cursor {
        rest: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
        line: 1,
    };
    loop {
        cursor.blanks();
        match cursor.peek() {
            None => return Ok(()),
            Some(b'\n') => {
                cursor.next();
            }
            Some(b'\r') if cursor.rest.get(1) == Some(&b'\n') => {
                cursor.next();
            }
            Some(b'#') => cursor.comment(),
            Some(_) => {
                let line = cursor.line;
                let (name, value) = cursor.assignment()?;
                each(name, value, line);
            }
        }
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first == b'\n' {
            self.line += 1;
        }
        Some(*first)
    }

    /// What comes before the first byte that `end` holds for.
    fn until(&mut self, end: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = self.rest.iter().position(|byte| end(*byte));
        let at = at.unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(at).unwrap_or((self.rest, &[]));
        self.line += taken.iter().filter(|byte| **byte == b'\n').count();
        self.rest = rest;
        taken
    }

    fn blanks(&mut self) -> usize {
        self.until(|byte| byte != b' ' && byte != b'\t').len()
    }

    fn comment(&mut self) {
        self.until(|byte| byte == b'\n');
    }

    fn error(&self, what: impl Into<String>) -> DotenvError {
        DotenvError {
            line: self.line,
            what: what.into(),
        }
    }

    fn word(&mut self) -> &'a [u8] {
        self.until(|byte| matches!(byte, b'=' | b' ' | b'\t' | b'\r' | b'\n'))
    }

    fn assignment<S: Sink>(&mut self) -> Result<(String, S), DotenvError> {
        let mut word = self.word();
        if self.blanks() > 0 && word == b"export" && self.peek() != Some(b'=') {
            word = self.word();
            self.blanks();
        }
        let name = std::str::from_utf8(word).ok().filter(|name| is_name(name));
        let Some(name) = name else {
            return Err(
                self.error("expected NAME=value; a name has letters, digits, `_`, `.`, `-`")
            );
        };
        if self.peek() != Some(b'=') {
            // Not shown: it may be a line of a key whose quotes are missing.
            return Err(self.error("expected NAME=value; there is no `=`"));
        }
        self.next();
        store::check_name(name).map_err(|e| self.error(e.to_string()))?;
        let value = self.value(name)?;
        Ok((name.to_owned(), value))
    }

    fn value<S: Sink>(&mut self, name: &str) -> Result<S, DotenvError> {
        let blanks = self.blanks();
        let start = self.line;
        let mut value = S::default();
        let too_large = |e: VaultError| DotenvError {
            line: start,
            what: format!("the value of {name} does not fit: {e}"),
        };
        let Some(quote @ (b'"' | b'\'' | b'`')) = self.peek() else {
            value.append(self.unquoted(blanks)).map_err(too_large)?;
            return Ok(value);
        };
        self.next();
        let mut closed = false;
        while !closed {
            let special = |byte| byte == quote || (quote == b'"' && byte == b'\\');
            value.append(self.until(special)).map_err(too_large)?;
            match self.next() {
                Some(b'\\') if quote == b'"' => {
                    let escape = self.next();
                    let unescaped: &[u8] = match &escape {
                        Some(b'n') => b"\n",
                        Some(b'r') => b"\r",
                        Some(b't') => b"\t",
                        Some(byte @ (b'"' | b'\\' | b'$' | b'`')) => std::slice::from_ref(byte),
                        // Not an escape: both bytes are meant.
                        Some(byte) => {
                            value.append(b"\\").map_err(too_large)?;
                            std::slice::from_ref(byte)
                        }
                        None => b"",
                    };
                    value.append(unescaped).map_err(too_large)?;
                }
                Some(_) => closed = true,
                None => {
                    return Err(DotenvError {
                        line: start,
                        what: format!("the quote of {name} is not closed"),
                    });
                }
            }
        }
        self.blanks();
        match self.peek() {
            None | Some(b'\n' | b'#') => {}
            Some(b'\r') if matches!(self.rest.get(1), None | Some(b'\n')) => {
                self.next();
            }
            Some(_) => {
                return Err(self.error(format!("there is more after the closing quote of {name}")));
            }
        }
        if self.peek() == Some(b'#') {
            self.comment();
        }
        Ok(value)
    }

    /// The rest of the line, without a comment and without blanks at its end. `blanks`: how many
    /// were before it.
    fn unquoted(&mut self, blanks: usize) -> &'a [u8] {
        let line = self.until(|byte| byte == b'\n');
        let mut after_blank = blanks > 0;
        let mut end = line.len();
        for (at, byte) in line.iter().enumerate() {
            if *byte == b'#' && after_blank {
                end = at;
                break;
            }
            after_blank = matches!(byte, b' ' | b'\t');
        }
        line.get(..end).unwrap_or_default().trim_ascii_end()
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}
