//! `op://` references: the grammar of 1Password's SDK, with exact errors (contract onepassword.md
//! §2.1, §4.2).
//!
//! Stricter in one point: an empty or blank part, which the SDK's parser accepts, names nothing.

use super::{Attribute, Reference};
use std::fmt;

#[cfg(test)]
mod tests;

/// What is wrong with a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is wrong, in one line without a final stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The offending character, counted from 0.
    pub at: usize,
    /// How many characters offend.
    pub len: usize,
}

const SHAPE: &str = "write `op://vault/item/[section/]field`";
const OUTSIDE: &str =
    "use the id, or spell the reference out with `vault:`, `item:`, `section:` and `field:`";
const PREFIX: &str = "op://";

impl Reference {
    /// Reads `op://vault/item/[section/]field[?attribute=otp|?ssh-format=openssh]`.
    ///
    /// # Errors
    /// The first offence, and where it stands.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let length = text.chars().count();
        let Some(rest) = text.strip_prefix(PREFIX) else {
            let help = match text.trim_start().get(..PREFIX.len()) {
                Some(start) if start.eq_ignore_ascii_case(PREFIX) => {
                    "write `op://` in small letters, with nothing before it"
                }
                _ => SHAPE,
            };
            return Err(error(
                "a 1Password reference begins with `op://`",
                help,
                0,
                length.min(PREFIX.len()),
            ));
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        for (at, c) in (PREFIX.len()..).zip(path.chars()) {
            if !(is_allowed(c) || c == '/') {
                let message = format!(
                    "the character `{}` (character {}) is not allowed in a 1Password reference",
                    c.escape_debug(),
                    at + 1
                );
                return Err(error(message, OUTSIDE, at, 1));
            }
        }
        // From here on the path is ASCII: characters are bytes.
        let parts: Vec<&str> = path.split('/').collect();
        let mut start = PREFIX.len();
        for (part, name) in parts
            .iter()
            .zip(["vault", "item", "section or field", "field"])
        {
            if part.trim().is_empty() {
                let message = format!("the {name} of a 1Password reference is empty");
                return Err(error(message, SHAPE, start, part.len().max(1)));
            }
            start += part.len() + 1;
        }
        let attribute = query
            .map(|query| attribute(query, PREFIX.len() + path.len() + 1))
            .transpose()?;
        let (vault, item, section, field) = match *parts.as_slice() {
            [vault, item, field] => (vault, item, None, field),
            [vault, item, section, field] => (vault, item, Some(section), field),
            _ => {
                let message = if parts.len() < 3 {
                    "too few `/`: a 1Password reference has at least vault, item and field"
                } else {
                    "too many `/`: a 1Password reference has at most vault, item, section and field"
                };
                return Err(error(message, SHAPE, 0, length));
            }
        };
        Ok(Self {
            vault: vault.to_owned(),
            item: item.to_owned(),
            section: section.map(str::to_owned),
            field: field.to_owned(),
            attribute,
        })
    }
}

/// As it is written in a map, where the grammar can express it; of other names something to read.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = self.section.iter().map(String::as_str);
        let parts = [self.vault.as_str(), &self.item].into_iter();
        f.write_str("op:/")?;
        for part in parts.chain(section).chain([self.field.as_str()]) {
            f.write_str("/")?;
            part.chars().try_for_each(|c| write!(f, "{}", Shown(c)))?;
        }
        match self.attribute {
            None => Ok(()),
            Some(Attribute::Otp) => f.write_str("?attribute=otp"),
            Some(Attribute::OpenSsh) => f.write_str("?ssh-format=openssh"),
        }
    }
}

/// A character of a name, where it cannot break a line of the log or of a terminal.
struct Shown(char);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            c if c.is_control() => write!(f, "{}", c.escape_debug()),
            c => write!(f, "{c}"),
        }
    }
}

/// Whether a part can be written in a reference.
pub(super) fn is_expressible(part: &str) -> bool {
    !part.trim().is_empty() && part.chars().all(is_allowed)
}

/// Whether a character may stand in a part of a reference.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ')
}

fn attribute(query: &str, at: usize) -> Result<Attribute, ReferenceError> {
    let help = "write `?attribute=otp` or `?ssh-format=openssh`, or leave it out";
    let len = query.chars().count().max(1);
    match query.split_once('=') {
        Some(("attribute", "otp" | "totp") | ("attr", "otp")) => Ok(Attribute::Otp),
        Some(("ssh-format", "openssh")) => Ok(Attribute::OpenSsh),
        Some(("attribute" | "attr" | "ssh-format", value)) => Err(error(
            format!(
                "the value `{}` of the reference's query is not known",
                value.escape_debug()
            ),
            help,
            at,
            len,
        )),
        Some((key, _)) => Err(error(
            format!(
                "the reference's query `{}` is not known",
                key.escape_debug()
            ),
            help,
            at,
            len,
        )),
        None => Err(error(
            "the reference's query is not `?key=value`",
            help,
            at,
            len,
        )),
    }
}

fn error(message: impl Into<String>, help: &str, at: usize, len: usize) -> ReferenceError {
    ReferenceError {
        message: message.into(),
        help: help.to_owned(),
        at,
        len,
    }
}
