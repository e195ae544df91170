//! Ids: 26 small letters and digits (contract §1.1), the same in every run.

use ring::digest::{SHA256, digest};

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The id of something.
pub(super) fn of(what: &str) -> String {
    let digest = digest(&SHA256, what.as_bytes());
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    digest.as_ref().iter().take(26).map(letter).collect()
}

/// Whether a text is one.
pub(super) fn is(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| ALPHABET.contains(&byte))
}
