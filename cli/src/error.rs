//! The one error of all commands: a line that says what failed, a `help:` line that says what to do,
//! and the exit status (product.md, "The commands").

#[cfg(test)]
use crate::output::Paint;
use crate::screen::Look;
use secretfs_fs::map::MapErrors;
use secretfs_mount_helper::HelperError;
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
    /// `run`: the command is there and cannot be started, as a shell says it.
    CannotRun = 126,
    /// `run`: there is no such command.
    NotFound = 127,
}

impl Status {
    /// The status that another process of ours ended with, or reported as a number.
    pub(crate) fn from_number(number: u8) -> Self {
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
    /// Everything that is wrong with a map.
    Map(Box<MapErrors>),
    /// The command has printed what failed already.
    Told,
    /// A signal has ended the command, which has put everything in order first.
    Signalled(u8),
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

    /// Ends the command with the status by which shells know a signal.
    pub(crate) fn signalled(signal: u8) -> Self {
        Self {
            status: Status::Other,
            body: Body::Signalled(signal),
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

    /// Whether nothing failed.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.body, Body::Done)
    }

    /// Prints the error as a warning: the command goes on.
    pub(crate) fn warn(&self) {
        if let Body::Line { message, help } = &self.body {
            crate::output::warn(message, help);
        }
    }

    /// Prints the error on standard error, and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        match &self.body {
            Body::Line { .. } | Body::Map(_) => {
                crate::output::complain(&self.look(Look::of_stderr()));
            }
            Body::Told => {}
            Body::Signalled(signal) => return ExitCode::from(signal.saturating_add(128)),
            Body::Done => return ExitCode::SUCCESS,
        }
        self.status.into()
    }

    /// The text of the error as a pipe gets it, with a final newline.
    #[cfg(test)]
    pub(crate) fn render(&self, colour: bool) -> String {
        self.look(Look {
            paint: Paint(colour),
            ..Look::PLAIN
        })
    }

    fn look(&self, look: Look) -> String {
        match &self.body {
            Body::Line { message, help } => crate::output::lines("error:", message, help, look),
            Body::Map(errors) => crate::map_report::render(errors, look),
            Body::Told | Body::Signalled(_) | Body::Done => String::new(),
        }
    }
}

impl From<MapErrors> for CliError {
    fn from(errors: MapErrors) -> Self {
        Self {
            status: Status::Map,
            body: Body::Map(Box::new(errors)),
        }
    }
}

impl From<HelperError> for CliError {
    fn from(error: HelperError) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_statuses_are_the_promised_ones() {
        let numbers = [
            (Status::Other, 1),
            (Status::Usage, 2),
            (Status::Map, 3),
            (Status::Credential, 4),
            (Status::Unreachable, 5),
            (Status::Mount, 6),
        ];
        for (status, number) in numbers {
            assert_eq!(status as u8, number);
            assert_eq!(Status::from_number(number), status);
        }
        // Whatever a helper of another version may say.
        assert_eq!(Status::from_number(0), Status::Other);
        assert_eq!(Status::from_number(77), Status::Other);
    }

    #[test]
    fn an_error_of_the_helper_keeps_its_status_and_words() {
        let error = CliError::from(HelperError::new(6, "it is mounted", "unmount it"));
        assert_eq!(error.status(), Status::Mount);
        assert_eq!(
            error.render(false),
            "error: it is mounted\nhelp: unmount it\n"
        );
    }

    #[test]
    fn an_error_without_help_is_one_line() {
        let error = CliError::new(Status::Other, "it failed", "");
        assert_eq!(error.render(false), "error: it failed\n");
    }

    #[test]
    fn a_system_error_is_told_in_words_alone() {
        let missing = std::io::Error::from_raw_os_error(2);
        let error = CliError::new(Status::Other, format!("a: {missing}, b: {missing}"), "");
        assert_eq!(
            error.render(false),
            "error: a: No such file or directory, b: No such file or directory\n"
        );
        let error = CliError::new(Status::Other, "named (os error x", "");
        assert_eq!(error.render(false), "error: named (os error x\n");
    }

    #[test]
    fn a_help_of_several_lines_stands_below_its_first() {
        let error = CliError::new(Status::Other, "it failed", "one of:\n - this\n\n - that\n");
        assert_eq!(
            error.render(false),
            "error: it failed\nhelp: one of:\n       - this\n       - that\n"
        );
    }

    #[test]
    fn colour_marks_the_words_and_nothing_else() {
        let error = CliError::new(Status::Other, "it failed", "try again");
        assert_eq!(
            error.render(true),
            "\x1b[1;31merror:\x1b[0m it failed\n\x1b[1;36mhelp:\x1b[0m try again\n"
        );
    }

    #[test]
    fn a_hostile_name_cannot_drive_the_terminal() {
        let error = CliError::new(Status::Other, "no \x1b[2J\r\u{202e}file", "see \x07");
        assert_eq!(
            error.render(false),
            "error: no \\u{1b}[2J\\r\\u{202e}file\nhelp: see \\u{7}\n"
        );
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        use std::io::{Error, ErrorKind};
        assert!(CliError::from(Error::from(ErrorKind::BrokenPipe)).is_done());
        let full = CliError::from(Error::from(ErrorKind::StorageFull));
        assert!(!full.is_done());
        assert!(
            full.render(false)
                .starts_with("error: cannot write to standard output: ")
        );
    }
}
