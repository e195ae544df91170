//! The object that is being read: a field, a file or a section, before it is known whether anybody
//! wants it.

use super::{Field, File, Section, Value};
use secretfs_memory::sealed::{Sealed, SealedError, SealedWriter};

/// A value that is being read.
#[derive(Debug, Default)]
pub(super) enum Slot {
    /// It did not come yet.
    #[default]
    Empty,
    /// Nobody wants it.
    Dropped,
    Writing(SealedWriter),
    Failed(SealedError),
    Whole(Sealed),
}

impl Slot {
    /// A piece of the text. What cannot be kept is this value's own misfortune.
    pub(super) fn append(&mut self, piece: &str) {
        if let Self::Writing(writer) = self
            && let Err(error) = writer.append(piece.as_bytes())
        {
            *self = Self::Failed(error);
        }
    }

    /// The text is complete.
    pub(super) fn end(&mut self) {
        *self = match std::mem::replace(self, Self::Dropped) {
            Self::Writing(writer) => match writer.finish() {
                Ok(value) => Self::Whole(value),
                Err(error) => Self::Failed(error),
            },
            other => other,
        };
    }

    fn close(self) -> Value {
        match self {
            Self::Failed(error) => Value::Failed(error),
            Self::Whole(value) => Value::Whole(value),
            Self::Empty | Self::Dropped | Self::Writing(_) => Value::Absent,
        }
    }
}

/// A field, a file or a section. Each has some of this.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// `None`: it did not come yet.
    pub(super) id: Option<String>,
    /// A field's or section's label, a file's name.
    pub(super) label: Option<String>,
    pub(super) section: String,
    pub(super) is_otp: bool,
    pub(super) size: Option<u64>,
    pub(super) value: Slot,
    pub(super) code: Slot,
}

impl Open {
    pub(super) fn into_section(self) -> Section {
        Section {
            id: self.id.unwrap_or_default(),
            label: self.label.unwrap_or_default(),
        }
    }

    pub(super) fn into_field(self) -> Field {
        Field {
            id: self.id.unwrap_or_default(),
            label: self.label.unwrap_or_default(),
            section: self.section,
            is_otp: self.is_otp,
            is_empty: matches!(self.value, Slot::Empty),
            value: self.value.close(),
            code: self.code.close(),
        }
    }

    pub(super) fn into_file(self) -> File {
        File {
            id: self.id.unwrap_or_default(),
            name: self.label.unwrap_or_default(),
            section: self.section,
            size: self.size,
        }
    }
}
