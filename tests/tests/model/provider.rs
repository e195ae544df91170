//! What the providers would answer, and what becomes of it before it is a file.

use super::shape::{Entry, Key};
use base64::Engine;
use secretfs_providers::ErrorKind;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A value.
pub(crate) type Bytes = Rc<[u8]>;

/// What one secret is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Value(Bytes),
    Fail(ErrorKind),
}

/// One provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Provider {
    /// What every request fails with.
    pub(crate) down: Option<ErrorKind>,
    pub(crate) answers: BTreeMap<&'static str, Answer>,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Provider(ErrorKind),
    Empty,
    Undecodable,
    TooLarge,
}

impl Provider {
    /// What a request for the value of this key comes to.
    pub(crate) fn fetch(&self, key: &Key, entry: &Entry) -> Result<Bytes, Failure> {
        if let Some(kind) = self.down {
            return Err(Failure::Provider(kind));
        }
        let value = match self.answers.get(key.secret.as_str()) {
            Some(Answer::Value(value)) => Rc::clone(value),
            Some(Answer::Fail(kind)) => return Err(Failure::Provider(*kind)),
            None => return Err(Failure::Provider(ErrorKind::Missing)),
        };
        // What is longer than short lines would make a value of that size is not even taken from the provider.
        if entry.base64 && value.len() > entry.max_size * 3 / 2 + 1_024 {
            return Err(Failure::TooLarge);
        }
        let value: Bytes = if entry.base64 {
            let engine = base64::engine::general_purpose::STANDARD;
            engine
                .decode(&value[..])
                .map_err(|_| Failure::Undecodable)?
                .into()
        } else {
            value
        };
        if value.len() > entry.max_size {
            return Err(Failure::TooLarge);
        }
        if value.is_empty() && !entry.allow_empty {
            return Err(Failure::Empty);
        }
        Ok(value)
    }

    /// The names in a place.
    pub(crate) fn list(&self, place: &str) -> Result<BTreeSet<String>, Failure> {
        if let Some(kind) = self.down {
            return Err(Failure::Provider(kind));
        }
        let there = self.answers.iter().filter_map(|(secret, answer)| {
            let (of, name) = secret.split_once('/')?;
            (of == place && matches!(answer, Answer::Value(_))).then(|| name.to_owned())
        });
        Ok(there.collect())
    }
}

impl Failure {
    /// The table of product.md, "The files".
    pub(crate) fn errno(self) -> i32 {
        match self {
            Self::Empty => libc::ENODATA,
            Self::Undecodable => libc::EIO,
            Self::TooLarge => libc::EFBIG,
            Self::Provider(kind) => match kind {
                ErrorKind::Missing => libc::ENOENT,
                ErrorKind::Denied => libc::EACCES,
                ErrorKind::Refused => libc::EKEYREJECTED,
                ErrorKind::Expired => libc::EKEYEXPIRED,
                ErrorKind::NoCredential => libc::ENOKEY,
                ErrorKind::Unreachable => libc::EHOSTUNREACH,
                ErrorKind::TimedOut => libc::ETIMEDOUT,
                ErrorKind::Limited { .. } => libc::EBUSY,
                ErrorKind::TooLarge => libc::EFBIG,
                _ => libc::EIO,
            },
        }
    }

    /// Whether a stale value or a fallback may stand in.
    pub(crate) fn lets_others_stand_in(self) -> bool {
        matches!(
            self,
            Self::Provider(
                ErrorKind::Unreachable
                    | ErrorKind::TimedOut
                    | ErrorKind::Server
                    | ErrorKind::Limited { .. }
            )
        )
    }

    /// Whether it is an answer about the secret, which is believed for five seconds.
    pub(crate) fn is_believed(self) -> bool {
        match self {
            Self::Empty | Self::Undecodable | Self::TooLarge => true,
            Self::Provider(kind) => matches!(
                kind,
                ErrorKind::Missing
                    | ErrorKind::Denied
                    | ErrorKind::Refused
                    | ErrorKind::Expired
                    | ErrorKind::Ambiguous
            ),
        }
    }

    /// Whether the value from before it may stand in later, when the provider cannot be reached: never
    /// after missing, denied or refused. `None`: the contract does not say.
    pub(crate) fn keeps_what_was(self) -> Option<bool> {
        match self {
            Self::Provider(ErrorKind::Missing | ErrorKind::Denied | ErrorKind::Refused) => {
                Some(false)
            }
            Self::Provider(_) => Some(true),
            Self::Empty | Self::Undecodable | Self::TooLarge => None,
        }
    }
}
