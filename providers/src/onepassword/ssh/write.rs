//! `openssh-key-v1`, unencrypted (OpenSSH's PROTOCOL.key).

use super::Rsa;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"openssh-key-v1\0";
/// What the private part is padded to.
const BLOCK: usize = 8;
/// As `ssh-keygen` writes them.
const COLUMNS: usize = 70;

/// A buffer that never grows, so that no copy is left behind: `room` bytes of key material at most
/// three times over, and everything around it.
fn buffer(room: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(room * 3 + 512))
}

fn string(into: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(bytes);
}

pub(super) fn ed25519(seed: &[u8], public: &[u8], item: &str) -> Zeroizing<Vec<u8>> {
    const NAME: &[u8] = b"ssh-ed25519";
    let mut shown = Vec::new();
    string(&mut shown, NAME);
    string(&mut shown, public);
    let mut secret = buffer(seed.len() + public.len());
    string(&mut secret, NAME);
    string(&mut secret, public);
    let mut both = buffer(seed.len() + public.len());
    both.extend_from_slice(seed);
    both.extend_from_slice(public);
    string(&mut secret, &both);
    document(&shown, &secret, item)
}

pub(super) fn rsa(key: &Rsa<'_>, item: &str) -> Zeroizing<Vec<u8>> {
    const NAME: &[u8] = b"ssh-rsa";
    let mut shown = Vec::new();
    // DER's integers are those of SSH: big-endian, in two's complement, without needless bytes.
    for part in [NAME, key.e, key.n] {
        string(&mut shown, part);
    }
    let parts = [NAME, key.n, key.e, key.d, key.iqmp, key.p, key.q];
    let mut secret = buffer(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        string(&mut secret, part);
    }
    document(&shown, &secret, item)
}

/// The whole document. The check bytes come of the item's id, as in 1Password itself: two reads of one
/// key are the same bytes.
fn document(public: &[u8], secret: &[u8], item: &str) -> Zeroizing<Vec<u8>> {
    let check = digest(&SHA256, item.as_bytes());
    let check = check.as_ref().get(..4).unwrap_or_default();
    let mut inner = buffer(secret.len());
    inner.extend_from_slice(check);
    inner.extend_from_slice(check);
    inner.extend_from_slice(secret);
    // No comment.
    string(&mut inner, b"");
    let mut pad = 0_u8;
    while !inner.len().is_multiple_of(BLOCK) {
        pad += 1;
        inner.push(pad);
    }
    let mut whole = buffer(inner.len() + public.len());
    whole.extend_from_slice(MAGIC);
    for part in [&b"none"[..], b"none", b""] {
        string(&mut whole, part);
    }
    whole.extend_from_slice(&1_u32.to_be_bytes());
    string(&mut whole, public);
    string(&mut whole, &inner);
    armour(&whole)
}

fn armour(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut encoded = Zeroizing::new(vec![0; bytes.len().div_ceil(3) * 4]);
    // It is exactly as long as that.
    let length = STANDARD
        .encode_slice(bytes, &mut encoded)
        .unwrap_or_default();
    let encoded = encoded.get(..length).unwrap_or_default();
    let mut text = buffer(encoded.len());
    text.extend_from_slice(b"-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for line in encoded.chunks(COLUMNS) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(b"-----END OPENSSH PRIVATE KEY-----\n");
    text
}
