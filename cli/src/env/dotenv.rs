//! dotenv: `NAME=PATH`. Its readers (docker compose, direnv, python-dotenv, a shell) disagree about
//! escapes, so only what all of them read as the same text is written: bare words, single quotes
//! around what has no `'`, double quotes around what has no sign that any of them expands.

use super::{Inexpressible, is_plain, utf8};

pub(super) fn line(out: &mut Vec<u8>, name: &str, path: &[u8]) -> Result<(), Inexpressible> {
    let text = utf8(path)?;
    if text.chars().any(char::is_control) {
        return Err(Inexpressible("there is a control character"));
    }
    if text.contains('\\') {
        return Err(Inexpressible("there is a backslash"));
    }
    let quote = if is_plain(path) {
        ""
    } else if !text.contains('\'') {
        "'"
    } else if !text.contains(['"', '$', '`', '!']) {
        "\""
    } else {
        return Err(Inexpressible(
            "there is a single quote beside `\"`, `$`, `!` or a backtick",
        ));
    };
    out.extend_from_slice(format!("{name}={quote}{text}{quote}\n").as_bytes());
    Ok(())
}
