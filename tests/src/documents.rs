//! What the documents show and tell people to type, for tests that do it.

use std::path::{Path, PathBuf};

/// One fenced block of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The document, from the repository's root.
    pub document: String,
    /// The line of its opening fence, from 1.
    pub line: usize,
    /// What stands behind the opening fence; empty where nothing does.
    pub language: String,
    /// Its lines, without the indent of the fence, each with its line end.
    pub text: String,
}

impl Fence {
    /// Where it is, for the report of a test.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{} ({})", self.document, self.line, self.language)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a document of the repository.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn text(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|e| panic!("{document}: {e}"))
}

/// Every document that speaks to users or contributors: those beside the README, and those of `docs/`.
///
/// # Panics
/// The folders cannot be read.
#[must_use]
pub fn all() -> Vec<String> {
    let mut documents = Vec::new();
    for folder in ["", "docs/"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_str().expect("a plain name");
            if name.ends_with(".md") {
                documents.push(format!("{folder}{name}"));
            }
        }
    }
    documents.sort();
    documents
}

/// The fenced blocks of a text, in order; `document` is what they are called by.
#[must_use]
pub fn fences(document: &str, text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<(usize, Fence)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        match (&mut open, line.trim()) {
            (None, fence) if fence.starts_with("```") => {
                let fence = Fence {
                    document: document.to_owned(),
                    line: number + 1,
                    language: fence.trim_start_matches('`').to_owned(),
                    text: String::new(),
                };
                open = Some((indent, fence));
            }
            (Some(_), "```") => fences.extend(open.take().map(|(_, fence)| fence)),
            (Some((indent, fence)), _) => {
                fence.text.push_str(line.get(*indent..).unwrap_or_default());
                fence.text.push('\n');
            }
            (None, _) => {}
        }
    }
    fences
}

/// The fenced blocks of that language in a document of the repository, in order.
///
/// # Panics
/// There is no such document, or no such block in it.
#[must_use]
pub fn blocks(document: &str, language: &str) -> Vec<String> {
    let mut fences = fences(document, &text(document));
    fences.retain(|fence| fence.language == language);
    assert!(!fences.is_empty(), "no block of {language} in {document}");
    fences.into_iter().map(|fence| fence.text).collect()
}

/// What stands between single backticks outside of fenced blocks: code within the sentences.
#[must_use]
pub fn inline_code(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push_str(line.trim_start());
            prose.push('\n');
        }
    }
    // A span may go over the end of a line, and never over that of a paragraph.
    prose
        .split("\n\n")
        .flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2))
        .map(|span| span.replace('\n', " "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_and_nameless_fences_are_found() {
        let text = "a\n```sh\nx\n```\n1. b\n   ```\n   y\n     z\n   ```\n";
        let found: Vec<_> = fences("d.md", text)
            .into_iter()
            .map(|fence| (fence.line, fence.language, fence.text))
            .collect();
        let expected = [(2, "sh", "x\n"), (6, "", "y\n  z\n")]
            .map(|(line, language, text)| (line, language.to_owned(), text.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn code_within_sentences_is_found_and_that_of_blocks_is_not() {
        let text = "a `b\nc` d\n\n```\n`e`\n```\n`f` `g`\n";
        assert_eq!(inline_code(text), ["b c", "f", "g"]);
    }
}
