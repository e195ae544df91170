//! A page's `console` blocks, done: each `$ ` line is run by a shell, and what it prints, standard error
//! included, is what the page has below it. A line `…` stands for any lines, and `…` within a line for
//! any text.

use crate::documents;
use crate::fixture::told;
use std::process::Output;

/// One command, and what the page says that it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// After the `$ `.
    pub command: String,
    /// The lines below it, each with its line end.
    pub output: String,
}

/// The text of `docs/NAME`.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn page(name: &str) -> String {
    documents::text(&format!("docs/{name}"))
}

/// The fenced blocks of a page in that language.
#[must_use]
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut fences = documents::fences("", page);
    fences.retain(|fence| fence.language == language);
    fences.into_iter().map(|fence| fence.text).collect()
}

/// The commands of a page's `console` blocks.
///
/// # Panics
/// There is none, or output without a command.
#[must_use]
pub fn commands(page: &str) -> Vec<Said> {
    let mut commands: Vec<Said> = Vec::new();
    for block in blocks(page, "console") {
        let before = commands.len();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                commands.push(Said {
                    command: command.to_owned(),
                    output: String::new(),
                });
                continue;
            }
            assert!(commands.len() > before, "output without a command: {line}");
            if let Some(said) = commands.last_mut() {
                said.output.push_str(line);
                said.output.push('\n');
            }
        }
    }
    assert!(!commands.is_empty(), "the page has no console block");
    commands
}

/// Does what the page's `console` blocks show, one command after the other.
///
/// # Panics
/// A command prints something else than the page says.
pub fn follow(page: &str, run: impl Fn(&str) -> Output) {
    for said in commands(page) {
        let output = run(&said.command);
        assert!(
            agrees(&said.output, &String::from_utf8_lossy(&output.stdout)),
            "$ {}\n{}\nand the page says\n{}",
            said.command,
            told(&output),
            said.output
        );
    }
}

/// Whether a command printed what the page says.
#[must_use]
pub fn agrees(page: &str, printed: &str) -> bool {
    let mut lines = printed.lines().peekable();
    let mut expected = page.lines().peekable();
    while let Some(line) = expected.next() {
        if line == "…" {
            let next = expected.peek();
            while lines
                .peek()
                .is_some_and(|line| next.is_none_or(|next| !line_agrees(next, line)))
            {
                lines.next();
            }
        } else if !lines
            .next()
            .is_some_and(|printed| line_agrees(line, printed))
        {
            return false;
        }
    }
    lines.next().is_none()
}

fn line_agrees(page: &str, mut printed: &str) -> bool {
    let mut parts = page.split('…');
    let Some(rest) = printed.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    printed = rest;
    let mut open = false;
    for part in parts {
        match printed.find(part) {
            Some(at) => printed = printed.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
        open = part.is_empty();
    }
    open || printed.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_their_output_are_found() {
        let page = "x\n```console\n$ a b\none\ntwo\n$ c\n```\n```sh\n$ no\n```\n";
        let said = |command: &str, output: &str| Said {
            command: command.to_owned(),
            output: output.to_owned(),
        };
        assert_eq!(commands(page), [said("a b", "one\ntwo\n"), said("c", "")]);
    }

    #[test]
    fn what_differs_is_seen_and_dots_stand_for_anything() {
        assert!(agrees("a\nb\n", "a\nb\n"));
        assert!(!agrees("a\nb\n", "a\n") && !agrees("a\n", "a\nb\n") && !agrees("a\n", "ab\n"));
        assert!(agrees("a\n…\nz\n", "a\nb\nc\nz\n") && agrees("a\n…\n", "a\n"));
        assert!(!agrees("a\n…\nz\n", "a\nb\n"));
        assert!(agrees("x … y\n", "x 12 y\n") && agrees("x …\n", "x 12\n"));
        assert!(!agrees("x … y\n", "x 12 z\n") && !agrees("…x\n", "x y\n"));
    }
}
