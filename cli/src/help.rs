//! The help as it is shown: the commands by what they are about, which clap does not do, and every
//! heading alike.

use crate::args::{Cli, STYLES};
use clap::{Command, CommandFactory};

/// Which commands belong together, in the order in which one meets them.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Mounts",
        &["mount", "unmount", "lock", "unlock", "status", "refresh"],
    ),
    ("Programs", &["env", "run", "hook"]),
    ("Maps", &["init", "check"]),
    ("Credentials", &["login", "logout", "vault"]),
    ("This machine", &["doctor", "audit", "completions", "man"]),
];

/// Where what a command does is said.
const COLUMN: usize = 15;

/// The definition of the command line, with its help as it is shown.
pub(crate) fn command() -> Command {
    let command = with_headings(Cli::command());
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}{}\n{{options}}{{after-help}}",
        commands(&command),
        heading("Options:"),
    );
    command.help_template(template)
}

/// The commands by group, with a blank line after each.
fn commands(command: &Command) -> String {
    let name = STYLES.get_literal();
    let mut text = String::new();
    for (group, names) in GROUPS {
        text.push_str(&format!("{}\n", heading(&format!("{group}:"))));
        for one in names
            .iter()
            .filter_map(|name| command.find_subcommand(name))
        {
            let about = one.get_about().map(ToString::to_string).unwrap_or_default();
            let aliases: Vec<_> = one.get_visible_aliases().collect();
            let alias = match aliases.as_slice() {
                [] => String::new(),
                several => format!(" [alias: {}]", several.join(", ")),
            };
            text.push_str(&format!(
                "  {}{}{}{:gap$}{about}{alias}\n",
                name.render(),
                one.get_name(),
                name.render_reset(),
                "",
                gap = COLUMN.saturating_sub(2 + one.get_name().len()),
            ));
        }
        text.push('\n');
    }
    text
}

fn heading(text: &str) -> String {
    let style = STYLES.get_header();
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// Shows the headings of examples as clap shows its own.
fn with_headings(command: Command) -> Command {
    let names: Vec<_> = command
        .get_subcommands()
        .map(|one| one.get_name().to_owned())
        .collect();
    let after = command.get_after_help().map(ToString::to_string);
    let command = names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, with_headings)
    });
    let Some(after) = after else { return command };
    let mut text = String::new();
    for line in after.split_inclusive('\n') {
        match line.trim_end() {
            word @ ("Example:" | "Examples:") => text.push_str(&format!("{}\n", heading(word))),
            _ => text.push_str(line),
        }
    }
    command.after_help(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Cli::command();
        let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
        let mut names: Vec<_> = shown.map(Command::get_name).collect();
        let mut grouped: Vec<_> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        names.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(names, grouped);
    }

    #[test]
    fn each_command_is_told_in_one_line_of_80_columns() {
        let help = command().render_long_help().to_string();
        let lines: Vec<_> = help.lines().collect();
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            let start = format!("  {name}  ");
            let line = lines.iter().find(|line| line.starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("{name} is not in {help}"));
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(help.contains("\nOptions:\n  -h, --help"), "{help}");
        assert!(
            help.contains("\nExample:\n  secretfs vault init\n"),
            "{help}"
        );
    }
}
