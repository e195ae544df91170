//! The command line, parsed; what clap says about a wrong one in the two lines of every error.

use crate::args::Cli;
use crate::error::{CliError, Status};
use clap::error::{Error, ErrorKind};
use clap::{FromArgMatches, Parser};

/// Parses the command line. Help and version are printed here, and end with a status of 0.
pub(crate) fn parse() -> Result<Cli, CliError> {
    let parsed = crate::help::command().try_get_matches();
    taken(parsed.and_then(|matches| Cli::from_arg_matches(&matches)))
}

/// The same for another program's.
pub(crate) fn parse_as<T: Parser>() -> Result<T, CliError> {
    taken(T::try_parse())
}

fn taken<T>(parsed: Result<T, Error>) -> Result<T, CliError> {
    parsed.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Ok(()) => CliError::done(),
            Err(error) => error.into(),
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nothing to do where standard error is closed.
            let _ = error.print();
            CliError::told(Status::Usage)
        }
        _ => wrong(&error),
    })
}

/// clap's first paragraph is the message; its tips, else where to read on, are the help.
fn wrong(error: &Error) -> CliError {
    let text = error.render().to_string();
    let mut message = Vec::new();
    let mut tips = Vec::new();
    let mut usage = "";
    for line in text.lines().map(str::trim) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            // How to pass a mistyped option as a mountpoint helps nobody.
            if !tip.starts_with("to pass ") {
                tips.push(tip);
            }
        } else if let Some(line) = line.strip_prefix("Usage: ") {
            usage = line;
        } else if tips.is_empty() && usage.is_empty() && !line.is_empty() {
            message.push(line.strip_prefix("error: ").unwrap_or(line));
        }
    }
    let mut help = tips.join("\n");
    if help.is_empty() {
        // The usage line starts with the program and its command, up to the first option.
        let command: Vec<_> = usage
            .split_whitespace()
            .take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
            .collect();
        help = format!("see `{} --help`", command.join(" "));
    }
    CliError::new(Status::Usage, message.join(" "), help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    fn told(words: &[&str]) -> String {
        let error = Cli::try_parse_from(words).expect_err("refused");
        wrong(&error).render(false)
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        fn look(command: &mut clap::Command) {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{}", command.get_name());
            // What is copied is not to be wrapped.
            let examples = command.get_after_help().map(ToString::to_string);
            for line in examples.unwrap_or_default().lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
            command.get_subcommands_mut().for_each(look);
        }
        look(&mut Cli::command());
    }

    #[test]
    fn a_mistyped_option_is_told_in_two_lines() {
        assert_eq!(
            told(&["secretfs", "mount", "--forground"]),
            "error: unexpected argument '--forground' found\n\
             help: a similar argument exists: '--foreground'\n"
        );
    }

    #[test]
    fn an_option_like_no_other_points_to_the_help() {
        assert_eq!(
            told(&["secretfs", "mount", "--nope"]),
            "error: unexpected argument '--nope' found\n\
             help: see `secretfs mount --help`\n"
        );
    }

    #[test]
    fn a_missing_argument_points_to_the_help() {
        assert_eq!(
            told(&["secretfs", "completions"]),
            "error: the following required arguments were not provided: <SHELL>\n\
             help: see `secretfs completions --help`\n"
        );
    }

    #[test]
    fn a_mountpoint_and_all_exclude_each_other() {
        assert_eq!(
            told(&["secretfs", "unmount", "--all", "here"]),
            "error: the argument '--all' cannot be used with '[MOUNTPOINT]'\n\
             help: see `secretfs unmount --help`\n"
        );
    }
}
