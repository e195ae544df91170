//! The texts with which the program says that something failed, taken from its source.
//!
//! Errors are put together from literals, so the literals are what can be listed: every string of a
//! source file that knows an error type and that reads like a part of a sentence, without those of tests,
//! logs, attributes (but `#[error("…")]`), and of `help:` lines, which are told by their first word: they
//! say what to do.

mod source;

use source::{Token, tokens};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where errors are made.
const FOLDERS: [&str; 5] = [
    "memory/src",
    "providers/src",
    "fs/src",
    "mount-helper/src",
    "cli/src",
];

/// What is no text of an error.
const LEFT_OUT: [&str; 10] = [
    // Tests and their stand-ins.
    "tests",
    "scripted",
    "cli/src/documented.rs",
    // Drawn where they stand in the map, with what to write instead: none needs a page.
    "fs/src/map/decode",
    "fs/src/map/resolve",
    "fs/src/map/rules",
    // Help, and reports that have a `help:` line for each of theirs.
    "cli/src/args",
    "cli/src/commands/doctor",
    "cli/src/commands/status",
    "cli/src/commands/man.rs",
];

/// A file that has none of these makes no error.
const ERRORS: [&str; 8] = [
    "CliError",
    "HelperError",
    "ProviderError",
    "OpenError",
    "thiserror",
    "MapErrors",
    "Failure",
    "Problem",
];

/// Macros whose text is for the log, or for whoever reads a panic.
const NOT_SHOWN: [&str; 9] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "assert",
    "debug_assert",
    "matches",
    "unreachable",
];

/// The first words of a `help:` line.
const DOES: [&str; 46] = [
    "add",
    "ask",
    "check",
    "choose",
    "close",
    "copy",
    "drop",
    "edit",
    "enter",
    "give",
    "in",
    "install",
    "leave",
    "load",
    "log",
    "look",
    "make",
    "mend",
    "mount",
    "move",
    "name",
    "on",
    "open",
    "pass",
    "percent-encode",
    "put",
    "raise",
    "read",
    "remove",
    "rename",
    "renew",
    "run",
    "say",
    "see",
    "set",
    "shorten",
    "start",
    "stop",
    "switch",
    "try",
    "type",
    "unlock",
    "unmount",
    "use",
    "wait",
    "write",
];

/// Every text, `…` for what is put in, and the files that have it.
///
/// # Panics
/// A source file cannot be read.
#[must_use]
pub fn all() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folders: Vec<PathBuf> = FOLDERS.map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(&root)
                .unwrap_or(&path)
                .display()
                .to_string();
            if LEFT_OUT.iter().any(|out| name.contains(out)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let source = std::fs::read_to_string(&path).expect("a source file");
                if ERRORS.iter().any(|error| source.contains(error)) {
                    for text in of_source(&source) {
                        texts.entry(text).or_default().push(name.clone());
                    }
                }
            }
        }
    }
    texts
}

/// The texts of one source file.
#[must_use]
pub fn of_source(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&tokens(source), &mut found);
    found.retain(|text| is_a_message(text));
    found
}

fn collect(tokens: &[Token], found: &mut Vec<String>) {
    let mut rest = tokens;
    while let [token, after @ ..] = rest {
        rest = after;
        match (token, after) {
            (Token::Mark('#'), [Token::Mark('['), ..]) => {
                let (attribute, behind) = group(after);
                rest = behind;
                match attribute {
                    [Token::Word(word), ..] if word == "error" => collect(attribute, found),
                    [
                        Token::Word(cfg),
                        Token::Mark('('),
                        Token::Word(test),
                        Token::Mark(')'),
                    ] if cfg == "cfg" && test == "test" => {
                        rest = behind_item(behind);
                    }
                    _ => {}
                }
            }
            (Token::Word(word), [Token::Mark('!'), body @ ..])
                if NOT_SHOWN.contains(&word.as_str()) =>
            {
                rest = group(body).1;
            }
            (Token::Text(text), _) => found.push(shown(text)),
            _ => {}
        }
    }
}

/// What is between the bracket that the tokens begin with and its other half, and what is behind that.
fn group(tokens: &[Token]) -> (&[Token], &[Token]) {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let inner = tokens.get(1..at).unwrap_or_default();
            return (inner, &tokens[at + 1..]);
        }
    }
    (&[], &[])
}

/// What is behind an item: behind its body, or its `;`.
fn behind_item(tokens: &[Token]) -> &[Token] {
    let mut rest = tokens;
    loop {
        match rest {
            [] => return rest,
            [Token::Mark(';'), behind @ ..] => return behind,
            [Token::Mark('{'), ..] => return group(rest).1,
            [Token::Mark('(' | '['), ..] => rest = group(rest).1,
            [_, behind @ ..] => rest = behind,
        }
    }
}

/// `…` for what is put in.
fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('{', Some('{')) | ('}', Some('}')) => {
                chars.next();
                out.push(c);
            }
            ('{', _) => {
                while chars.next_if(|c| *c != '}').is_some() {}
                chars.next();
                out.push('…');
            }
            _ => out.push(c),
        }
    }
    out
}

/// Whether it reads like a sentence that says what failed, or a part of one.
fn is_a_message(text: &str) -> bool {
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default();
    let follows =
        |word: &str| word.starts_with(|c: char| c.is_ascii_lowercase() || "`…".contains(c));
    let plain = |word: &str| {
        word.len() > 1
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || "'-,".contains(c))
    };
    let sentence = text
        .split(' ')
        .zip(text.split(' ').skip(1))
        .any(|(one, next)| plain(one) && follows(next));
    // Such a text asks for something, and waits for it.
    let prompt = text.ends_with(": ");
    sentence
        && !prompt
        && !text.contains('\n')
        && !DOES.contains(&first.trim_end_matches(|c: char| ",:".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_errors_are_found_with_what_is_put_in() {
        let source = r#"
            #[error("cannot read {0}: an internal {{error}}")]
            struct A;
            fn f() { CliError::new(S, format!("the file {} is \
                 gone", x), "run `secretfs mount` again"); }
            #[doc = "not a message of any kind"]
            fn g() { g(if a { "is empty of things" } else { "\"it\" is full" }) }
        "#;
        let expected = [
            "cannot read …: an internal {error}",
            "the file … is gone",
            "is empty of things",
            "\"it\" is full",
        ];
        assert_eq!(of_source(source), expected);
    }

    #[test]
    fn tests_logs_and_words_are_left_out() {
        let source = r#"
            // "a comment is none"
            fn f() { warn!("the log has this one"); g("word", 'c', 1); assert!(x, "this one fails"); }
            #[cfg(test)]
            mod tests { fn f() { "in a test of ours"; } }
            #[cfg(test)]
            use x;
            fn h() { "after the tests there is one" }
        "#;
        assert_eq!(of_source(source), ["after the tests there is one"]);
    }
}
