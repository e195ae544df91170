//! Ids that look like the server's and are the same in every run.

use ring::digest;

/// Makes one id after the other.
#[derive(Debug, Default)]
pub(super) struct Ids(u64);

impl Ids {
    /// A UUID that was not there before. In no order: lists sorted by it are not alphabetical.
    pub(super) fn next(&mut self) -> String {
        self.0 += 1;
        uuid(&self.0.to_string())
    }
}

/// The UUID of a text.
pub(super) fn uuid(of: &str) -> String {
    let hash = digest::digest(&digest::SHA256, of.as_bytes());
    let hex: String = hash.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}
