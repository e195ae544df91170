//! One value to be fetched, and what an answer becomes: decoded, checked, rendered.

use super::decode::{self, DecodeError};
use super::store::Held;
use crate::error::OpenError;
use crate::map::{Decode, EntryPlan, ValueKey};
use secretfs_memory::sealed::{Sealed, SealedError, SealedPool};
use secretfs_providers::{
    Answer, ErrorKind, Fetched, Mark, ProviderError, Reference, Validator, Wanted,
};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// One value to be fetched.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) key: ValueKey,
    pub(super) plan: Arc<EntryPlan>,
    /// What is held, if a request can be made conditional on it.
    pub(super) prior: Option<Held>,
    /// Taken before the request is made.
    pub(super) mark: Option<Mark>,
    /// The moment before the request is made. The answer says what was true from then on: one that took
    /// its time is that much older.
    pub(super) asked: Instant,
}

/// A value that can be published.
pub(super) struct Got {
    pub(super) value: Sealed,
    pub(super) modified: Option<SystemTime>,
    pub(super) validator: Option<Validator>,
    pub(super) max_age: Option<Duration>,
    pub(super) left_out: Vec<String>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Failed {
    /// There is no locked memory for it now.
    Full,
    /// What came together with others is not good enough: it has to be fetched by itself.
    Alone,
    /// Anything else.
    Open(OpenError),
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        match error.kind {
            ErrorKind::NoMemory => Self::Full,
            _ => Self::Open(OpenError::Provider(error)),
        }
    }
}

impl From<SealedError> for Failed {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Full => Self::Full,
            SealedError::TooLarge { max } => Self::Open(OpenError::TooLarge { max }),
            // Nothing but a lock wipes.
            _ => Self::Open(OpenError::Locked),
        }
    }
}

impl Job {
    /// The most bytes that the file may have.
    pub(super) fn max_size(&self) -> usize {
        usize::try_from(self.plan.max_size).unwrap_or(usize::MAX)
    }

    /// What to ask the provider for.
    pub(super) fn wanted(&self, reference: &Reference) -> Wanted {
        Wanted {
            reference: reference.clone(),
            max_size: match self.plan.decode {
                Decode::None => self.max_size(),
                Decode::Base64 => decode::encoded_limit(self.max_size()),
            },
            validator: self.prior.as_ref().and_then(|held| held.validator.clone()),
        }
    }

    /// What a provider's answer becomes.
    pub(super) fn accept(&self, pool: &Arc<SealedPool>, answer: Answer) -> Result<Got, Failed> {
        match answer {
            Answer::Unchanged => self.unchanged(),
            Answer::Value(fetched) => self.value(pool, fetched),
            Answer::Alone => Err(Failed::Alone),
        }
    }

    fn unchanged(&self) -> Result<Got, Failed> {
        let held = self.prior.as_ref().ok_or_else(|| {
            Failed::Open(OpenError::Provider(ProviderError::new(
                ErrorKind::Protocol,
                format!(
                    "the provider says that {} is unchanged, but was not told since when",
                    self.plan.path
                ),
                "",
            )))
        })?;
        Ok(Got {
            value: held.value.clone(),
            modified: Some(held.modified),
            validator: held.validator.clone(),
            max_age: held.max_age,
            left_out: Vec::new(),
        })
    }

    fn value(&self, pool: &Arc<SealedPool>, fetched: Fetched) -> Result<Got, Failed> {
        let value = match self.plan.decode {
            Decode::None => fetched.value,
            Decode::Base64 => decode::base64(pool, &fetched.value, self.max_size()).map_err(
                |error| match error {
                    DecodeError::Undecodable => Failed::Open(OpenError::Undecodable),
                    DecodeError::Sealed(error) => error.into(),
                },
            )?,
        };
        self.check(&value)?;
        Ok(Got {
            value,
            modified: fetched.modified,
            validator: fetched.validator,
            max_age: fetched.max_age,
            left_out: Vec::new(),
        })
    }

    /// A folder as one file.
    pub(super) fn render(
        &self,
        pool: &Arc<SealedPool>,
        format: crate::map::Format,
        secrets: &[(String, Fetched)],
    ) -> Result<Got, Failed> {
        let mut writer = pool.writer(None, self.max_size());
        let pairs = secrets
            .iter()
            .map(|(name, got)| (name.as_str(), &got.value));
        let left_out = crate::render::render(format, pairs, &mut writer)?;
        let value = writer.finish()?;
        self.check(&value)?;
        Ok(Got {
            value,
            modified: secrets.iter().filter_map(|(_, got)| got.modified).max(),
            validator: None,
            max_age: secrets.iter().filter_map(|(_, got)| got.max_age).min(),
            left_out,
        })
    }

    fn check(&self, value: &Sealed) -> Result<(), Failed> {
        let max = self.max_size();
        if value.len() > max {
            return Err(Failed::Open(OpenError::TooLarge { max }));
        }
        if value.is_empty() && !self.plan.allow_empty {
            return Err(Failed::Open(OpenError::Empty));
        }
        Ok(())
    }
}
