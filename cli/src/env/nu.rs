//! nu: `$env.NAME = "…"`. A double-quoted string knows escapes and no interpolation.

use super::{Inexpressible, utf8};
use std::fmt::Write;

pub(super) fn line(out: &mut Vec<u8>, name: &str, path: &[u8]) -> Result<(), Inexpressible> {
    let mut text = format!("$env.{name} = \"");
    for c in utf8(path)?.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push_str("\"\n");
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
