//! Failures of providers. Each already knows what it means; `fs` maps kinds to errno in one place.

use secretfs_memory::sealed::SealedError;
use std::fmt::Display;
use std::time::Duration;

/// What a failure means, whoever reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "test-hooks", derive(serde::Serialize, serde::Deserialize))]
pub enum ErrorKind {
    /// The provider says that there is no such secret.
    Missing,
    /// The credential is good, but may not read this.
    Denied,
    /// The credential is refused. Never retried by itself.
    Refused,
    /// The session or token has expired and cannot be renewed.
    Expired,
    /// No credential was given yet, or it was wiped at lock.
    NoCredential,
    /// No connection, or it broke.
    Unreachable,
    /// No answer before the deadline.
    TimedOut,
    /// Rate limited.
    Limited {
        /// How long the provider asks to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// The provider answered that it failed (5xx).
    Server,
    /// Larger than the limit of the entry, or than what can be locked.
    TooLarge,
    /// The sealed memory has no room now.
    NoMemory,
    /// More than one secret matches.
    Ambiguous,
    /// An answer that makes no sense: malformed, truncated, another secret's.
    Protocol,
    /// This build cannot do it.
    Unsupported,
}

impl ErrorKind {
    /// Whether a stale value or a fallback may stand in (product.md, "The cache"): only where the
    /// provider could not say anything about the secret, never for missing, denied or refused.
    #[must_use]
    pub fn allows_stale(self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Server | Self::Limited { .. } => true,
            Self::Missing
            | Self::Denied
            | Self::Refused
            | Self::Expired
            | Self::NoCredential
            | Self::TooLarge
            | Self::NoMemory
            | Self::Ambiguous
            | Self::Protocol
            | Self::Unsupported => false,
        }
    }
}

/// A failure: what was tried, on what, and what to do. Built from our own words only: a provider's
/// text may quote a value, so it is never copied in here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What it means.
    pub kind: ErrorKind,
    /// What failed and on what, in one line without a final stop.
    pub message: String,
    /// What to do about it, in one line; empty where there is nothing to do.
    pub help: String,
}

impl ProviderError {
    /// A failure of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: help.into(),
        }
    }
    /// `what` could not be written to the sealed memory.
    pub fn sealed(error: SealedError, what: impl Display) -> Self {
        match error {
            SealedError::TooLarge { max } => Self::new(
                ErrorKind::TooLarge,
                format!("{what} is larger than {max} bytes"),
                "raise `max_size` in the map",
            ),
            SealedError::Full => Self::new(
                ErrorKind::NoMemory,
                format!("there is no locked memory left for {what}"),
                "close files that are held open, or raise the memory-lock limit",
            ),
            // A lock overtook the fetch; nothing but a lock wipes the pool.
            _ => Self::new(
                ErrorKind::NoCredential,
                format!("a lock wiped {what} while it was fetched"),
                "run `secretfs unlock`",
            ),
        }
    }
}
