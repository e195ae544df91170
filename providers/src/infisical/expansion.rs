//! Whether a value still holds a reference after the server expanded it. A list is silent where a
//! reference cannot be followed, and gives the literal; the single route says 500 or 403 instead
//! (contract §4, "References"). So such a value is not served from a list.

use secretfs_memory::sealed::{Sealed, SealedError};

/// How far into `${NAME}` a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Outside,
    Dollar,
    Brace,
    Name,
    Found,
}

impl At {
    /// The server's own pattern: `\${[a-zA-Z0-9-_.]+}`.
    fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Found, _) | (Self::Name, b'}') => Self::Found,
            (Self::Dollar, b'{') => Self::Brace,
            (Self::Brace | Self::Name, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9')
            | (Self::Brace | Self::Name, b'-' | b'_' | b'.') => Self::Name,
            (_, b'$') => Self::Dollar,
            _ => Self::Outside,
        }
    }
}

/// Whether there is such a reference in it.
pub(super) fn has_reference(value: &Sealed) -> Result<bool, SealedError> {
    let mut at = At::Outside;
    value.expose(|piece| at = piece.iter().fold(at, |at, byte| at.next(*byte)))?;
    Ok(at == At::Found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> bool {
        text.bytes().fold(At::Outside, At::next) == At::Found
    }

    #[test]
    fn what_the_server_would_have_expanded_is_a_reference_and_nothing_else() {
        for text in [
            "${A}",
            "x${dev.folder.A-b_1}y",
            "$${A}",
            "${${A}",
            "${A:-x} ${B}",
            "$\u{e9}${A}",
        ] {
            assert!(found(text), "{text}");
        }
        for text in [
            "",
            "$A",
            "${}",
            "${TAG:-latest}",
            "${A",
            "$ {A}",
            "${A B}",
            "{A}",
            "${\u{e9}}",
        ] {
            assert!(!found(text), "{text}");
        }
    }

    /// The pattern, written as a search at every place.
    fn naive(text: &str) -> bool {
        text.split("${").skip(1).any(|rest| {
            let name = rest.trim_start_matches(|c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
            });
            name.len() < rest.len() && name.starts_with('}')
        })
    }

    proptest! {
        #[test]
        fn a_reference_is_found_wherever_it_stands(text in "[${}aB1._: \u{e9}-]{0,24}") {
            prop_assert_eq!(found(&text), naive(&text));
        }
    }
}
