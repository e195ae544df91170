//! fish: `set -gx NAME '…'`. Inside single quotes fish knows `\'` and `\\`; what is neither printable
//! ASCII nor part of a UTF-8 character is written outside of them as `\XHH`.

use super::{Inexpressible, is_plain};

pub(super) fn line(out: &mut Vec<u8>, name: &str, path: &[u8]) -> Result<(), Inexpressible> {
    out.extend_from_slice(b"set -gx ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    if is_plain(path) {
        out.extend_from_slice(path);
    } else {
        quote(out, path);
    }
    out.push(b'\n');
    Ok(())
}

fn quote(out: &mut Vec<u8>, path: &[u8]) {
    out.push(b'\'');
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => {
                    out.push(b'\\');
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                c if c.is_control() || is_private(c) => {
                    escape(out, c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        escape(out, chunk.invalid());
    }
    out.push(b'\'');
}

/// fish keeps its own marks and undecodable bytes in the private use area and in noncharacters.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}')
        || (u32::from(c) & 0xfffe) == 0xfffe
        || c > '\u{effff}'
}

/// Leaves the quotes for the bytes, and enters them again.
fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    out.push(b'\'');
    for byte in bytes {
        out.extend_from_slice(format!("\\X{byte:02x}").as_bytes());
    }
    out.push(b'\'');
}
