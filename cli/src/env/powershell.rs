//! PowerShell: `$env:NAME = '…'`. It takes typographic single quotes for `'` too: all are doubled.
//! Control characters are added as `[char]N`, because a pipe into `Invoke-Expression` is evaluated
//! line by line.

use super::{Inexpressible, utf8};
use std::fmt::Write;

pub(super) fn line(out: &mut Vec<u8>, name: &str, path: &[u8]) -> Result<(), Inexpressible> {
    let mut text = format!("$env:{name} = '");
    for c in utf8(path)?.chars() {
        match c {
            '\'' | '\u{2018}'..='\u{201b}' => text.extend([c, c]),
            // U+2028 and U+2029 end a line for some readers.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                // Writing to a String cannot fail.
                let _ = write!(text, "' + [char]{} + '", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push_str("'\n");
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
