//! dotenv: `NAME='value'` lines that a shell reads exactly (`set -a; . file`), and that the dotenv
//! readers read alike as far as they can.
//!
//! There is no standard. What is the same for sh, python-dotenv, Node's dotenv and Docker Compose:
//! single quotes around whatever has none of its own, line feeds included. The rest is written so
//! that the shell, which would execute what it misreads, is always right:
//!
//! | value has | written as | not read back by |
//! |---|---|---|
//! | none of the below | `'…'` | – |
//! | `'` | `"…"`, with `\` before `"` `$` `` ` `` `\` | Node, if it has one of these four; python-dotenv, if it has `$` or `` ` `` |
//! | `\` at its end | the same | Node |
//! | `\\` | `'…'` | python-dotenv (one of the two is lost) |
//! | `${…}` | `'…'` | python-dotenv, unless `interpolate=False` |
//! | a carriage return | `'…'` | Node and python-dotenv (becomes a line feed) |
//!
//! Tried with python-dotenv 1.2, dotenv 18 and `node --env-file`. For Compose the source of compose-go
//! was read; its older versions take a value that ends in `\` for one without an end.

use super::Kept;
use super::text::{Out, Shape, pieces};
use secretfs_memory::sealed::{SealedError, SealedWriter};

/// Whether it is a shell variable's name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn render(secrets: &[Kept<'_>], writer: &mut SealedWriter) -> Result<(), SealedError> {
    let mut out = Out::new(writer);
    for (name, value, shape) in secrets {
        out.push(name)?;
        if is_plain(*shape) {
            out.push("='")?;
            pieces(value, |piece| out.push(piece))?;
            out.push("'\n")?;
        } else {
            out.push("=\"")?;
            pieces(value, |piece| escape(piece, &mut out))?;
            out.push("\"\n")?;
        }
    }
    out.flush()
}

fn is_plain(shape: Shape) -> bool {
    !shape.single_quote && !shape.ends_in_backslash
}

fn escape(text: &str, out: &mut Out<'_>) -> Result<(), SealedError> {
    for char in text.chars() {
        if matches!(char, '"' | '$' | '`' | '\\') {
            out.push("\\")?;
        }
        out.push_char(char)?;
    }
    Ok(())
}
