//! SSH keys in OpenSSH's format. 1Password stores PKCS#8, and Connect does not convert
//! (contract onepassword.md §2.3, whose recipe this is): RSA and Ed25519, unencrypted, and the same
//! bytes every time.

mod der;
mod pem;
#[cfg(test)]
mod tests;
mod write;

use der::Der;
use ring::signature::{Ed25519KeyPair, KeyPair};
use secretfs_memory::sealed::{Sealed, SealedError};
use zeroize::Zeroizing;

/// The most bytes of a stored key: RSA of 16,384 bits has 13 KiB.
const MAX_STORED: usize = 32 << 10;

/// Why a key cannot be had in this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SshError {
    /// Not a PEM document of one private key.
    #[error("the value is no private key")]
    NoKey,
    /// An algorithm that the format's recipe does not have.
    #[error("the key is neither RSA nor Ed25519")]
    Algorithm,
    /// Broken inside.
    #[error("the private key cannot be read")]
    Broken,
    /// Locked meanwhile.
    #[error(transparent)]
    Sealed(SealedError),
}

/// A private key's parts, as they stand in its document.
enum Key<'a> {
    Ed25519 { seed: &'a [u8] },
    Rsa(Rsa<'a>),
}

/// Integers, big-endian.
struct Rsa<'a> {
    n: &'a [u8],
    e: &'a [u8],
    d: &'a [u8],
    p: &'a [u8],
    q: &'a [u8],
    iqmp: &'a [u8],
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The key of the item of this id, in OpenSSH's format.
pub(super) fn to_openssh(stored: &Sealed, item: &str) -> Result<Zeroizing<Vec<u8>>, SshError> {
    if stored.len() > MAX_STORED {
        return Err(SshError::NoKey);
    }
    let mut text = Zeroizing::new(vec![0; stored.len()]);
    stored.read_at(0, &mut text).map_err(SshError::Sealed)?;
    secretfs_memory::residue::mark();
    convert(text, item)
}

fn convert(text: Zeroizing<Vec<u8>>, item: &str) -> Result<Zeroizing<Vec<u8>>, SshError> {
    let (label, body) = pem::read(&text).ok_or(SshError::NoKey)?;
    let key = match label {
        // It has that format already.
        "OPENSSH PRIVATE KEY" => return Ok(text),
        "PRIVATE KEY" => pkcs8(&body)?,
        "RSA PRIVATE KEY" => Key::Rsa(pkcs1(&body).ok_or(SshError::Broken)?),
        _ => return Err(SshError::Algorithm),
    };
    match key {
        Key::Rsa(key) => Ok(write::rsa(&key, item)),
        Key::Ed25519 { seed } => {
            let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SshError::Broken)?;
            Ok(write::ed25519(seed, pair.public_key().as_ref(), item))
        }
    }
}

/// `PrivateKeyInfo` of RFC 5208, or `OneAsymmetricKey` of RFC 5958.
fn pkcs8(body: &[u8]) -> Result<Key<'_>, SshError> {
    let parts = || {
        let mut info = Der::only(body)?.sequence()?;
        info.integer()?;
        let algorithm = info.sequence()?.oid()?;
        Some((algorithm, info.octets()?))
    };
    let (algorithm, key) = parts().ok_or(SshError::Broken)?;
    match algorithm {
        RSA => pkcs1(key).map(Key::Rsa),
        ED25519 => Der::only(key)
            .and_then(|mut key| key.octets())
            .filter(|seed| seed.len() == 32)
            .map(|seed| Key::Ed25519 { seed }),
        _ => return Err(SshError::Algorithm),
    }
    .ok_or(SshError::Broken)
}

/// `RSAPrivateKey` of RFC 8017.
fn pkcs1(body: &[u8]) -> Option<Rsa<'_>> {
    let mut key = Der::only(body)?.sequence()?;
    // Two primes; more of them no tool makes.
    if key.integer()? != [0] {
        return None;
    }
    let (n, e, d) = (key.integer()?, key.integer()?, key.integer()?);
    let (p, q) = (key.integer()?, key.integer()?);
    let _exponents = (key.integer()?, key.integer()?);
    let iqmp = key.integer()?;
    Some(Rsa {
        n,
        e,
        d,
        p,
        q,
        iqmp,
    })
}
