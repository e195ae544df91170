//! Every command line that a document shows is one that this program takes.

use crate::args::Cli;
use clap::Parser;
use clap::error::ErrorKind;
use secretfs_tests::command_lines::command_lines;
use secretfs_tests::documents;

/// Why the words are not a command line of ours; nothing where they are. A sentence names a command
/// without its arguments.
fn wrong(words: &[String], sentence: bool) -> Option<String> {
    let line = std::iter::once("secretfs").chain(words.iter().map(String::as_str));
    match Cli::try_parse_from(line) {
        Ok(_) => None,
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
            ErrorKind::MissingRequiredArgument
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if sentence =>
            {
                None
            }
            // `secretfs completions SHELL`.
            ErrorKind::InvalidValue if sentence && words.iter().any(|word| is_a_stand_in(word)) => {
                None
            }
            _ => Some(error.to_string()),
        },
    }
}

fn is_a_stand_in(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase())
}

/// A sentence may name several at once, or a part of one.
fn is_a_pattern(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| word == "…" || word.contains('|') || word.starts_with('['))
}

#[test]
fn every_command_line_in_a_block_is_taken() {
    let mut seen = 0;
    let mut failures = Vec::new();
    for document in documents::all() {
        for fence in documents::fences(&document, &documents::text(&document)) {
            // What a program printed is not what somebody types.
            let typed = match fence.language.as_str() {
                "console" | "" => fence
                    .text
                    .lines()
                    .filter_map(|line| line.strip_prefix("$ "))
                    .collect::<Vec<_>>()
                    .join("\n"),
                // Its words stand in brackets; see below. In fstab it is a type of file systems.
                "Dockerfile" | "fstab" => continue,
                _ => fence.text.clone(),
            };
            for words in command_lines(&typed) {
                seen += 1;
                if let Some(why) = wrong(&words, false) {
                    failures.push(format!("{}: {words:?}: {why}", fence.place()));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen > 60, "{seen}");
}

#[test]
fn every_command_line_in_a_sentence_is_taken() {
    let mut seen = 0;
    let mut failures = Vec::new();
    for document in documents::all() {
        for code in documents::inline_code(&documents::text(&document)) {
            if !code.starts_with("secretfs ") {
                continue;
            }
            for words in command_lines(&code) {
                if is_a_pattern(&words) || words.is_empty() {
                    continue;
                }
                seen += 1;
                if let Some(why) = wrong(&words, true) {
                    failures.push(format!("{document}: `{code}`: {why}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen > 60, "{seen}");
}

#[test]
fn a_mistyped_one_would_be_seen() {
    let told = |text| wrong(&command_lines(text)[0], true);
    assert!(told("secretfs mount --forground").is_some_and(|why| why.contains("--forground")));
    assert!(told("secretfs moont").is_some());
    assert_eq!(told("secretfs mount --foreground"), None);
}

/// The words of a list in brackets: `["a", "b"]` of a Dockerfile, `[a, b]` of a manifest.
fn listed(line: &str) -> Vec<String> {
    let list = line
        .split_once('[')
        .and_then(|(_, rest)| rest.split(']').next());
    let words = list.into_iter().flat_map(|list| list.split(", "));
    words
        .map(|word| word.trim_matches('"').to_owned())
        .collect()
}

#[test]
fn every_command_line_of_a_container_is_taken() {
    let mut seen = 0;
    for fence in documents::fences("", &documents::text("docs/containers.md")) {
        let of = |key: &str| {
            let line = fence.text.lines().find(|line| line.trim().starts_with(key));
            listed(line.unwrap_or_default())
        };
        let words = match fence.language.as_str() {
            "Dockerfile" => [of("ENTRYPOINT"), of("CMD")].concat(),
            "yaml" => of("command:"),
            _ => continue,
        };
        if let Some((program, words)) = words.split_first() {
            assert_eq!(program, "secretfs");
            assert_eq!(wrong(words, false), None, "{words:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2);
}
