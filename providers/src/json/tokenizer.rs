//! The grammar: one state, a bit for each open bracket, no recursion.

use super::number::{Number, Step};
use super::text::{Text, Wrong};
use super::{JsonError, MAX_DEPTH, MAX_NAME, MAX_NUMBER, Stopped, Token};
use zeroize::Zeroizing;

/// What may come next.
#[derive(Debug)]
enum State {
    /// A value.
    Value,
    /// A value, or the end of an array that was just opened.
    FirstItem,
    /// A name, or the end of an object that was just opened.
    FirstName,
    /// A name.
    Name,
    /// A colon.
    Colon,
    /// A comma, or the end of what is open.
    Next,
    /// Inside a string.
    Text { text: Text, is_name: bool },
    /// Inside a number.
    Number(Number),
    /// Inside `true`, `false` or `null`: what is missing of it.
    Word(&'static [u8], Token<'static>),
    /// Nothing but white space.
    Done,
    /// It went wrong before.
    Failed(JsonError),
}

/// Reads one document. After an error, it gives that error for ever.
#[derive(Debug)]
pub struct Tokenizer {
    state: State,
    /// A bit for each open bracket, the innermost lowest; set: an object.
    open: u64,
    depth: u32,
    /// The member name that is being read: never longer than its bound, so it never grows.
    name: Zeroizing<String>,
    /// Bytes of earlier chunks.
    before: u64,
}

impl Default for Tokenizer {
    fn default() -> Self {
        Self::new()
    }
}

/// Failures on the way of one piece of text.
enum Inside<E> {
    Wrong(Wrong),
    Bound,
    Sink(E),
}

impl<E> From<Wrong> for Inside<E> {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Tokenizer {
    /// At the start of a document.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Value,
            open: 0,
            depth: 0,
            name: Zeroizing::new(String::new()),
            before: 0,
        }
    }

    /// Reads the next bytes, and hands every token to `sink` as soon as it is known.
    ///
    /// # Errors
    /// They are not JSON, exceed a bound, or the sink's own error.
    pub fn push<E>(
        &mut self,
        chunk: &[u8],
        mut sink: impl FnMut(Token<'_>) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        let mut at = 0;
        while at < chunk.len() {
            let taken = match self.step(chunk, at, &mut sink) {
                Ok(taken) => taken,
                Err(stopped) => {
                    if let Stopped::Json(error) = &stopped {
                        self.state = State::Failed(*error);
                    }
                    return Err(stopped);
                }
            };
            at += taken;
        }
        self.before = self.before.saturating_add(count(chunk.len()));
        Ok(())
    }

    /// The document ends here.
    ///
    /// # Errors
    /// It is not complete, or the sink's own error.
    pub fn finish<E>(
        self,
        mut sink: impl FnMut(Token<'_>) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        match &self.state {
            State::Done => Ok(()),
            State::Number(number) if self.depth == 0 && number.is_complete() => {
                sink(Token::Number(number.as_str())).map_err(Stopped::Sink)
            }
            State::Failed(error) => Err(Stopped::Json(*error)),
            _ => Err(Stopped::Json(JsonError::Truncated { after: self.before })),
        }
    }

    /// Takes what begins at `at`; returns how many bytes that were (0: look again).
    fn step<E>(
        &mut self,
        chunk: &[u8],
        at: usize,
        sink: &mut impl FnMut(Token<'_>) -> Result<(), E>,
    ) -> Result<usize, Stopped<E>> {
        let place = self.before.saturating_add(count(at));
        let rest = chunk.get(at..).unwrap_or_default();
        let Some(&byte) = rest.first() else {
            return Ok(0);
        };
        let syntax = Stopped::Json(JsonError::Syntax { at: place });
        match &mut self.state {
            State::Text { .. } => return self.text(rest, place, sink),
            State::Number(number) => match number.step(byte) {
                Step::Taken => return Ok(1),
                Step::Wrong => return Err(syntax),
                Step::TooLong => return Err(bound(MAX_NUMBER, place)),
                Step::After => {
                    sink(Token::Number(number.as_str())).map_err(Stopped::Sink)?;
                    self.end_value();
                    return Ok(0);
                }
            },
            State::Word(missing, token) => {
                let Some((expected, more)) = missing.split_first() else {
                    return Err(syntax);
                };
                if byte != *expected {
                    return Err(syntax);
                }
                let token = *token;
                *missing = more;
                if more.is_empty() {
                    sink(token).map_err(Stopped::Sink)?;
                    self.end_value();
                }
                return Ok(1);
            }
            State::Failed(error) => return Err(Stopped::Json(*error)),
            _ => {}
        }
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok(1);
        }
        match (&self.state, byte) {
            (State::FirstItem, b']') | (State::Next, b']') if self.in_array() => {
                self.close();
                sink(Token::ArrayEnd).map_err(Stopped::Sink)?;
            }
            (State::FirstName, b'}') | (State::Next, b'}') if self.in_object() => {
                self.close();
                sink(Token::ObjectEnd).map_err(Stopped::Sink)?;
            }
            (State::Next, b',') if self.in_object() => self.state = State::Name,
            (State::Next, b',') if self.in_array() => self.state = State::Value,
            (State::FirstName | State::Name, b'"') => {
                self.name.clear();
                self.state = State::Text {
                    text: Text::new(),
                    is_name: true,
                };
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::Value | State::FirstItem, _) => self.value(byte, place, sink)?,
            _ => return Err(syntax),
        }
        Ok(1)
    }

    /// The first byte of a value.
    fn value<E>(
        &mut self,
        byte: u8,
        place: u64,
        sink: &mut impl FnMut(Token<'_>) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        match byte {
            b'{' => {
                self.open(true, place)?;
                self.state = State::FirstName;
                sink(Token::ObjectStart)
            }
            b'[' => {
                self.open(false, place)?;
                self.state = State::FirstItem;
                sink(Token::ArrayStart)
            }
            b'"' => {
                self.state = State::Text {
                    text: Text::new(),
                    is_name: false,
                };
                sink(Token::TextStart)
            }
            b't' => {
                self.state = State::Word(b"rue", Token::Bool(true));
                Ok(())
            }
            b'f' => {
                self.state = State::Word(b"alse", Token::Bool(false));
                Ok(())
            }
            b'n' => {
                self.state = State::Word(b"ull", Token::Null);
                Ok(())
            }
            _ => match Number::start(byte) {
                Some(number) => {
                    self.state = State::Number(number);
                    Ok(())
                }
                None => return Err(Stopped::Json(JsonError::Syntax { at: place })),
            },
        }
        .map_err(Stopped::Sink)
    }

    /// Inside a string.
    fn text<E>(
        &mut self,
        rest: &[u8],
        place: u64,
        sink: &mut impl FnMut(Token<'_>) -> Result<(), E>,
    ) -> Result<usize, Stopped<E>> {
        let State::Text { text, is_name } = &mut self.state else {
            return Ok(0);
        };
        let is_name = *is_name;
        let name = &mut self.name;
        let mut emit = |piece: &str| -> Result<(), Inside<E>> {
            if !is_name {
                return sink(Token::Text(piece)).map_err(Inside::Sink);
            }
            if name.len() + piece.len() > MAX_NAME {
                return Err(Inside::Bound);
            }
            if name.capacity() == 0 {
                name.reserve_exact(MAX_NAME);
            }
            name.push_str(piece);
            Ok(())
        };
        let plain = rest
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | 0..0x20))
            .unwrap_or(rest.len());
        let taken = match rest.first() {
            Some(&byte) if text.is_escaped() => text.escaped(byte, &mut emit).map(|()| 1),
            Some(_) if plain > 0 => {
                let run = rest.get(..plain).unwrap_or_default();
                text.run(run, &mut emit).map(|()| plain)
            }
            Some(b'\\') => text.backslash().map(|()| 1).map_err(Inside::Wrong),
            Some(b'"') => match text.whole() {
                Ok(()) => {
                    return self.end_text(is_name, sink).map(|()| 1);
                }
                Err(wrong) => Err(Inside::Wrong(wrong)),
            },
            _ => Err(Inside::Wrong(Wrong::Escape)),
        };
        taken.map_err(|inside| match inside {
            Inside::Wrong(Wrong::Escape) => Stopped::Json(JsonError::Syntax { at: place }),
            Inside::Wrong(Wrong::Unicode) => Stopped::Json(JsonError::Unicode { at: place }),
            Inside::Bound => bound(MAX_NAME, place),
            Inside::Sink(error) => Stopped::Sink(error),
        })
    }

    fn end_text<E>(
        &mut self,
        is_name: bool,
        sink: &mut impl FnMut(Token<'_>) -> Result<(), E>,
    ) -> Result<(), Stopped<E>> {
        let token = if is_name {
            self.state = State::Colon;
            Token::Name(&self.name)
        } else {
            self.end_value();
            Token::TextEnd
        };
        sink(token).map_err(Stopped::Sink)
    }

    fn end_value(&mut self) {
        self.state = if self.depth == 0 {
            State::Done
        } else {
            State::Next
        };
    }

    fn open<E>(&mut self, object: bool, place: u64) -> Result<(), Stopped<E>> {
        if self.depth >= MAX_DEPTH {
            let limit = usize::try_from(MAX_DEPTH).unwrap_or_default();
            return Err(bound(limit, place));
        }
        self.open = self.open << 1 | u64::from(object);
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.open >>= 1;
        self.depth -= 1;
        self.end_value();
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.open & 1 == 1
    }

    fn in_array(&self) -> bool {
        self.depth > 0 && self.open & 1 == 0
    }
}

fn bound<E>(limit: usize, at: u64) -> Stopped<E> {
    Stopped::Json(JsonError::Bound { limit, at })
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
