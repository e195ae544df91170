//! A secret asked for at the terminal. Echo is off before the question is shown, so that no key of a fast
//! typist is seen, and the terminal is as it was afterwards, also where the answer is Ctrl-C: a shell that
//! does not mend it would show nothing of what is typed from then on.

mod line;

use line::{Keys, Line, Typed};
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use zeroize::Zeroizing;

/// Shows the question and reads a line of at most `most` bytes without showing it.
///
/// # Errors
/// There is no terminal, the line is longer, or it was ended by Ctrl-D. Ctrl-C ends the process.
pub(crate) fn ask_secret(question: &str, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let tty = File::options().read(true).write(true).open("/dev/tty")?;
    loop {
        let (typed, line) = Silent::begin(&tty)?.line(question, most)?;
        let signal = match typed {
            Typed::More | Typed::Done => {
                return line
                    .text()
                    .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it is too long"));
            }
            Typed::End => {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    "nothing was typed",
                ));
            }
            Typed::Interrupt => Signal::INT,
            Typed::Quit => Signal::QUIT,
            Typed::Suspend => Signal::TSTP,
        };
        drop(line);
        // As the terminal does where it sees to these keys itself.
        kill_current_process_group(signal)?;
        // It was stopped and goes on, or whoever started this process ignores the signal.
        if signal != Signal::TSTP {
            return Err(io::Error::from(ErrorKind::Interrupted));
        }
    }
}

/// The terminal while it shows nothing of what is typed.
struct Silent<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn begin(tty: &'a File) -> io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut silent = before.clone();
        // Signals too: their keys come as bytes, for the terminal to be as it was before they are sent.
        silent.local_modes -= LocalModes::ECHO
            | LocalModes::ECHONL
            | LocalModes::ICANON
            | LocalModes::ISIG
            | LocalModes::IEXTEN;
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before stays: it may be the answer of somebody who knows the question.
        tcsetattr(tty, OptionalActions::Now, &silent)?;
        Ok(Self { tty, before })
    }

    fn line(self, question: &str, most: usize) -> io::Result<(Typed, Line)> {
        let codes = &self.before.special_codes;
        let keys = Keys {
            erase: codes[SpecialCodeIndex::VERASE],
            erase_word: codes[SpecialCodeIndex::VWERASE],
            erase_line: codes[SpecialCodeIndex::VKILL],
            end: codes[SpecialCodeIndex::VEOF],
            interrupt: codes[SpecialCodeIndex::VINTR],
            quit: codes[SpecialCodeIndex::VQUIT],
            suspend: codes[SpecialCodeIndex::VSUSP],
        };
        let mut tty = self.tty;
        tty.write_all(question.as_bytes())?;
        let mut line = Line::of(most);
        let mut byte = Zeroizing::new([0]);
        loop {
            match tty.read(&mut *byte) {
                Ok(0) => return Ok((Typed::End, line)),
                Ok(_) => {
                    let [key] = *byte;
                    match line.take(key, &keys) {
                        Typed::More => {}
                        typed => return Ok((typed, line)),
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // The end of the line was not shown either.
        let mut tty = self.tty;
        let _shown = tty.write_all(b"\n");
        let _restored = tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}
