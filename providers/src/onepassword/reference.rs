//! `op://` references: the grammar of 1Password's SDK, with exact errors (contract onepassword.md
//! §2.1, §4.2).
//!
//! Stricter in one point: an empty or blank part, which the SDK's parser accepts, names nothing.

use super::{Attribute, Reference};

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
            if !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | '/')) {
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

fn attribute(query: &str, at: usize) -> Result<Attribute, ReferenceError> {
    let help = "write `?attribute=otp` or `?ssh-format=openssh`, or leave it out";
    let len = query.chars().count().max(1);
    match query.split_once('=') {
        Some(("attribute" | "attr", "otp" | "totp")) => Ok(Attribute::Otp),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Reference {
        Reference::parse(text).unwrap()
    }

    fn refused(text: &str) -> (String, usize) {
        let error = Reference::parse(text).unwrap_err();
        (error.message, error.at)
    }

    #[test]
    fn three_and_four_parts_are_read() {
        let r = parsed("op://AgentVault/openai/api-key");
        assert_eq!(
            (r.vault.as_str(), r.item.as_str()),
            ("AgentVault", "openai")
        );
        assert_eq!((r.section, r.field.as_str()), (None, "api-key"));
        assert_eq!(r.attribute, None);
        let r = parsed("op://a b/c_d/e.f/..");
        assert_eq!((r.vault.as_str(), r.item.as_str()), ("a b", "c_d"));
        assert_eq!(
            (r.section.as_deref(), r.field.as_str()),
            (Some("e.f"), "..")
        );
    }

    #[test]
    fn the_known_queries_are_read() {
        for (query, attribute) in [
            ("attribute=otp", Attribute::Otp),
            ("attribute=totp", Attribute::Otp),
            ("attr=otp", Attribute::Otp),
            ("ssh-format=openssh", Attribute::OpenSsh),
        ] {
            let r = parsed(&format!("op://v/i/f?{query}"));
            assert_eq!(r.attribute, Some(attribute));
            assert_eq!(r.field, "f");
        }
    }

    #[test]
    fn other_queries_are_refused_at_their_place() {
        for (query, message) in [
            ("", "the reference's query is not `?key=value`"),
            ("attribute", "the reference's query is not `?key=value`"),
            (
                "attribute=OTP",
                "the value `OTP` of the reference's query is not known",
            ),
            (
                "attribute=type",
                "the value `type` of the reference's query is not known",
            ),
            (
                "ssh-format=pem",
                "the value `pem` of the reference's query is not known",
            ),
            ("x=y", "the reference's query `x` is not known"),
            (
                "attribute=otp&x=y",
                "the value `otp&x=y` of the reference's query is not known",
            ),
        ] {
            assert_eq!(
                refused(&format!("op://v/i/f?{query}")),
                (message.into(), 11)
            );
        }
    }

    #[test]
    fn an_offending_character_is_quoted_with_its_position() {
        for (text, c, position) in [
            ("op://v/i%/f", '%', 9),
            ("op://v/i/f(main)", '(', 11),
            ("op://väult/i/f", 'ä', 7),
            ("op://v/i/${X}", '$', 10),
        ] {
            let message = format!(
                "the character `{c}` (character {position}) is not allowed in a 1Password reference"
            );
            assert_eq!(refused(text), (message, position - 1));
        }
        assert_eq!(
            refused("op://v/i\n/f").0,
            "the character `\\n` (character 9) is not allowed in a 1Password reference"
        );
    }

    #[test]
    fn the_wrong_number_of_parts_is_refused() {
        let few = "too few `/`: a 1Password reference has at least vault, item and field";
        let many = "too many `/`: a 1Password reference has at most vault, item, section and field";
        assert_eq!(refused("op://x").0, few);
        assert_eq!(refused("op://x/y").0, few);
        assert_eq!(refused("op://a/b/c/d/e").0, many);
    }

    #[test]
    fn empty_and_blank_parts_are_refused() {
        assert_eq!(
            refused("op:///i/f"),
            ("the vault of a 1Password reference is empty".into(), 5)
        );
        assert_eq!(
            refused("op://v/ /f"),
            ("the item of a 1Password reference is empty".into(), 7)
        );
        assert_eq!(
            refused("op://v/i//f"),
            (
                "the section or field of a 1Password reference is empty".into(),
                9
            )
        );
        assert_eq!(
            refused("op://v/i/s/"),
            ("the field of a 1Password reference is empty".into(), 11)
        );
    }

    #[test]
    fn the_prefix_is_exact() {
        let message = "a 1Password reference begins with `op://`";
        for text in ["", "OP://v/i/f", " op://v/i/f", "v/i/f", "op:/v/i/f"] {
            assert_eq!(refused(text), (message.into(), 0));
        }
        let help = Reference::parse("OP://v/i/f").unwrap_err().help;
        assert_eq!(
            help,
            "write `op://` in small letters, with nothing before it"
        );
    }
}
