//! sh, bash, zsh: `export NAME='…'`. Inside single quotes every byte is itself, so this expresses
//! every path, newlines and bytes that are not UTF-8 included; a quote is written as `'\''`.

use super::{Inexpressible, is_plain};

pub(super) fn line(out: &mut Vec<u8>, name: &str, path: &[u8]) -> Result<(), Inexpressible> {
    out.extend_from_slice(b"export ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'=');
    if is_plain(path) {
        out.extend_from_slice(path);
    } else {
        out.push(b'\'');
        for byte in path {
            match byte {
                b'\'' => out.extend_from_slice(br"'\''"),
                byte => out.push(*byte),
            }
        }
        out.push(b'\'');
    }
    out.push(b'\n');
    Ok(())
}
