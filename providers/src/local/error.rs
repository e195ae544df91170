//! Why a vault cannot be opened or changed: for the commands as it is, for the daemon by its kind.

use crate::error::{ErrorKind, ProviderError};
use std::io;
use std::path::PathBuf;

/// A failure with a vault. It names files and secrets, never a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no such file.
    #[error("there is no vault file {}", .0.display())]
    Missing(PathBuf),
    /// `init`, and it is there.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A system call failed.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// In the infinitive.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// Not in age's format.
    #[error("{} is not an age file", .0.display())]
    NotAge(PathBuf),
    /// The identity does not open it.
    #[error("the identity does not open {}", .0.display())]
    WrongIdentity(PathBuf),
    /// The passphrase does not open the identity.
    #[error("the passphrase does not open {}", .0.display())]
    WrongPassphrase(PathBuf),
    /// An empty passphrase, or one that is not text.
    #[error("the passphrase is {0}")]
    BadPassphrase(&'static str),
    /// Opening it would take more work or memory than is reasonable.
    #[error("{} asks for too much work to open it", .0.display())]
    TooMuchWork(PathBuf),
    /// Truncated, or changed by someone.
    #[error("{} is damaged: it is truncated or was changed", .0.display())]
    Damaged(PathBuf),
    /// The content is not what it should be.
    #[error("the content of {} {what}", .path.display())]
    Format {
        /// Which vault.
        path: PathBuf,
        /// What is wrong, as the end of a sentence.
        what: String,
    },
    /// Too large to be a vault.
    #[error("{} is larger than {limit} bytes", .path.display())]
    VaultTooLarge {
        /// Which file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A value is too large to be written.
    #[error("the value is larger than {0} bytes")]
    ValueTooLarge(usize),
    /// No room in the locked memory.
    #[error("there is no locked memory left for the vault")]
    NoMemory,
    /// There is no such secret.
    #[error("there is no secret {0:?} in the vault")]
    NoSuchSecret(String),
    /// The name cannot be a secret's.
    #[error("{name:?} cannot be the name of a secret: {why}")]
    BadName {
        /// The name.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// Another command holds the lock.
    #[error("another command has been writing {} for {seconds} s", .path.display())]
    Busy {
        /// Which vault.
        path: PathBuf,
        /// How long this one waited.
        seconds: u64,
    },
}

impl VaultError {
    /// What to do about it; empty where there is nothing.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing(_) => "make one with `secretfs vault init`, or correct the path",
            Self::Exists(_) => "use it, or choose another place with --file",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "see who owns the file and its folder"
            }
            Self::NotRegular(_) => "correct the path of the vault",
            Self::NotAge(_) => {
                "correct the path; armored (-a) age files have to be re-encrypted without -a"
            }
            Self::WrongIdentity(_) => {
                "identity.age beside the vault must be the one it was encrypted to; after \
                 `secretfs vault rekey`, run `secretfs unlock`"
            }
            Self::WrongPassphrase(_) => "try again; Caps Lock and the keyboard's layout count",
            Self::BadPassphrase(_) => "give a passphrase of one line",
            Self::Damaged(_) => "restore the vault from a backup",
            Self::Format { .. } => {
                "decrypt it with `age -d -i identity.age vault.age`, mend it, encrypt it again"
            }
            Self::ValueTooLarge(_) | Self::VaultTooLarge { .. } => {
                "a vault is for keys and tokens; keep large files elsewhere, encrypted with age"
            }
            Self::NoMemory => "raise the memory-lock limit (ulimit -l)",
            Self::NoSuchSecret(_) => "see `secretfs vault list`",
            Self::Busy { .. } => "wait for it, or end it",
            Self::Io { .. } | Self::TooMuchWork(_) | Self::BadName { .. } => "",
        }
    }

    /// Whether what failed is the credential (exit status 4).
    #[must_use]
    pub fn is_credential(&self) -> bool {
        matches!(
            self,
            Self::WrongPassphrase(_) | Self::WrongIdentity(_) | Self::BadPassphrase(_)
        )
    }

    /// What it means to the reader of a file.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                ErrorKind::Denied
            }
            // The vault as a whole is out of reach: nothing is said about the secret.
            Self::Missing(_) | Self::Io { .. } | Self::Busy { .. } => ErrorKind::Unreachable,
            Self::WrongIdentity(_) | Self::WrongPassphrase(_) | Self::BadPassphrase(_) => {
                ErrorKind::Refused
            }
            Self::VaultTooLarge { .. } | Self::ValueTooLarge(_) => ErrorKind::TooLarge,
            Self::NoMemory => ErrorKind::NoMemory,
            Self::NoSuchSecret(_) => ErrorKind::Missing,
            Self::Exists(_)
            | Self::NotRegular(_)
            | Self::NotAge(_)
            | Self::TooMuchWork(_)
            | Self::Damaged(_)
            | Self::Format { .. }
            | Self::BadName { .. } => ErrorKind::Protocol,
        }
    }
}

impl From<VaultError> for ProviderError {
    fn from(error: VaultError) -> Self {
        Self::new(error.kind(), error.to_string(), error.help())
    }
}
