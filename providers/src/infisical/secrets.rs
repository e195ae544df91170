//! The secrets of an answer, as its tokens pass by: `{"secret":{…}}`, or `{"secrets":[…],"imports":
//! [{"secrets":[…]}]}` (contract §3). Values go into sealed writers, everything else is dropped unread.
//! No order of the members is relied on.

use crate::json::Token;
use crate::time;
use secretfs_memory::sealed::{Sealed, SealedError, SealedWriter};
use std::time::SystemTime;

/// What a value looks like that the caller may not see, although the answer is a good one.
const HIDDEN: &[u8] = b"<hidden-by-infisical>";
/// The most bytes of a name that are kept; of what is longer, nothing is.
const MAX_NAME: usize = 1024;

/// Where in an answer a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was asked for by itself.
    Single,
    /// In the folder that was asked for.
    Own,
    /// In the folder's import of this index.
    Import(u32),
}

/// What is known of a secret whose value begins.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    pub(super) origin: Origin,
    /// `None`: it comes later.
    pub(super) name: Option<&'a str>,
}

/// A value, as it came.
#[derive(Debug)]
pub(super) enum Value {
    /// There was none, or `null`.
    Absent,
    /// Nobody wanted it.
    Dropped,
    /// It could not be kept.
    Failed(SealedError),
    /// The server says that the caller may not see it.
    Hidden,
    /// The bytes.
    Whole(Sealed),
}

impl Value {
    /// The same value, in the same sealed memory.
    pub(super) fn copy(&self) -> Self {
        match self {
            Self::Absent => Self::Absent,
            Self::Dropped => Self::Dropped,
            Self::Failed(error) => Self::Failed(*error),
            Self::Hidden => Self::Hidden,
            Self::Whole(value) => Self::Whole(value.clone()),
        }
    }
}

/// A secret that has passed by.
#[derive(Debug)]
pub(super) struct Secret {
    pub(super) origin: Origin,
    /// `None`: missing, or too long to be any that a map names.
    pub(super) name: Option<String>,
    /// `type` is `personal`.
    pub(super) personal: bool,
    /// Where it says that it is. `None`: it does not, as those of an import.
    pub(super) environment: Option<String>,
    pub(super) path: Option<String>,
    /// The id of its project; empty in an import.
    pub(super) project: Option<String>,
    pub(super) modified: Option<SystemTime>,
    pub(super) value: Value,
}

/// Who takes the secrets.
pub(super) trait Collector {
    /// Where the value goes; `None`: nobody wants it.
    fn writer(&mut self, of: &Opened<'_>) -> Option<SealedWriter>;

    /// A secret is complete.
    fn take(&mut self, secret: Secret);
}

/// The answer is JSON, but not one with secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A place in the answer that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Root,
    Imports,
    Import,
    Secrets(Origin),
    Secret(Origin),
}

/// A member that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Secret,
    Secrets,
    Imports,
    Name,
    Value,
    Hidden,
    Type,
    Environment,
    Path,
    Project,
    Updated,
    Other,
}

impl Key {
    fn of(name: &str) -> Self {
        match name {
            "secret" => Self::Secret,
            "secrets" => Self::Secrets,
            "imports" => Self::Imports,
            "secretKey" => Self::Name,
            "secretValue" => Self::Value,
            "secretValueHidden" => Self::Hidden,
            "type" => Self::Type,
            "environment" => Self::Environment,
            "secretPath" => Self::Path,
            "workspace" => Self::Project,
            "updatedAt" => Self::Updated,
            _ => Self::Other,
        }
    }
}

/// The value that is being read.
#[derive(Debug)]
enum Slot {
    Empty,
    Dropped,
    Writing(SealedWriter),
    Failed(SealedError),
    Whole(Sealed),
}

/// The secret that is being read.
#[derive(Debug)]
struct Open {
    name: Option<String>,
    personal: bool,
    hidden: bool,
    environment: Option<String>,
    path: Option<String>,
    project: Option<String>,
    modified: Option<SystemTime>,
    slot: Slot,
    /// A member came twice: which one counts is anybody's guess.
    twice: bool,
}

/// Reads one answer.
#[derive(Debug)]
pub(super) struct Reader<C> {
    pub(super) collector: C,
    stack: Vec<At>,
    /// Brackets open inside something that means nothing.
    skipped: u32,
    key: Key,
    open: Open,
    /// The text of a member other than the value.
    text: String,
    text_too_long: bool,
    imports: u32,
    complete: bool,
}

impl<C: Collector> Reader<C> {
    pub(super) fn new(collector: C) -> Self {
        Self {
            collector,
            stack: Vec::with_capacity(6),
            skipped: 0,
            key: Key::Other,
            open: Open::new(),
            text: String::new(),
            text_too_long: false,
            imports: 0,
            complete: false,
        }
    }

    /// The collector, if the answer was one of secrets.
    pub(super) fn finish(self) -> Result<C, Malformed> {
        if self.complete {
            Ok(self.collector)
        } else {
            Err(Malformed)
        }
    }

    /// One token. A value's failure to be kept is its own: it does not end the answer.
    pub(super) fn token(&mut self, token: Token<'_>) -> Result<(), Malformed> {
        if self.skipped > 0 {
            match token {
                Token::ObjectStart | Token::ArrayStart => self.skipped += 1,
                Token::ObjectEnd | Token::ArrayEnd => self.skipped -= 1,
                _ => {}
            }
            return Ok(());
        }
        match token {
            Token::ObjectStart | Token::ArrayStart => self.enter(token == Token::ObjectStart)?,
            Token::ObjectEnd | Token::ArrayEnd => return self.leave(),
            Token::Name(name) => self.key = Key::of(name),
            Token::TextStart => self.begin_text()?,
            Token::Text(piece) => self.add_text(piece),
            Token::TextEnd => self.end_text()?,
            Token::Bool(is) => match (self.stack.last(), self.key) {
                (Some(At::Secret(_)), Key::Hidden) => self.open.hidden = is,
                (Some(At::Secret(_)), Key::Value) => return Err(Malformed),
                _ => {}
            },
            Token::Number(_) => {
                if self.in_secret() && matches!(self.key, Key::Value | Key::Name) {
                    return Err(Malformed);
                }
            }
            Token::Null => {}
        }
        Ok(())
    }

    fn in_secret(&self) -> bool {
        matches!(self.stack.last(), Some(At::Secret(_)))
    }

    fn enter(&mut self, object: bool) -> Result<(), Malformed> {
        let next = match (self.stack.last(), object, self.key) {
            (None, true, _) => At::Root,
            (None, false, _) => return Err(Malformed),
            (Some(At::Root), true, Key::Secret) => At::Secret(Origin::Single),
            (Some(At::Root), false, Key::Secrets) => At::Secrets(Origin::Own),
            (Some(At::Root), false, Key::Imports) => At::Imports,
            (Some(At::Imports), true, _) => {
                self.imports = self.imports.saturating_add(1);
                At::Import
            }
            (Some(At::Import), false, Key::Secrets) => {
                At::Secrets(Origin::Import(self.imports.saturating_sub(1)))
            }
            (Some(At::Secrets(origin)), true, _) => At::Secret(*origin),
            // A value that is no string is no value.
            (Some(At::Secret(_)), _, Key::Value | Key::Name) => return Err(Malformed),
            _ => {
                self.skipped = 1;
                return Ok(());
            }
        };
        if matches!(next, At::Secret(_)) {
            self.open = Open::new();
        }
        self.key = Key::Other;
        self.stack.push(next);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Malformed> {
        match self.stack.pop() {
            Some(At::Secret(origin)) => {
                self.complete |= origin == Origin::Single;
                let open = std::mem::replace(&mut self.open, Open::new());
                if open.twice {
                    return Err(Malformed);
                }
                self.collector.take(open.close(origin));
            }
            Some(At::Secrets(Origin::Own)) => self.complete = true,
            _ => {}
        }
        Ok(())
    }

    fn begin_text(&mut self) -> Result<(), Malformed> {
        let Some(At::Secret(origin)) = self.stack.last() else {
            return Ok(());
        };
        self.text.clear();
        self.text_too_long = false;
        if self.key != Key::Value {
            return Ok(());
        }
        if !matches!(self.open.slot, Slot::Empty) {
            return Err(Malformed);
        }
        let opened = Opened {
            origin: *origin,
            name: self.open.name.as_deref(),
        };
        self.open.slot = match self.collector.writer(&opened) {
            Some(writer) => Slot::Writing(writer),
            None => Slot::Dropped,
        };
        Ok(())
    }

    fn add_text(&mut self, piece: &str) {
        if !self.in_secret() {
            return;
        }
        match self.key {
            Key::Value => {
                if let Slot::Writing(writer) = &mut self.open.slot
                    && let Err(error) = writer.append(piece.as_bytes())
                {
                    self.open.slot = Slot::Failed(error);
                }
            }
            Key::Name | Key::Type | Key::Environment | Key::Path | Key::Project | Key::Updated => {
                if self.text.len() + piece.len() > MAX_NAME {
                    self.text_too_long = true;
                } else {
                    self.text.push_str(piece);
                }
            }
            _ => {}
        }
    }

    fn end_text(&mut self) -> Result<(), Malformed> {
        if !self.in_secret() {
            return Ok(());
        }
        let text = (!self.text_too_long).then_some(self.text.as_str());
        match self.key {
            Key::Value => {
                let slot = std::mem::replace(&mut self.open.slot, Slot::Dropped);
                self.open.slot = match slot {
                    Slot::Writing(writer) => match writer.finish() {
                        Ok(value) => Slot::Whole(value),
                        Err(error) => Slot::Failed(error),
                    },
                    other => other,
                };
            }
            Key::Name => {
                self.open.twice |= self.open.name.is_some();
                self.open.name = text.map(str::to_owned);
            }
            Key::Type => self.open.personal = text == Some("personal"),
            Key::Environment => self.open.environment = text.map(str::to_owned),
            Key::Path => self.open.path = text.map(str::to_owned),
            Key::Project => self.open.project = text.map(str::to_owned),
            Key::Updated => self.open.modified = text.and_then(time::parse),
            _ => {}
        }
        Ok(())
    }
}

impl Open {
    fn new() -> Self {
        Self {
            name: None,
            personal: false,
            hidden: false,
            environment: None,
            path: None,
            project: None,
            modified: None,
            slot: Slot::Empty,
            twice: false,
        }
    }

    fn close(self, origin: Origin) -> Secret {
        let value = match self.slot {
            _ if self.hidden => Value::Hidden,
            Slot::Whole(value) if is_hidden(&value) => Value::Hidden,
            Slot::Whole(value) => Value::Whole(value),
            Slot::Empty => Value::Absent,
            Slot::Dropped | Slot::Writing(_) => Value::Dropped,
            Slot::Failed(error) => Value::Failed(error),
        };
        Secret {
            origin,
            name: self.name,
            personal: self.personal,
            environment: self.environment,
            path: self.path,
            project: self.project,
            modified: self.modified,
            value,
        }
    }
}

/// Whether the text is the stand-in of a hidden value. Told by a flag beside it; looked at all the
/// same, because nothing would be worse than to serve it as a key.
fn is_hidden(value: &Sealed) -> bool {
    if value.len() != HIDDEN.len() {
        return false;
    }
    let mut rest = Some(HIDDEN);
    let shown = value.expose(|piece| rest = rest.and_then(|rest| rest.strip_prefix(piece)));
    shown.is_ok() && rest.is_some_and(<[u8]>::is_empty)
}
