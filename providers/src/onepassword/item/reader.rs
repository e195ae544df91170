//! An item's JSON, as its tokens pass by. Values of fields that somebody may want go into sealed
//! writers, everything else is dropped unread. No order of the members is relied on.

use super::open::{Open, Slot};
use super::{Item, fold};
use crate::json::Token;
use crate::time;
use secretfs_memory::sealed::{SealedPool, SealedWriter};
use std::collections::HashSet;
use std::sync::Arc;

/// The most bytes of an id, a label or a name. A longer label is none that a map could name.
const MAX_TEXT: usize = 1024;
/// The most bytes of such texts that are kept of one item, with what holds them: they lie in the
/// locked heap.
const MAX_KEPT: usize = 128 << 10;
/// What a section, field or file takes beside its texts.
const KEPT_COST: usize = 128;
/// Where a listing stops taking what nobody wants: the rest of the bound is for what somebody does.
const MAX_LISTED: usize = MAX_KEPT / 2;

/// What somebody wants of an item.
#[derive(Debug)]
pub(in crate::onepassword) struct Wants<'a> {
    /// Where values go.
    pub(in crate::onepassword) pool: &'a Arc<SealedPool>,
    /// The most bytes of one.
    pub(in crate::onepassword) max: usize,
    /// Fields and files, folded.
    pub(in crate::onepassword) names: HashSet<String>,
}

impl Wants<'_> {
    fn has(&self, name: Option<&String>) -> bool {
        name.is_some_and(|name| self.names.contains(&fold(name)))
    }

    /// Whether it may be one of these names, by what is known of it so far.
    fn may_be(&self, open: &Open) -> bool {
        let unknown = open.id.is_none() || open.label.is_none();
        unknown || self.is(open)
    }

    /// Whether it is one of these names.
    fn is(&self, open: &Open) -> bool {
        self.has(open.id.as_ref()) || self.has(open.label.as_ref())
    }

    fn writer(&self) -> SealedWriter {
        self.pool.writer(None, self.max)
    }
}

/// The answer is JSON, but no item, or one beyond every bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::onepassword) struct Malformed;

/// An object or list that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Item,
    Vault,
    Sections,
    Section,
    Fields,
    Field,
    Files,
    File,
    /// `section` of a field or file.
    In,
}

/// A member that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Label,
    Name,
    Title,
    Type,
    Value,
    Code,
    Size,
    State,
    Version,
    Updated,
    Section,
    Vault,
    Sections,
    Fields,
    Files,
    Other,
}

impl Key {
    fn of(name: &str) -> Self {
        match name {
            "id" => Self::Id,
            "label" => Self::Label,
            "name" => Self::Name,
            "title" => Self::Title,
            "type" => Self::Type,
            "value" => Self::Value,
            "totp" => Self::Code,
            "size" => Self::Size,
            "state" => Self::State,
            "version" => Self::Version,
            // Connect's name, and that of `op`.
            "updatedAt" | "updated_at" => Self::Updated,
            "section" => Self::Section,
            "vault" => Self::Vault,
            "sections" => Self::Sections,
            "fields" => Self::Fields,
            "files" => Self::Files,
            _ => Self::Other,
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// An open object or list.
#[derive(Debug, Clone, Copy)]
struct Frame {
    at: At,
    /// The members that came already: of one that comes twice, which counts is anybody's guess.
    seen: u32,
}

/// Reads one item.
#[derive(Debug)]
pub(in crate::onepassword) struct Reader<'a> {
    wants: Wants<'a>,
    is_listing: bool,
    item: Item,
    stack: Vec<Frame>,
    /// Brackets open inside something that means nothing.
    skipped: u32,
    key: Key,
    open: Open,
    text: String,
    is_too_long: bool,
    kept: usize,
    is_complete: bool,
}

impl<'a> Reader<'a> {
    pub(in crate::onepassword) fn new(wants: Wants<'a>) -> Self {
        Self {
            wants,
            is_listing: false,
            item: Item {
                id: String::new(),
                title: String::new(),
                vault: String::new(),
                vault_name: String::new(),
                version: None,
                modified: None,
                is_active: true,
                is_cut: false,
                sections: Vec::new(),
                fields: Vec::new(),
                files: Vec::new(),
            },
            stack: Vec::with_capacity(5),
            skipped: 0,
            key: Key::Other,
            open: Open::default(),
            text: String::new(),
            is_too_long: false,
            kept: 0,
            is_complete: false,
        }
    }

    /// The same, with the names of the fields and files that nobody wants, as many as there is room for.
    /// Their values are dropped unread all the same.
    pub(in crate::onepassword) fn listing(self) -> Self {
        Self {
            is_listing: true,
            ..self
        }
    }

    /// The item, if the answer was one.
    pub(in crate::onepassword) fn finish(self) -> Result<Item, Malformed> {
        if self.is_complete && !self.item.id.is_empty() {
            Ok(self.item)
        } else {
            Err(Malformed)
        }
    }

    /// One token.
    pub(in crate::onepassword) fn token(&mut self, token: Token<'_>) -> Result<(), Malformed> {
        if self.skipped > 0 {
            match token {
                Token::ObjectStart | Token::ArrayStart => self.skipped += 1,
                Token::ObjectEnd | Token::ArrayEnd => self.skipped -= 1,
                _ => {}
            }
            return Ok(());
        }
        match token {
            Token::ObjectStart | Token::ArrayStart => self.enter(token == Token::ObjectStart),
            Token::ObjectEnd | Token::ArrayEnd => self.leave(),
            Token::Name(name) => self.name(Key::of(name)),
            Token::TextStart => {
                self.begin();
                Ok(())
            }
            Token::Text(piece) => {
                self.add(piece);
                Ok(())
            }
            Token::TextEnd => self.end(),
            Token::Number(number) => self.number(number),
            Token::Bool(_) if self.is_text() => Err(Malformed),
            // An empty one may be told as null.
            Token::Bool(_) | Token::Null => Ok(()),
        }
    }

    fn at(&self) -> Option<At> {
        self.stack.last().map(|frame| frame.at)
    }

    fn name(&mut self, key: Key) -> Result<(), Malformed> {
        self.key = key;
        let Some(frame) = self.stack.last_mut() else {
            return Err(Malformed);
        };
        if key != Key::Other && frame.seen & key.bit() != 0 {
            return Err(Malformed);
        }
        frame.seen |= key.bit();
        Ok(())
    }

    fn enter(&mut self, object: bool) -> Result<(), Malformed> {
        let at = match (self.at(), object, self.key) {
            (None, true, _) if !self.is_complete => At::Item,
            (None, ..) => return Err(Malformed),
            (Some(At::Item), true, Key::Vault) => At::Vault,
            (Some(At::Item), false, Key::Sections) => At::Sections,
            (Some(At::Item), false, Key::Fields) => At::Fields,
            (Some(At::Item), false, Key::Files) => At::Files,
            (Some(At::Sections), true, _) => At::Section,
            (Some(At::Fields), true, _) => At::Field,
            (Some(At::Files), true, _) => At::File,
            (Some(At::Field | At::File), true, Key::Section) => At::In,
            // A text that is none.
            _ if self.is_text() => return Err(Malformed),
            _ => {
                self.skipped = 1;
                return Ok(());
            }
        };
        if matches!(at, At::Section | At::Field | At::File) {
            self.open = Open::default();
        }
        self.key = Key::Other;
        self.stack.push(Frame { at, seen: 0 });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Malformed> {
        let Some(Frame { at, .. }) = self.stack.pop() else {
            return Err(Malformed);
        };
        self.key = Key::Other;
        match at {
            At::Item => self.is_complete = true,
            At::Section => {
                self.keep()?;
                let open = std::mem::take(&mut self.open);
                self.item.sections.push(open.into_section());
            }
            At::Field if self.is_kept() => {
                self.keep()?;
                let open = std::mem::take(&mut self.open);
                self.item.fields.push(open.into_field());
            }
            At::File if self.is_kept() => {
                self.keep()?;
                let open = std::mem::take(&mut self.open);
                self.item.files.push(open.into_file());
            }
            At::Field | At::File => {
                self.item.is_cut |= self.is_listing;
                self.open = Open::default();
            }
            At::Vault | At::Sections | At::Fields | At::Files | At::In => {}
        }
        Ok(())
    }

    /// Whether the open field or file is wanted, or listed.
    fn is_kept(&self) -> bool {
        self.wants.is(&self.open) || (self.is_listing && self.kept < MAX_LISTED)
    }

    /// Counts what is kept of the open object.
    fn keep(&mut self) -> Result<(), Malformed> {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let open = &self.open;
        self.kept += length(&open.id) + length(&open.label) + open.section.len() + KEPT_COST;
        if self.kept > MAX_KEPT {
            return Err(Malformed);
        }
        Ok(())
    }

    /// Whether a text is expected here, and nothing else would do.
    fn is_text(&self) -> bool {
        match self.at() {
            Some(At::Field) => matches!(
                self.key,
                Key::Id | Key::Label | Key::Type | Key::Value | Key::Code
            ),
            Some(At::File) => matches!(self.key, Key::Id | Key::Name),
            Some(At::Section) => matches!(self.key, Key::Id | Key::Label),
            Some(At::Item) => matches!(self.key, Key::Id | Key::State),
            Some(At::Vault | At::In) => self.key == Key::Id,
            _ => false,
        }
    }

    fn slot(&mut self) -> Option<&mut Slot> {
        match (self.at(), self.key) {
            (Some(At::Field), Key::Value) => Some(&mut self.open.value),
            (Some(At::Field), Key::Code) => Some(&mut self.open.code),
            _ => None,
        }
    }

    fn begin(&mut self) {
        self.text.clear();
        self.is_too_long = false;
        let is_wanted = self.wants.may_be(&self.open);
        let writer = is_wanted.then(|| self.wants.writer());
        if let Some(slot) = self.slot() {
            *slot = writer.map_or(Slot::Dropped, Slot::Writing);
        }
    }

    fn add(&mut self, piece: &str) {
        if let Some(slot) = self.slot() {
            slot.append(piece);
        } else if self.key == Key::Other {
            // A tag, a URL: nobody wants it.
        } else if self.text.len() + piece.len() > MAX_TEXT {
            self.is_too_long = true;
        } else {
            self.text.push_str(piece);
        }
    }

    fn end(&mut self) -> Result<(), Malformed> {
        if let Some(slot) = self.slot() {
            slot.end();
            return Ok(());
        }
        let text = (!self.is_too_long).then(|| std::mem::take(&mut self.text));
        match (self.at(), self.key) {
            // Ids are made by machines: a long one is none, and could pass for another.
            (Some(At::Item), Key::Id) => self.item.id = text.ok_or(Malformed)?,
            (Some(At::Item), Key::Title) => self.item.title = text.unwrap_or_default(),
            (Some(At::Vault), Key::Id) => self.item.vault = text.ok_or(Malformed)?,
            (Some(At::Vault), Key::Name) => self.item.vault_name = text.unwrap_or_default(),
            (Some(At::In), Key::Id) => self.open.section = text.ok_or(Malformed)?,
            (Some(At::Section | At::Field | At::File), Key::Id) => {
                self.open.id = Some(text.ok_or(Malformed)?);
            }
            (Some(At::Section), Key::Label) if text.is_none() => {
                // It has a label, though none that a map could name.
                self.open.label = Some("\0".to_owned());
            }
            (Some(At::Section | At::Field), Key::Label) | (Some(At::File), Key::Name) => {
                self.open.label = Some(text.unwrap_or_default());
            }
            (Some(At::Field), Key::Type) => {
                // The specification says TOTP, servers send OTP.
                self.open.is_otp = matches!(text.as_deref(), Some("OTP" | "TOTP"));
            }
            (Some(At::Item), Key::Updated) => {
                self.item.modified = text.as_deref().and_then(time::parse);
            }
            // ARCHIVED, DELETED; left out where it is active.
            (Some(At::Item), Key::State) => {
                self.item.is_active = matches!(text.as_deref(), Some("" | "ACTIVE"));
            }
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, number: &str) -> Result<(), Malformed> {
        match (self.at(), self.key) {
            (Some(At::Item), Key::Version) => self.item.version = number.parse().ok(),
            (Some(At::File), Key::Size) => {
                self.open.size = Some(number.parse().map_err(|_| Malformed)?);
            }
            _ if self.is_text() => return Err(Malformed),
            _ => {}
        }
        Ok(())
    }
}
