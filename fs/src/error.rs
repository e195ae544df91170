//! Why an open fails, and the errno that says so: the one table (product.md, "The files").

use rustix::io::Errno;
use secretfs_providers::{ErrorKind, ProviderError};

/// A failed open or listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Sealed or locked.
    #[error("the mount is locked")]
    Locked,
    /// `allow` does not name the caller.
    #[error("this program is not in the entry's `allow` list")]
    NotAllowed,
    /// Nothing came within `open_timeout`.
    #[error("no answer from provider {provider} within {seconds} s")]
    TimedOut {
        /// The provider's name.
        provider: String,
        /// The entry's `open_timeout` in seconds.
        seconds: u64,
    },
    /// The value is empty where that is not allowed.
    #[error("the value is empty")]
    Empty,
    /// `decode: base64`, and the value is not base64.
    #[error("the value is not base64")]
    Undecodable,
    /// Larger than `max_size` or than what can be locked.
    #[error("the value is larger than {max} bytes")]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// The sealed memory is full of values that are still held open.
    #[error("the locked memory is full of values that are still held open")]
    NoMemory,
    /// The reader was signalled while it waited.
    #[error("interrupted by a signal")]
    Interrupted,
    /// The handle's value was wiped.
    #[error("the value was wiped by a lock")]
    Wiped,
    /// Too many opens wait already.
    #[error("too many opens are waiting")]
    Busy,
    /// Too many handles are open already.
    #[error("too many files of this mount are open")]
    TooManyHandles,
    /// A request went wrong inside: a panic, a broken invariant.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl OpenError {
    /// The errno that the reader sees. Exhaustive, and the only such table.
    #[must_use]
    pub fn errno(&self) -> Errno {
        match self {
            Self::Provider(e) => match e.kind {
                ErrorKind::Missing => Errno::NOENT,
                ErrorKind::Denied => Errno::ACCESS,
                ErrorKind::Refused => Errno::KEYREJECTED,
                ErrorKind::Expired => Errno::KEYEXPIRED,
                ErrorKind::NoCredential => Errno::NOKEY,
                ErrorKind::Unreachable => Errno::HOSTUNREACH,
                ErrorKind::TimedOut => Errno::TIMEDOUT,
                ErrorKind::Limited { .. } => Errno::BUSY,
                ErrorKind::TooLarge => Errno::FBIG,
                ErrorKind::NoMemory => Errno::NOMEM,
                ErrorKind::Server
                | ErrorKind::Ambiguous
                | ErrorKind::Protocol
                | ErrorKind::Unsupported => Errno::IO,
            },
            Self::Locked => Errno::NOKEY,
            Self::NotAllowed => Errno::ACCESS,
            Self::TimedOut { .. } => Errno::TIMEDOUT,
            Self::Empty => Errno::NODATA,
            Self::TooLarge { .. } => Errno::FBIG,
            Self::NoMemory => Errno::NOMEM,
            Self::Interrupted => Errno::INTR,
            Self::Busy => Errno::BUSY,
            Self::TooManyHandles => Errno::NFILE,
            Self::Undecodable | Self::Wiped | Self::Internal(_) => Errno::IO,
        }
    }

    /// What the user can do, in one line; empty where there is nothing.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Provider(e) => e.help.clone(),
            Self::Locked => "run `secretfs unlock`".into(),
            Self::NotAllowed => "add its name or path to `allow` in the map".into(),
            Self::TimedOut { .. } => {
                "raise `open_timeout`, or see `secretfs status` for the provider's health".into()
            }
            Self::Empty => "set `allow_empty: true` on the entry if that is meant".into(),
            Self::Undecodable => "remove `decode: base64` from the entry, or mend the value".into(),
            Self::TooLarge { .. } => "raise `max_size` in the map".into(),
            Self::NoMemory => {
                "close files that are held open, or raise the memory-lock limit".into()
            }
            Self::Busy => "open fewer files at once, or see `secretfs status`".into(),
            Self::TooManyHandles => "close files that are held open".into(),
            Self::Wiped => "open the file again after `secretfs unlock`".into(),
            Self::Interrupted | Self::Internal(_) => String::new(),
        }
    }
}
