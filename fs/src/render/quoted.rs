//! JSON, and YAML as one mapping of double-quoted scalars, which are written as JSON's strings are.

use super::Kept;
use super::text::{Out, pieces};
use secretfs_memory::sealed::{SealedError, SealedWriter};

pub(super) fn json(secrets: &[Kept<'_>], writer: &mut SealedWriter) -> Result<(), SealedError> {
    let mut out = Out::new(writer);
    out.push("{")?;
    let mut first = true;
    for secret in secrets {
        out.push(if first { "\n  " } else { ",\n  " })?;
        first = false;
        pair(secret, &mut out)?;
    }
    out.push(if first { "}\n" } else { "\n}\n" })?;
    out.flush()
}

pub(super) fn yaml(secrets: &[Kept<'_>], writer: &mut SealedWriter) -> Result<(), SealedError> {
    let mut out = Out::new(writer);
    if secrets.is_empty() {
        out.push("{}\n")?;
    }
    for secret in secrets {
        // An implicit key has at most 1,024 characters (YAML 1.2.2 §7.4.2).
        let (name, _, _) = secret;
        if name.len() > 100 {
            out.push("? ")?;
        }
        pair(secret, &mut out)?;
        out.push("\n")?;
    }
    out.flush()
}

fn pair((name, value, _): &Kept<'_>, out: &mut Out<'_>) -> Result<(), SealedError> {
    out.push("\"")?;
    escape(name, out)?;
    out.push("\": \"")?;
    pieces(value, |piece| escape(piece, out))?;
    out.push("\"")
}

/// Escapes what JSON has to and what YAML does not print: control characters of both kinds, YAML's
/// other line ends, and the byte order mark.
fn escape(text: &str, out: &mut Out<'_>) -> Result<(), SealedError> {
    for char in text.chars() {
        match char {
            '"' => out.push("\\\"")?,
            '\\' => out.push("\\\\")?,
            '\n' => out.push("\\n")?,
            '\r' => out.push("\\r")?,
            '\t' => out.push("\\t")?,
            '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.push("\\u")?;
                let code = u32::from(char);
                for shift in [12, 8, 4, 0] {
                    let digit = char::from_digit(code >> shift & 0xf, 16);
                    out.push_char(digit.unwrap_or('0'))?;
                }
            }
            _ => out.push_char(char)?,
        }
    }
    Ok(())
}
