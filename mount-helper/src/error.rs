//! A failure as a command reports it: what failed, what to do, and the exit status.

use serde::{Deserialize, Serialize};

/// Exit status: the map is wrong (product.md, "The commands").
pub const MAP: u8 = 3;
/// Exit status: mounting, unmounting, or finding a mount.
pub const MOUNT: u8 = 6;
/// Exit status: anything that has none of its own.
pub const OTHER: u8 = 1;

/// Why something that a command asked for did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct HelperError {
    /// The exit status of the command.
    pub status: u8,
    /// What failed, on what, why.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl HelperError {
    /// A failure with an exit status of its own.
    pub fn new(status: u8, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            help: help.into(),
        }
    }

    /// A failure of mounting or finding a mount.
    pub(crate) fn mount(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(MOUNT, message, help)
    }

    /// Any other failure.
    pub(crate) fn other(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(OTHER, message, help)
    }
}
