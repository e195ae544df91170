//! Why a keyring cannot be used. Its own texts are not repeated: they may quote what was asked.

use crate::error::{CliError, Status};

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// There is no session bus, or no Secret Service on it.
    #[error("there is no desktop keyring")]
    Absent,
    /// It is locked, and nobody may be asked to unlock it.
    #[error("the desktop keyring is locked")]
    Locked,
    /// Its prompt was closed without an answer.
    #[error("the prompt of the desktop keyring was dismissed")]
    Dismissed,
    /// It did not answer in time.
    #[error("the desktop keyring does not answer")]
    Silent,
    /// It said no, or something else than what was asked.
    #[error("the desktop keyring refuses it")]
    Refused,
    /// It has no collection that new entries would go to.
    #[error("the desktop keyring has no default collection")]
    NoCollection,
    /// The kernel has no keyrings, or a container forbids them.
    #[error("the kernel keyring cannot be used here")]
    NoKernel,
    /// The kernel's limit for this user.
    #[error("the kernel keyring is full")]
    Full,
    /// The kernel said something else.
    #[error("the kernel keyring refuses it")]
    KernelRefused,
}

impl Trouble {
    /// What to do.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Absent => "log in to a desktop, or start one: `gnome-keyring-daemon --unlock`",
            Self::Locked => "unlock it, or run this on a terminal, where it may ask",
            Self::Dismissed => "try again",
            Self::Silent => "see whether `busctl --user status org.freedesktop.secrets` answers",
            Self::Refused | Self::KernelRefused => "see `secretfs doctor`",
            Self::NoCollection => "make one in your desktop's password manager",
            Self::NoKernel => {
                "start a Secret Service, or give credentials by the environment or in \
                 $CREDENTIALS_DIRECTORY"
            }
            Self::Full => "`secretfs logout --all` makes room; `cat /proc/key-users` shows it",
        }
    }
}

impl From<Trouble> for CliError {
    fn from(trouble: Trouble) -> Self {
        Self::new(Status::Other, trouble.to_string(), trouble.help())
    }
}
