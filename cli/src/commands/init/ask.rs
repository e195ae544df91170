//! `secretfs init` without a word on a terminal: from what, and the little that has to be known of it. What
//! was chosen is told as the command that would have said it.

use crate::args::{InitFrom, InitWords};
use crate::error::{CliError, Status};
use crate::output::complain;
use clap::Parser;
use std::io::{BufRead, IsTerminal};
use std::path::Path;

/// What a map can be made from: the word, what it is for people, and what has to be known.
const CHOICES: [(&str, &str, &[Question]); 6] = [
    ("env", "a .env file", &[Question("", "File", ".env")]),
    (
        "envrc",
        "an .envrc with op:// references",
        &[Question("", "File", ".envrc")],
    ),
    (
        "infisical",
        "an Infisical project",
        &[
            Question("--project-id", "Project id (Project Settings)", ""),
            Question("--environment", "Environment", "dev"),
        ],
    ),
    (
        "onepassword",
        "a 1Password vault",
        &[
            Question("--vault", "Vault", ""),
            Question(
                "--connect-host",
                "Connect server, https://… [OP_CONNECT_HOST, else `op`]",
                "\0",
            ),
        ],
    ),
    ("tazpod", "a map of TazPod", &[Question("", "File", "")]),
    ("vault", "the local vault", &[]),
];

/// An option (empty: an argument), what is asked, and what an empty answer means (`\0`: leave it out).
struct Question(&'static str, &'static str, &'static str);

/// Asks.
pub(super) fn ask() -> Result<InitFrom, CliError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let words: Vec<_> = CHOICES.iter().map(|(word, ..)| *word).collect();
        return Err(CliError::new(
            Status::Usage,
            "there is no terminal to ask what the map is to be made from",
            format!(
                "say it: `secretfs init {}`; see `secretfs init --help`",
                words.join("|")
            ),
        ));
    }
    let words = words(&mut stdin.lock(), &mut complain, |file| {
        Path::new(file).exists()
    });
    let words = words.ok_or_else(|| {
        CliError::new(
            Status::Usage,
            "nothing was chosen",
            "see `secretfs init --help`",
        )
    })?;
    complain(&format!("\nsecretfs init {}\n", words.join(" ")));
    let parsed = InitWords::try_parse_from(std::iter::once("init".to_owned()).chain(words));
    parsed.map(|words| words.from).map_err(|error| {
        let text = error.kind().to_string();
        CliError::new(Status::Usage, text, "see `secretfs init --help`")
    })
}

/// The words of the command; `None`: the answers ended.
fn words(
    input: &mut impl BufRead,
    say: &mut impl FnMut(&str),
    is_there: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    say("What is the map to be made from?\n");
    for (number, (_, what, _)) in (1..).zip(&CHOICES) {
        say(&format!("  {number}  {what}\n"));
    }
    let usual = match (is_there(".env"), is_there(".envrc")) {
        (false, true) => 2,
        _ => 1,
    };
    let (word, _, questions) = loop {
        let answer = answered(input, say, &format!("Number [{usual}]: "))?;
        let number = match answer.as_str() {
            "" => Some(usual),
            text => text.parse::<usize>().ok(),
        };
        let chosen = number.and_then(|number| CHOICES.get(number.checked_sub(1)?));
        match chosen {
            Some(chosen) => break chosen,
            None => say(&format!("A number from 1 to {}.\n", CHOICES.len())),
        }
    };
    let mut words = vec![(*word).to_owned()];
    for Question(option, what, default) in *questions {
        let shown = match *default {
            "" | "\0" => format!("{what}: "),
            default => format!("{what} [{default}]: "),
        };
        let answer = loop {
            let answer = answered(input, say, &shown)?;
            match (answer.is_empty(), *default) {
                (true, "") => {}
                (true, "\0") => break None,
                (true, default) => break Some(default.to_owned()),
                (false, _) => break Some(answer),
            }
        };
        match (answer, *option) {
            (None, _) => {}
            (Some(answer), "") => words.push(answer),
            // In one word: an answer that begins with `-` is no option.
            (Some(answer), option) => words.push(format!("{option}={answer}")),
        }
    }
    Some(words)
}

fn answered(input: &mut impl BufRead, say: &mut impl FnMut(&str), what: &str) -> Option<String> {
    say(what);
    let mut line = String::new();
    let read = input.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(answers: &str, there: &[&str]) -> Option<Vec<String>> {
        let mut said = String::new();
        let mut say = |text: &str| said.push_str(text);
        let words = words(&mut answers.as_bytes(), &mut say, |file| {
            there.contains(&file)
        });
        if let Some(words) = &words {
            let all = std::iter::once("init".to_owned()).chain(words.clone());
            assert!(InitWords::try_parse_from(all).is_ok(), "{words:?}");
        }
        words
    }

    #[test]
    fn the_answers_are_the_words_of_a_command() {
        for (answers, there, expected) in [
            ("\n\n", &[][..], "env .env"),
            ("\n\n", &[".envrc"], "envrc .envrc"),
            ("\n\n", &[".env", ".envrc"], "env .env"),
            ("1\nprod.env\n", &[], "env prod.env"),
            ("x\n9\n0\n2\n\n", &[], "envrc .envrc"),
            (
                "3\n\n73c7\n\n",
                &[],
                "infisical --project-id=73c7 --environment=dev",
            ),
            ("4\nProd\n\n", &[], "onepassword --vault=Prod"),
            (
                "4\n-x\nhttps://c\n",
                &[],
                "onepassword --vault=-x --connect-host=https://c",
            ),
            ("5\ntazpod.yml\n", &[], "tazpod tazpod.yml"),
            ("6\n", &[], "vault"),
        ] {
            let words = chosen(answers, there);
            assert_eq!(words.expect("words").join(" "), expected, "{answers:?}");
        }
    }

    #[test]
    fn answers_that_end_choose_nothing() {
        for answers in ["", "1\n", "3\n\n\n"] {
            assert_eq!(chosen(answers, &[]), None, "{answers:?}");
        }
    }
}
