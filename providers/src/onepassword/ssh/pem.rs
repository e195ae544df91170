//! PEM: one document, and nothing but white space around it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The label and the bytes of the one document.
pub(super) fn read(text: &[u8]) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let body = rest.strip_suffix("-----")?.strip_suffix(label)?;
    let body = body.strip_suffix("-----END ")?;
    // Header lines would mean an encrypted key; a second document has dashes.
    let mut plain = Zeroizing::new(Vec::with_capacity(body.len()));
    plain.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(plain.len()));
    STANDARD.decode_vec(&*plain, &mut bytes).ok()?;
    Some((label, bytes))
}
