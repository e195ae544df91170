//! What the hook has set in this shell, and what was there before: kept in a variable of the shell, whose
//! text needs no quotes anywhere. Paths and what users had in variables that a map may export: no secrets.

use crate::env::is_name;

/// The variable.
pub(super) const VARIABLE: &str = "__SECRETFS_HOOK";

/// One variable that the hook has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    /// `None`: it was not set.
    pub(super) before: Option<Vec<u8>>,
}

/// `NAME=VALUE.BEFORE`, in hexadecimal, joined by `:`; `-` stands for what was not set.
pub(super) fn print(all: &[Set]) -> String {
    let one = |set: &Set| {
        let before = set.before.as_deref().map_or_else(|| "-".to_owned(), hex);
        format!("{}={}.{before}", set.name, hex(&set.value))
    };
    all.iter().map(one).collect::<Vec<_>>().join(":")
}

/// Reads it again; what is not ours is dropped.
pub(super) fn parse(text: &str) -> Vec<Set> {
    let one = |text: &str| {
        let (name, rest) = text.split_once('=')?;
        let (value, before) = rest.split_once('.')?;
        let before = match before {
            "-" => None,
            before => Some(unhex(before)?),
        };
        is_name(name).then_some(Set {
            name: name.to_owned(),
            value: unhex(value)?,
            before,
        })
    };
    text.split(':').filter_map(one).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_kept_comes_back_and_needs_no_quotes(
            all in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_]{0,8}", prop::collection::vec(any::<u8>(), 0..9), prop::option::of(prop::collection::vec(any::<u8>(), 0..9))), 0..5)
        ) {
            let all: Vec<_> = all.into_iter().map(|(name, value, before)| Set { name, value, before }).collect();
            let text = print(&all);
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_=.:-".contains(&b);
            prop_assert!(text.bytes().all(is_plain));
            prop_assert_eq!(parse(&text), all);
        }

        #[test]
        fn whatever_is_in_the_variable_only_names_come_out_of_it(text in "([A-Z;$ ]{0,3}=?[0-9a-g]{0,4}\\.?[-0-9a-f]{0,4}:?){0,4}|\\PC{0,20}") {
            prop_assert!(parse(&text).iter().all(|set| is_name(&set.name)));
        }
    }
}
