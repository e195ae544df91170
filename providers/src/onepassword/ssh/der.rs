//! As much of DER as private keys need: a cursor over one level.

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// What is left to read.
pub(super) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// A document of one element and nothing after it.
    pub(super) fn only(bytes: &'a [u8]) -> Option<Self> {
        let mut whole = Self(bytes);
        let tag = *bytes.first()?;
        whole.take(tag)?;
        whole.0.is_empty().then_some(Self(bytes))
    }

    /// Reads an element of this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // So many bytes of length: a key has less than 64 KiB.
            0x81 | 0x82 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        if found != tag {
            return None;
        }
        self.0 = rest;
        Some(content)
    }

    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// Big-endian, in two's complement, without needless bytes.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(INTEGER)?;
        // No number of a key is negative.
        let is_minimal = match bytes {
            [] => false,
            [0, second, ..] => *second >= 0x80,
            [first, ..] => *first < 0x80,
        };
        is_minimal.then_some(bytes)
    }

    pub(super) fn octets(&mut self) -> Option<&'a [u8]> {
        self.take(OCTETS)
    }

    pub(super) fn oid(&mut self) -> Option<&'a [u8]> {
        self.take(OID)
    }
}
