//! The grammar of numbers, byte by byte.

use super::MAX_NUMBER;

/// Where in a number the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Sign,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// A number that is being read.
#[derive(Debug)]
pub(super) struct Number {
    part: Part,
    digits: [u8; MAX_NUMBER],
    len: usize,
}

/// What a byte is to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A part of it.
    Taken,
    /// The first one after it.
    After,
    /// Not allowed.
    Wrong,
    /// One too many.
    TooLong,
}

impl Number {
    /// A number that begins with `first`, if one can.
    pub(super) fn start(first: u8) -> Option<Self> {
        let part = match first {
            b'-' => Part::Sign,
            b'0' => Part::Zero,
            b'1'..=b'9' => Part::Integer,
            _ => return None,
        };
        let mut number = Self {
            part,
            digits: [0; MAX_NUMBER],
            len: 0,
        };
        number.keep(first);
        Some(number)
    }

    pub(super) fn step(&mut self, byte: u8) -> Step {
        use Part::{Exponent, ExponentDigits, ExponentSign, Fraction, Integer, Point, Sign, Zero};
        let next = match (self.part, byte) {
            (Sign, b'0') => Zero,
            (Sign | Integer, b'1'..=b'9') | (Integer, b'0') => Integer,
            (Zero | Integer, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Integer | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => ExponentSign,
            (Exponent | ExponentSign | ExponentDigits, b'0'..=b'9') => ExponentDigits,
            // `01`: the grammar knows no leading zeroes.
            (Zero, b'0'..=b'9') => return Step::Wrong,
            _ if self.is_complete() => return Step::After,
            _ => return Step::Wrong,
        };
        self.part = next;
        if self.keep(byte) {
            Step::Taken
        } else {
            Step::TooLong
        }
    }

    fn keep(&mut self, byte: u8) -> bool {
        let Some(place) = self.digits.get_mut(self.len) else {
            return false;
        };
        *place = byte;
        self.len += 1;
        true
    }

    /// Whether it may end here.
    pub(super) fn is_complete(&self) -> bool {
        matches!(
            self.part,
            Part::Zero | Part::Integer | Part::Fraction | Part::ExponentDigits
        )
    }

    pub(super) fn as_str(&self) -> &str {
        let digits = self.digits.get(..self.len).unwrap_or_default();
        // Only ASCII is kept.
        std::str::from_utf8(digits).unwrap_or_default()
    }
}
