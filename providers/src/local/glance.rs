//! The names of a `.env` file, for a first map: read by the reader of `vault import`, so that the two take
//! the same files. Of a value nothing is kept but whether it is empty, and what is a 1Password reference,
//! which is no secret.

use super::dotenv::{DotenvError, Sink, read};
use super::{MAX_VALUE, VaultError};
use zeroize::Zeroizing;

const REFERENCE: &[u8] = b"op://";
/// The longest reference.
const MAX_REFERENCE: usize = 1024;

/// A variable of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glanced {
    /// Its name.
    pub name: String,
    /// The line that it begins in, from 1.
    pub line: usize,
    /// Whether it has an empty value.
    pub is_empty: bool,
    /// Its value, where that begins with `op://`. Not checked.
    pub reference: Option<String>,
}

/// The variables of a `.env` file in their order; of a name that comes twice, the last one.
///
/// # Errors
/// [`DotenvError`]: the first line that cannot be read.
pub fn glance(text: &[u8]) -> Result<Vec<Glanced>, DotenvError> {
    let mut all = Vec::new();
    read(text, |name, value: Seen, line| {
        all.push(Glanced {
            name,
            line,
            is_empty: value.len == 0,
            reference: value.reference(),
        });
    })?;
    let mut later = std::collections::HashSet::new();
    all.reverse();
    all.retain(|one| later.insert(one.name.clone()));
    all.reverse();
    Ok(all)
}

/// A value as it passes by.
#[derive(Default)]
struct Seen {
    len: usize,
    /// Its beginning, for as long as it can be a reference.
    start: Zeroizing<Vec<u8>>,
    is_other: bool,
}

impl Seen {
    fn reference(&self) -> Option<String> {
        let is_one = !self.is_other && self.start.starts_with(REFERENCE);
        let text = is_one.then(|| std::str::from_utf8(&self.start).ok())?;
        text.map(str::to_owned)
    }
}

impl Sink for Seen {
    fn append(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        self.len += bytes.len();
        if self.len > MAX_VALUE {
            return Err(VaultError::ValueTooLarge(MAX_VALUE));
        }
        for byte in bytes {
            let at = self.start.len();
            let fits = REFERENCE.get(at).is_none_or(|expected| expected == byte);
            if self.is_other || !fits || at >= MAX_REFERENCE {
                self.is_other = true;
                self.start = Zeroizing::default();
                break;
            }
            self.start.push(*byte);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_come_in_their_order_with_their_lines_and_no_value() {
        let text =
            "# c\nexport A=hunter2\nB='x\ny'\nC=\nA=\"op://Prod/db/f\"\nD=\"op:\\/x\"\nE=op:/x\n";
        let found = glance(text.as_bytes()).unwrap();
        let one = |name: &str, line, is_empty, reference: Option<&str>| Glanced {
            name: name.to_owned(),
            line,
            is_empty,
            reference: reference.map(str::to_owned),
        };
        let expected = [
            one("B", 3, false, None),
            one("C", 5, true, None),
            one("A", 6, false, Some("op://Prod/db/f")),
            one("D", 7, false, None),
            one("E", 8, false, None),
        ];
        assert_eq!(found, expected);
        assert_eq!(glance(b"A=1\nx y\n").unwrap_err().line, 2);
    }

    proptest! {
        #[test]
        fn what_import_takes_has_the_same_names_here(text in "([A-C]=(op://)?[a-z\"'\\\\# \n]{0,6}\n?){0,6}") {
            let names = |found: Vec<Glanced>| -> std::collections::BTreeSet<_> {
                found.into_iter().map(|one| one.name).collect()
            };
            let here = glance(text.as_bytes()).map(names).map_err(|error| error.to_string());
            let there = super::super::dotenv::parse(text.as_bytes());
            let there = there.map(|all| all.into_keys().collect()).map_err(|error| error.to_string());
            prop_assert_eq!(here, there);
        }
    }
}
