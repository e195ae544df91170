//! What is served for a reference, once its item is there; or why nothing is.

use super::resolve::{Found, Unresolved, resolve};
use super::{Field, Item, Value};
use crate::error::{ErrorKind, ProviderError};
use crate::onepassword::{Attribute, Reference, otp, ssh};
use crate::provider::{Fetched, Validator};
use secretfs_memory::sealed::{Sealed, SealedError, SealedPool};
use std::sync::Arc;
use std::time::SystemTime;

/// The most ids that an error lists.
const MAX_LISTED: usize = 8;

/// What an answer is made under.
#[derive(Debug)]
pub(in crate::onepassword) struct Circumstances<'a> {
    /// The provider's name in the map.
    pub(in crate::onepassword) provider: &'a str,
    /// Where values are written.
    pub(in crate::onepassword) pool: &'a Arc<SealedPool>,
    /// When the item was asked for: a one-time password is of then, or later.
    pub(in crate::onepassword) asked: SystemTime,
    /// What time it is now.
    pub(in crate::onepassword) now: SystemTime,
}

/// What is served.
#[derive(Debug)]
pub(in crate::onepassword) enum Served {
    /// A field's value.
    Value(Fetched),
    /// A file, whose bytes are elsewhere.
    File {
        /// Its id.
        id: String,
        /// How many bytes it has.
        size: Option<u64>,
    },
}

/// What is served for `of`, whose value may have `max` bytes.
pub(in crate::onepassword) fn serve(
    item: &Item,
    of: &Reference,
    max: usize,
    cx: &Circumstances<'_>,
) -> Result<Served, ProviderError> {
    let told = Told { of, cx };
    if !item.is_active {
        return Err(told.error(
            ErrorKind::Missing,
            "the item is archived or deleted",
            "restore it in 1Password, or take the entry out of the map",
        ));
    }
    let found = resolve(item, of.section.as_deref(), &of.field);
    match found.map_err(|why| told.unresolved(&why))? {
        Found::File(at) => {
            let file = item.files.get(at).ok_or_else(|| told.lost())?;
            match of.attribute {
                None => Ok(Served::File {
                    id: file.id.clone(),
                    size: file.size,
                }),
                Some(_) => Err(told.error(
                    ErrorKind::Unsupported,
                    "it is a file, and a file has no attributes",
                    "leave `?…` out",
                )),
            }
        }
        Found::Field(at) => {
            let field = item.fields.get(at).ok_or_else(|| told.lost())?;
            told.field(item, field, max).map(Served::Value)
        }
    }
}

/// Errors about one reference.
struct Told<'a> {
    of: &'a Reference,
    cx: &'a Circumstances<'a>,
}

impl Told<'_> {
    fn field(&self, item: &Item, field: &Field, max: usize) -> Result<Fetched, ProviderError> {
        let validator = || {
            let version = item.version?;
            Some(Validator(format!("{}:{version}", item.id).into()))
        };
        let value = match self.of.attribute {
            None => self.value(&field.value, max)?,
            Some(Attribute::OpenSsh) => self.openssh(item, field, max)?,
            Some(Attribute::Otp) => {
                return Ok(Fetched {
                    value: self.code(field, max)?,
                    modified: None,
                    // Every code is another one, whatever the item's version.
                    validator: None,
                    max_age: Some(otp::left(period(field), self.cx.asked, self.cx.now)),
                });
            }
        };
        Ok(Fetched {
            value,
            modified: item.modified,
            validator: validator(),
            max_age: None,
        })
    }

    /// The exact bytes. A value that the server left out is an empty one (contract §1.3).
    fn value(&self, value: &Value, max: usize) -> Result<Sealed, ProviderError> {
        match value {
            Value::Whole(value) if value.len() > max => {
                Err(self.sealed(SealedError::TooLarge { max }))
            }
            Value::Whole(value) => Ok(value.clone()),
            Value::Absent => {
                let empty = self.cx.pool.writer(Some(0), 0).finish();
                empty.map_err(|error| self.sealed(error))
            }
            // What did not fit the largest wish does not fit this one.
            Value::Failed(SealedError::TooLarge { .. }) => {
                Err(self.sealed(SealedError::TooLarge { max }))
            }
            Value::Failed(error) => Err(self.sealed(*error)),
        }
    }

    fn code(&self, field: &Field, max: usize) -> Result<Sealed, ProviderError> {
        if !field.is_otp {
            return Err(self.error(
                ErrorKind::Unsupported,
                "the field makes no one-time passwords",
                "leave `?attribute=…` out, or name a field of the type one-time password",
            ));
        }
        match (&field.code, &field.value) {
            (Value::Absent, Value::Whole(_) | Value::Failed(_)) => Err(self.error(
                ErrorKind::Unsupported,
                "the server makes no one-time passwords",
                "update Connect (1.4.0 or later) or `op`, or mend the field in 1Password",
            )),
            (code, _) => self.value(code, max),
        }
    }

    fn openssh(&self, item: &Item, field: &Field, max: usize) -> Result<Sealed, ProviderError> {
        let stored = self.value(&field.value, usize::MAX)?;
        if stored.is_empty() {
            return Ok(stored);
        }
        let key = ssh::to_openssh(&stored, &item.id).map_err(|why| match why {
            ssh::SshError::Sealed(error) => self.sealed(error),
            why => self.error(
                ErrorKind::Unsupported,
                &why.to_string(),
                "name the private key of an SSH key item (RSA or Ed25519), or leave `?ssh-format=…` out",
            ),
        })?;
        let mut writer = self.cx.pool.writer(Some(key.len()), max);
        let written = writer.append(&key).and_then(|()| writer.finish());
        written.map_err(|error| self.sealed(error))
    }

    fn unresolved(&self, why: &Unresolved) -> ProviderError {
        match why {
            Unresolved::NoSection => self.error(
                ErrorKind::Missing,
                "the item has no such section",
                "check the section in the map; without one, the whole item is searched",
            ),
            Unresolved::Nothing => self.error(
                ErrorKind::Missing,
                "the item has no such field or file there",
                "check section and field in the map against the item",
            ),
            Unresolved::Sections(ids) => self.error(
                ErrorKind::Ambiguous,
                &format!("several sections are meant: {}", listed(ids)),
                "write the section's id in place of its label",
            ),
            Unresolved::Several(ids) => self.error(
                ErrorKind::Ambiguous,
                &format!("several fields or files are meant: {}", listed(ids)),
                "write the id in place of the label, or the section before it",
            ),
        }
    }

    fn sealed(&self, error: SealedError) -> ProviderError {
        let Self { of, cx } = self;
        ProviderError::sealed(error, format_args!("provider {}: {of}", cx.provider))
    }

    fn lost(&self) -> ProviderError {
        self.error(ErrorKind::Protocol, "the item was not read well", "")
    }

    fn error(&self, kind: ErrorKind, what: &str, help: &str) -> ProviderError {
        let Self { of, cx } = self;
        ProviderError::new(
            kind,
            format!("provider {}: {of}: {what}", cx.provider),
            help,
        )
    }
}

/// The period of the field's codes, as its secret says.
fn period(field: &Field) -> u64 {
    match &field.value {
        Value::Whole(value) => otp::period(value),
        _ => otp::USUAL_PERIOD,
    }
}

/// Ids for an error: the first few, and only what looks like one. A server that answers with something
/// else has it told of nobody.
pub(in crate::onepassword) fn listed(ids: &[String]) -> String {
    let is_plain = |id: &&String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.');
        id.len() <= 64 && id.chars().all(plain)
    };
    let shown: Vec<_> = ids
        .iter()
        .filter(is_plain)
        .take(MAX_LISTED)
        .map(|id| format!("`{id}`"))
        .collect();
    match ids.len() - shown.len() {
        0 => shown.join(", "),
        more if shown.is_empty() => format!("{more} of them"),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
