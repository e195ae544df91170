//! A secret as it is typed, key by key: nothing of it is shown, so there is little to edit with, and what
//! keys send that are no text (arrows, the marks around what is pasted) does not become a part of it.

use zeroize::Zeroizing;

/// Which bytes the terminal has for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    pub(super) erase: u8,
    pub(super) erase_word: u8,
    pub(super) erase_line: u8,
    pub(super) end: u8,
    pub(super) interrupt: u8,
    pub(super) quit: u8,
    pub(super) suspend: u8,
}

/// What a key means for the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// It is not whole yet.
    More,
    /// It is.
    Done,
    /// Nobody wants to type it.
    End,
    Interrupt,
    Quit,
    Suspend,
}

/// In which part of a key's sequence of bytes the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    Escape,
    /// After `ESC [`: ends with a byte from `@` on.
    Control,
    /// After `ESC O`: one more.
    Single,
}

/// The line so far.
#[derive(Debug)]
pub(super) struct Line {
    /// Never grows: what it was moved from would stay behind.
    text: Zeroizing<Vec<u8>>,
    most: usize,
    is_too_long: bool,
    sequence: Sequence,
}

const ESCAPE: u8 = 0x1b;
/// What terminals have as the other one of the two.
const BACKSPACES: [u8; 2] = [0x08, 0x7f];

impl Line {
    /// Of at most so many bytes.
    pub(super) fn of(most: usize) -> Self {
        Self {
            text: Zeroizing::new(Vec::with_capacity(most)),
            most,
            is_too_long: false,
            sequence: Sequence::None,
        }
    }

    /// What was typed; `None`: more than there is room for.
    pub(super) fn text(self) -> Option<Zeroizing<Vec<u8>>> {
        (!self.is_too_long).then_some(self.text)
    }

    /// The next byte.
    pub(super) fn take(&mut self, byte: u8, keys: &Keys) -> Typed {
        match self.sequence {
            Sequence::Escape if byte >= 0x20 || byte == ESCAPE => {
                self.sequence = match byte {
                    b'[' => Sequence::Control,
                    b'O' => Sequence::Single,
                    ESCAPE => Sequence::Escape,
                    _ => Sequence::None,
                };
                return Typed::More;
            }
            // A control byte is none of a sequence: the key before was Escape itself.
            Sequence::Control if (0x20..0x40).contains(&byte) => return Typed::More,
            Sequence::Control | Sequence::Single if byte >= 0x20 => {
                self.sequence = Sequence::None;
                return Typed::More;
            }
            _ => {
                self.sequence = Sequence::None;
            }
        }
        match byte {
            b'\n' | b'\r' => return Typed::Done,
            ESCAPE => self.sequence = Sequence::Escape,
            // A zero stands for a key that the terminal has not.
            0 => {}
            _ if byte == keys.interrupt => return Typed::Interrupt,
            _ if byte == keys.quit => return Typed::Quit,
            _ if byte == keys.suspend => return Typed::Suspend,
            _ if byte == keys.end && self.text.is_empty() => return Typed::End,
            _ if byte == keys.erase || BACKSPACES.contains(&byte) => self.erase(),
            _ if byte == keys.erase_line => self.text.clear(),
            _ if byte == keys.erase_word => self.erase_word(),
            b'\t' | 0x20.. if self.text.len() < self.most => self.text.push(byte),
            b'\t' | 0x20.. => self.is_too_long = true,
            _ => {}
        }
        Typed::More
    }

    /// A character, which may be several bytes.
    fn erase(&mut self) {
        while let Some(byte) = self.text.pop() {
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
    }

    fn erase_word(&mut self) {
        let is_blank = |byte: Option<&u8>| byte == Some(&b' ');
        while is_blank(self.text.last()) {
            self.text.pop();
        }
        while !self.text.is_empty() && !is_blank(self.text.last()) {
            self.text.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: Keys = Keys {
        erase: 0x7f,
        erase_word: 0x17,
        erase_line: 0x15,
        end: 0x04,
        interrupt: 0x03,
        quit: 0x1c,
        suspend: 0x1a,
    };

    /// The text, and what the last byte meant.
    fn typed(bytes: &[u8]) -> (Option<String>, Typed) {
        let mut line = Line::of(16);
        let mut last = Typed::More;
        for byte in bytes {
            last = line.take(*byte, &KEYS);
        }
        let text = line.text();
        (
            text.map(|text| String::from_utf8_lossy(&text).into_owned()),
            last,
        )
    }

    #[test]
    fn what_is_typed_can_be_taken_back_by_character_word_and_line() {
        for (bytes, expected) in [
            (&b"hunter2\n"[..], "hunter2"),
            (b"hunter3\x7f2\r", "hunter2"),
            (b"hunter3\x082\n", "hunter2"),
            ("h\u{fc}\u{20ac}\x7f\x7funter2\n".as_bytes(), "hunter2"),
            (b"\x7fwrong one\x15hunter2\n", "hunter2"),
            (b"two wrong  \x17\x17hunter2\n", "hunter2"),
            (b"with a tab\t.\n", "with a tab\t."),
        ] {
            assert_eq!(typed(bytes), (Some(expected.to_owned()), Typed::Done));
        }
    }

    #[test]
    fn keys_that_are_no_text_are_no_part_of_it() {
        for bytes in [
            &b"hun\x1b[A\x1b[1;5Dter2\n"[..],
            b"\x1bOPhunter2\x1b[3~\n",
            b"\x1b[200~hunter2\x1b[201~\n",
            b"\x01hunt\x02er2\x0c\n",
            b"\x1bxhunter2\x1b\n",
            b"hunter2\x1b[\n",
        ] {
            let expected = (Some("hunter2".to_owned()), Typed::Done);
            assert_eq!(typed(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn ctrl_d_ends_an_empty_line_alone() {
        assert_eq!(typed(b"\x04").1, Typed::End);
        assert_eq!(typed(b"x\x04").1, Typed::More);
        assert_eq!(typed(b"x\x7f\x04").1, Typed::End);
        assert_eq!(typed(b"x\x03").1, Typed::Interrupt);
        assert_eq!(typed(b"x\x1a").1, Typed::Suspend);
        assert_eq!(typed(b"x\x1c").1, Typed::Quit);
    }

    #[test]
    fn what_there_is_no_room_for_is_not_cut() {
        assert_eq!(
            typed(b"0123456789abcdef\n").0.as_deref(),
            Some("0123456789abcdef")
        );
        assert_eq!(typed(b"0123456789abcdefg\n"), (None, Typed::Done));
    }

    proptest! {
        #[test]
        fn text_is_taken_as_it_is(text in "[^\\x00-\\x08\\x0a-\\x1f\\x7f]{0,64}") {
            let mut line = Line::of(512);
            for byte in text.as_bytes() {
                prop_assert_eq!(line.take(*byte, &KEYS), Typed::More);
            }
            prop_assert_eq!(line.take(b'\n', &KEYS), Typed::Done);
            let taken = line.text();
            prop_assert_eq!(taken.as_deref().map(Vec::as_slice), Some(text.as_bytes()));
        }

        #[test]
        fn no_bytes_make_it_grow_or_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut line = Line::of(8);
            let at = line.text.as_ptr();
            for byte in bytes {
                line.take(byte, &KEYS);
            }
            prop_assert!(line.text.len() <= 8 && line.text.as_ptr() == at);
        }
    }
}
