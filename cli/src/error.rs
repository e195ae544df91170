//! The one error of all commands: a line that says what failed, a `help:` line that says what to do,
//! and the exit status (product.md, "The commands").

use crate::output::Paint;
use secretfs_mount_helper::launch::LaunchError;
use std::process::ExitCode;

/// The exit status of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Anything that has no status of its own.
    Other = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The map is missing, unreadable or wrong.
    Map = 3,
    /// A credential is missing, wrong, refused or expired.
    Credential = 4,
    /// A provider cannot be reached.
    Unreachable = 5,
    /// Mounting, unmounting, or finding a mount.
    Mount = 6,
}

impl Status {
    /// The status that a helper reported as a number.
    fn from_number(number: u8) -> Self {
        match number {
            2 => Self::Usage,
            3 => Self::Map,
            4 => Self::Credential,
            5 => Self::Unreachable,
            6 => Self::Mount,
            _ => Self::Other,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Why a command failed. Never holds a value, a token, or a provider's text.
#[derive(Debug)]
pub(crate) struct CliError {
    status: Status,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// A message, and a help that may be empty.
    Line { message: String, help: String },
    /// The command has printed what failed already.
    Told,
    /// Nothing failed: help was asked for, or nobody reads our standard output any more.
    Done,
}

impl CliError {
    /// An error of two lines: what failed, on what and why; and what to do, empty where there is
    /// nothing to do. Neither ends with a stop.
    pub(crate) fn new(status: Status, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            status,
            body: Body::Line {
                message: message.into(),
                help: help.into(),
            },
        }
    }

    /// Ends the command with `status`, without a word: it has told what failed already.
    pub(crate) fn told(status: Status) -> Self {
        Self {
            status,
            body: Body::Told,
        }
    }

    /// Ends the command early with a status of 0.
    pub(crate) fn done() -> Self {
        Self {
            status: Status::Other,
            body: Body::Done,
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// Prints the error on standard error, and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        match &self.body {
            Body::Line { .. } => crate::output::complain(&self.render(crate::output::colour())),
            Body::Told => {}
            Body::Done => return ExitCode::SUCCESS,
        }
        self.status.into()
    }

    /// The text of the error, with a final newline.
    pub(crate) fn render(&self, colour: bool) -> String {
        match &self.body {
            Body::Line { message, help } => {
                crate::output::lines("error:", message, help, Paint(colour))
            }
            Body::Told | Body::Done => String::new(),
        }
    }
}

impl From<LaunchError> for CliError {
    fn from(error: LaunchError) -> Self {
        Self::new(Status::from_number(error.status), error.message, error.help)
    }
}

/// A failed write to standard output. A closed pipe (`secretfs status | head`) is no failure.
impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::done();
        }
        Self::new(
            Status::Other,
            format!("cannot write to standard output: {error}"),
            "",
        )
    }
}
