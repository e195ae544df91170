//! systemd: `NAME="…"`, as `EnvironmentFile=` reads it: inside double quotes a backslash takes the
//! meaning from `"`, `\`, `` ` `` and `$`. Control characters and what is not UTF-8 are refused by
//! systemd, so they are refused here.

use super::{Inexpressible, is_plain, utf8};

pub(super) fn line(out: &mut Vec<u8>, name: &str, path: &[u8]) -> Result<(), Inexpressible> {
    let text = utf8(path)?;
    if text.chars().any(char::is_control) {
        return Err(Inexpressible("there is a control character"));
    }
    let mut line = format!("{name}=");
    if is_plain(path) {
        line.push_str(text);
    } else {
        line.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\' | '`' | '$') {
                line.push('\\');
            }
            line.push(c);
        }
        line.push('"');
    }
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
    Ok(())
}
