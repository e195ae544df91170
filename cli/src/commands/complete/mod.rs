//! What a shell asks for while a command line is typed: `secretfs internal-complete SHELL …`, of the
//! functions that `secretfs completions` prints. It fetches nothing, asks nobody for anything, says
//! nothing where it fails, looks at no file of a mount, and gives up after a moment.

mod bash;
mod names;
mod words;

use crate::args::Cli;
use clap::CommandFactory;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::Duration;
use words::Wanted;

/// The first argument by which the functions of the shells ask.
pub(crate) const ROLE: &str = "internal-complete";

/// How long somebody who has pressed a key may wait: for a map on a server, say.
const LIMIT: Duration = Duration::from_secs(1);

/// The shells whose completions ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    Bash,
    Zsh,
    Fish,
}

impl Asking {
    /// The function for the shell.
    pub(crate) fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("bash.sh"),
            Self::Zsh => include_str!("zsh.zsh"),
            Self::Fish => include_str!("fish.fish"),
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }
}

/// One completion of the word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Candidate {
    /// The whole word, not quoted.
    pub(crate) word: String,
    /// What it is, for shells that show it.
    pub(crate) about: String,
}

/// What the shell itself knows best. Its function reads the first line for one of these.
const FILES: &str = "\u{1}files\n";
const FOLDERS: &str = "\u{1}folders\n";
const COMMAND: &str = "\u{1}command\n";

/// Answers, and ends with 0 whatever happens.
pub(crate) fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .skip(2)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let (sender, answer) = channel();
    let asked = std::thread::Builder::new().spawn(move || {
        let _ = sender.send(reply(&arguments));
    });
    if asked.is_ok()
        && let Ok(Some(reply)) = answer.recv_timeout(LIMIT)
    {
        // The shell may have lost interest.
        let _ = crate::output::print(reply);
    }
    ExitCode::SUCCESS
}

/// The lines for the shell; `None`: it asks for nothing that we know.
fn reply(arguments: &[String]) -> Option<String> {
    let (shell, rest) = arguments.split_first()?;
    let shell = Asking::named(shell)?;
    let mut command = Cli::command();
    command.build();
    if shell == Asking::Bash {
        let [line, breaks] = rest else { return None };
        let line = bash::Typed::read(line, breaks);
        if line.redirects {
            return Some(FILES.to_owned());
        }
        let found = complete(&command, &line.words);
        return Some(lines(found, |one| line.quoted(&one.word)));
    }
    let found = complete(&command, rest);
    Some(lines(found, |one| {
        let about = one.about.lines().next().unwrap_or_default();
        Some(format!("{}\t{about}", one.word))
    }))
}

fn lines(found: Found, line: impl Fn(&Candidate) -> Option<String>) -> String {
    match found {
        Found::Files => FILES.to_owned(),
        Found::Folders => FOLDERS.to_owned(),
        Found::Command => COMMAND.to_owned(),
        Found::Words(words) => words
            .iter()
            // No name of ours has one, and a hostile one is not to reach a terminal.
            .filter(|one| !one.word.is_empty() && !one.word.contains(char::is_control))
            .filter_map(line)
            .map(|line| line + "\n")
            .collect(),
    }
}

/// What may stand at the end of these words.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Words(Vec<Candidate>),
    /// Files, folders, another command: as the shell completes them.
    Files,
    Folders,
    Command,
}

/// The words of a command line, the program's name first and the one at the cursor last.
fn complete(command: &clap::Command, words: &[String]) -> Found {
    let Some((at, wanted)) = words::at_the_end(command, words) else {
        return Found::Words(Vec::new());
    };
    let mut found = Vec::new();
    match wanted {
        Wanted::Command => return Found::Command,
        Wanted::Words(words) => found.extend(words),
        Wanted::Value { arg, words } => {
            found.extend(words);
            let asked = names::Asked {
                words: &at,
                arg: arg.get_id().as_str(),
            };
            match (names::of(&asked), arg.get_value_hint()) {
                (Some(names), _) => found.extend(names),
                (None, clap::ValueHint::DirPath) => return Found::Folders,
                (None, clap::ValueHint::FilePath | clap::ValueHint::AnyPath) => {
                    return Found::Files;
                }
                (None, _) => found.extend(words::possible(arg)),
            }
            // A list is completed at its last part.
            if let Some(comma) = arg.get_value_delimiter() {
                let typed = at.value.rfind(comma).map_or(0, |at| at + comma.len_utf8());
                let (before, _) = at.value.split_at(typed);
                for one in &mut found {
                    one.word.insert_str(0, before);
                }
            }
        }
    }
    found.retain(|one| one.word.starts_with(&at.value));
    for one in &mut found {
        one.word.insert_str(0, &at.prefix);
    }
    if found.is_empty() && at.else_files {
        return Found::Files;
    }
    Found::Words(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str]) -> Found {
        let mut command = Cli::command();
        command.build();
        let words: Vec<String> = ["secretfs"]
            .iter()
            .chain(words)
            .map(|w| (*w).to_owned())
            .collect();
        complete(&command, &words)
    }

    fn list(words: &[&str]) -> Vec<String> {
        match found(words) {
            Found::Words(found) => found.into_iter().map(|one| one.word).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn commands_and_options_are_those_of_the_definition_and_hidden_ones_are_not() {
        assert_eq!(list(&["un"]), ["unmount", "unlock"]);
        assert_eq!(list(&["umo"]), ["umount"]);
        assert_eq!(list(&["vault", "re"]), ["rekey"]);
        assert_eq!(list(&["run", "--in"]), ["--inject", "--insecure-memory"]);
        assert_eq!(list(&["hook", "--"]), ["--help"]);
        assert!(list(&[""]).contains(&"status".to_owned()));
        assert!(!list(&[""]).iter().any(|word| word.contains("internal")));
        assert_eq!(
            list(&["doctor", ""]),
            ["--json", "--help"],
            "there is nothing else"
        );
    }

    #[test]
    fn an_option_is_offered_once_and_none_after_two_dashes() {
        assert_eq!(list(&["status", "--json", "--"]), ["--watch", "--help"]);
        assert_eq!(list(&["unmount", "--", "--"]), Vec::<String>::new());
    }

    #[test]
    fn values_are_completed_after_a_blank_after_an_equals_sign_and_after_a_letter() {
        for words in [
            &["env", "--shell", "fi"][..],
            &["env", "--map", "x", "--shell", "fi"],
        ] {
            assert_eq!(list(words), ["fish"]);
        }
        assert_eq!(list(&["env", "--shell=fi"]), ["--shell=fish"]);
        assert_eq!(list(&["completions", "z"]), ["zsh"]);
        assert_eq!(found(&["check", "--map", ""]), Found::Files);
        assert_eq!(found(&["check", "--map=a"]), Found::Files);
        assert_eq!(found(&["init", "env", "-o", "a"]), Found::Files);
        assert_eq!(found(&["man", "--dir", ""]), Found::Folders);
        assert_eq!(found(&["mount", ""]), Found::Folders);
    }

    #[test]
    fn what_run_runs_is_completed_as_a_command_of_its_own() {
        for words in [
            &["run", "--", ""][..],
            &["run", "--private", "--", "kubectl", "get", ""],
            &["run", "kubectl", "--"],
            &["run", "ku"],
        ] {
            assert_eq!(found(words), Found::Command, "{words:?}");
        }
    }

    #[test]
    fn the_manual_is_completed_along_its_commands() {
        assert_eq!(list(&["man", "va"]), ["vault"]);
        assert_eq!(list(&["man", "vault", "re"]), ["rekey"]);
    }

    #[test]
    fn the_names_of_a_vault_are_nobodys_without_its_passphrase() {
        assert_eq!(list(&["vault", "rm", ""]), Vec::<String>::new());
        assert_eq!(list(&["vault", "set", ""]), Vec::<String>::new());
    }

    #[test]
    fn nonsense_is_answered_with_nothing() {
        assert_eq!(list(&["nonsense", "x", ""]), Vec::<String>::new());
        assert_eq!(list(&["mount", "a", "b", ""]), Vec::<String>::new());
        let arguments = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(reply(&[]), None);
        assert_eq!(reply(&arguments(&["tcsh", "secretfs", ""])), None);
        assert_eq!(reply(&arguments(&["bash", "secretfs "])), None);
        assert_eq!(reply(&arguments(&["zsh"])), Some(String::new()));
    }

    #[test]
    fn a_word_with_a_control_character_is_left_out() {
        let word = |word: &str| Candidate {
            word: word.to_owned(),
            about: "x\ny".to_owned(),
        };
        let found = Found::Words(vec![word("a\x1b[2J"), word("b\nc"), word("d")]);
        assert_eq!(lines(found, |one| Some(one.word.clone())), "d\n");
    }
}
