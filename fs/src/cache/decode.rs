//! `decode: base64`: from one sealed value to another, in pieces.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secretfs_memory::sealed::{Sealed, SealedError, SealedPool};
use std::sync::Arc;
use zeroize::Zeroizing;

/// With or without padding; bits that stand for nothing must be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Characters decoded at a time.
const PIECE: usize = 4096;

/// Why a value could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// It is not base64.
    Undecodable,
    /// It could not be read or written.
    Sealed(SealedError),
}

impl From<SealedError> for DecodeError {
    fn from(error: SealedError) -> Self {
        Self::Sealed(error)
    }
}

/// How many bytes the encoded form of a value of at most `max` bytes may have: a third more, and
/// line ends as short lines would have them.
pub(super) fn encoded_limit(max: usize) -> usize {
    max.saturating_mul(3).saturating_div(2).saturating_add(1024)
}

/// Decodes `value` into a value of at most `max` bytes.
pub(super) fn base64(
    pool: &Arc<SealedPool>,
    value: &Sealed,
    max: usize,
) -> Result<Sealed, DecodeError> {
    let mut writer = pool.writer(Some(value.len() / 4 * 3), max);
    let mut piece = Zeroizing::new(vec![0_u8; PIECE]);
    let mut clean = Zeroizing::new(Vec::with_capacity(PIECE + 4));
    let mut plain = Zeroizing::new(vec![0_u8; PIECE + 4]);
    let mut offset = 0;
    loop {
        let read = value.read_at(offset, &mut piece)?;
        offset += read;
        let fresh = piece.get(..read).unwrap_or_default();
        clean.extend(fresh.iter().filter(|byte| !is_space(**byte)));
        let end = read == 0;
        // Padding is legal at the very end alone, so the last four characters wait for it.
        let ready = if end {
            clean.len()
        } else {
            clean.len().saturating_sub(1) / 4 * 4
        };
        let head = clean.get(..ready).unwrap_or_default();
        if !end && head.contains(&b'=') {
            return Err(DecodeError::Undecodable);
        }
        let len = BASE64
            .decode_slice(head, &mut plain)
            .map_err(|_| DecodeError::Undecodable)?;
        writer.append(plain.get(..len).unwrap_or_default())?;
        if end {
            return Ok(writer.finish()?);
        }
        clean.drain(..ready);
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(pool: &Arc<SealedPool>, bytes: &[u8]) -> Sealed {
        let mut writer = pool.writer(None, 1 << 20);
        writer.append(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn bytes(value: &Sealed) -> Vec<u8> {
        let mut out = vec![0; value.len()];
        let read = value.read_at(0, &mut out).unwrap();
        assert_eq!(read, out.len());
        out
    }

    fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let pool = SealedPool::new(1 << 20, true).unwrap();
        base64(&pool, &sealed(&pool, text), 1 << 19).map(|value| bytes(&value))
    }

    #[test]
    fn white_space_is_ignored_wherever_it_stands() {
        assert_eq!(decode(b" aGV\nsb\tG8\r\n=\n\x0b").unwrap(), b"hello");
    }

    #[test]
    fn missing_padding_is_no_error() {
        assert_eq!(decode(b"aGVsbG8").unwrap(), b"hello");
        assert_eq!(decode(b"").unwrap(), b"");
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for bad in [
            &b"hello!"[..],
            b"aGVs=bG8",
            b"aGVsbG8=aGVs",
            b"a",
            b"====",
            b"aGVsbG9=",
            b"_-_-",
        ] {
            assert_eq!(decode(bad), Err(DecodeError::Undecodable), "{bad:?}");
        }
    }

    #[test]
    fn padding_in_the_middle_of_a_long_value_is_refused() {
        let mut text = vec![b'A'; 5000];
        text.splice(100..104, *b"AAA=");
        assert_eq!(decode(&text), Err(DecodeError::Undecodable));
    }

    #[test]
    fn a_decoded_value_is_bounded() {
        let pool = SealedPool::new(1 << 20, true).unwrap();
        let value = sealed(&pool, b"aGVsbG8=");
        assert!(base64(&pool, &value, 5).is_ok());
        assert!(matches!(
            base64(&pool, &value, 4),
            Err(DecodeError::Sealed(SealedError::TooLarge { .. }))
        ));
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(
            plain in proptest::collection::vec(any::<u8>(), 0..20_000),
            line in 1_usize..100,
        ) {
            let text = base64::engine::general_purpose::STANDARD.encode(&plain);
            let lines: Vec<&[u8]> = text.as_bytes().chunks(line).collect();
            prop_assert_eq!(decode(&lines.join(&b'\n')).unwrap(), plain);
        }
    }
}
