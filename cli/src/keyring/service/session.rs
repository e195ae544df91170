//! A key that this process and the Secret Service agree on, and the cipher under it:
//! `dh-ietf1024-sha256-aes128-cbc-pkcs7`, the one that the interface has. It hides values from the bus
//! daemon's memory and from whoever reads along, not from somebody who answers in the service's place:
//! that is a process of the same user.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use crypto_bigint::modular::constant_mod::ResidueParams;
use crypto_bigint::{Encoding, U1024, const_residue, impl_modulus};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use zeroize::{Zeroize, Zeroizing};

/// As the interface names it.
pub(super) const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// Bytes of a number of the group.
const LENGTH: usize = 128;
/// Bytes of the key, and of a block.
const KEY: usize = 16;

// The Second Oakley Group (RFC 2409 §6.2), whose generator is 2.
impl_modulus!(
    Group,
    U1024,
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74\
     020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437\
     4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
     ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff"
);

/// Our half of the agreement.
pub(super) struct Half {
    private: Zeroizing<[u8; LENGTH]>,
    public: Vec<u8>,
}

impl Half {
    /// `None`: the kernel has no randomness.
    pub(super) fn new() -> Option<Self> {
        let mut private = Zeroizing::new([0; LENGTH]);
        SystemRandom::new().fill(&mut *private).ok()?;
        let two = U1024::from_u8(2);
        let public = power(two, &private).to_be_bytes().to_vec();
        Some(Self { private, public })
    }

    /// What the other side is told.
    pub(super) fn public(&self) -> Vec<u8> {
        self.public.clone()
    }

    /// The key, with what the other side has told. `None`: that is no number of the group, or one
    /// that would make the key known to everybody.
    pub(super) fn with(&self, theirs: &[u8]) -> Option<Session> {
        let mut padded = [0; LENGTH];
        // Leading zeros may be left out.
        let start = LENGTH.checked_sub(theirs.len())?;
        padded.get_mut(start..)?.copy_from_slice(theirs);
        let theirs = U1024::from_be_bytes(padded);
        let highest = Group::MODULUS.wrapping_sub(&U1024::ONE);
        if theirs <= U1024::ONE || theirs >= highest {
            return None;
        }
        let shared = Zeroizing::new(power(theirs, &self.private).to_be_bytes());
        let mut key = Zeroizing::new([0; KEY]);
        Salt::new(HKDF_SHA256, &[])
            .extract(&*shared)
            .expand(&[], Length)
            .and_then(|okm| okm.fill(&mut *key))
            .ok()?;
        Some(Session { key })
    }
}

fn power(base: U1024, exponent: &[u8; LENGTH]) -> U1024 {
    let exponent = Zeroizing::new(U1024::from_be_bytes(*exponent));
    const_residue!(base, Group).pow(&exponent).retrieve()
}

/// For ring: how many bytes are wanted.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY
    }
}

/// The key that was agreed on.
pub(super) struct Session {
    key: Zeroizing<[u8; KEY]>,
}

impl Session {
    /// The parameters (a fresh initial vector), and the value encrypted.
    pub(super) fn encrypt(&self, value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut vector = [0; KEY];
        SystemRandom::new().fill(&mut vector).ok()?;
        let cipher = cbc::Encryptor::<Aes128>::new((&*self.key).into(), &vector.into());
        let encrypted = cipher.encrypt_padded_vec_mut::<Pkcs7>(value);
        Some((vector.to_vec(), encrypted))
    }

    /// The value; `None`: it was not encrypted with this key, or is no text.
    pub(super) fn decrypt(&self, vector: &[u8], encrypted: &[u8]) -> Option<SecretString> {
        let vector: [u8; KEY] = vector.try_into().ok()?;
        let cipher = cbc::Decryptor::<Aes128>::new((&*self.key).into(), &vector.into());
        let value = cipher.decrypt_padded_vec_mut::<Pkcs7>(encrypted).ok()?;
        match String::from_utf8(value) {
            Ok(text) => Some(SecretString::from(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn agreed() -> (Session, Session) {
        let (ours, theirs) = (Half::new().expect("a half"), Half::new().expect("a half"));
        let one = ours.with(&theirs.public()).expect("a key");
        let other = theirs.with(&ours.public()).expect("a key");
        (one, other)
    }

    #[test]
    fn what_one_side_encrypts_the_other_reads() {
        let (one, other) = agreed();
        for value in ["", "x", "exactly sixteen!", "id\nsecret \u{e9}"] {
            let (vector, encrypted) = one.encrypt(value.as_bytes()).expect("encrypted");
            let holds = |part: &[u8]| encrypted.windows(part.len().max(1)).any(|w| w == part);
            assert!(!holds(value.as_bytes()) || value.len() < 4, "in the clear");
            let read = other.decrypt(&vector, &encrypted).expect("decrypted");
            assert_eq!(read.expose_secret(), value);
        }
    }

    #[test]
    fn another_key_or_a_broken_answer_reads_nothing() {
        let (one, _) = agreed();
        let (vector, encrypted) = one.encrypt(b"a value of two blocks").expect("encrypted");
        assert!(one.decrypt(&vector[1..], &encrypted).is_none());
        assert!(one.decrypt(&vector, &encrypted[1..]).is_none());
        assert!(one.decrypt(&vector, &[]).is_none());
        let (_, stranger) = agreed();
        let read = stranger.decrypt(&vector, &encrypted);
        assert!(read.is_none_or(|read| read.expose_secret() != "a value of two blocks"));
    }

    #[test]
    fn a_half_that_would_make_the_key_known_to_everybody_is_refused() {
        let half = Half::new().expect("a half");
        let highest = Group::MODULUS.wrapping_sub(&U1024::ONE).to_be_bytes();
        let modulus = Group::MODULUS.to_be_bytes();
        for bad in [&[][..], &[0], &[1], &highest, &modulus, &[7; LENGTH + 1]] {
            assert!(half.with(bad).is_none(), "{bad:?}");
        }
        assert!(half.with(&[2]).is_some(), "leading zeros may be left out");
    }

    #[test]
    fn powers_are_those_of_the_group() {
        let mut exponent = [0; LENGTH];
        exponent[LENGTH - 1] = 10;
        assert_eq!(power(U1024::from_u8(2), &exponent), U1024::from_u16(1024));
        // 2^1024 mod p = 2^1024 - p, because p is larger than half of it.
        exponent[LENGTH - 1] = 0;
        exponent[LENGTH - 2] = 4;
        let expected = U1024::ZERO.wrapping_sub(&Group::MODULUS);
        assert_eq!(power(U1024::from_u8(2), &exponent), expected);
    }
}
