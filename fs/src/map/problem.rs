//! What is wrong with a map: all of it at once, each with its place and what to write instead.

use super::excerpt::Excerpts;
use super::span::Span;
use super::units::{is_hostile, visible};
use miette::{Diagnostic, SourceSpan};
use std::fmt;
use std::path::Path;

/// More are counted, not shown.
const MOST_SHOWN: usize = 100;

/// An excerpt of a longer line helps nobody.
const LONGEST_LINE: usize = 2_000;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong, in one line without a final stop.
    pub message: String,
    /// What to write instead.
    #[help]
    pub help: Option<String>,
    /// Line from 1, where it has a place.
    pub line: Option<u32>,
    /// Column in characters from 1, where it has a place.
    pub column: Option<u32>,
    #[label(primary, "{label}")]
    at: Option<SourceSpan>,
    #[label("first here")]
    first: Option<SourceSpan>,
    label: String,
}

/// Why a map cannot be used.
///
/// With miette's handlers this draws every problem with its excerpt. [`MapErrors::lines`] and
/// [`MapErrors::summary`] are for where there is no room for that.
#[derive(Debug, Clone, thiserror::Error, Diagnostic)]
#[error("{}", self.headline())]
pub struct MapErrors {
    /// The map, as it was named.
    pub file: String,
    /// In the order of their places.
    #[related]
    pub problems: Vec<Problem>,
    /// How many there are beyond those in `problems`.
    pub more: usize,
    #[source_code]
    text: Option<Excerpts>,
}

impl MapErrors {
    /// A problem of the file itself, without a place in it.
    pub(super) fn of_file(file: &Path, message: String, help: Option<String>) -> Self {
        Self {
            file: shown(&file.display().to_string()),
            problems: vec![Problem {
                message: safe(message),
                help: help.map(safe),
                line: None,
                column: None,
                at: None,
                first: None,
                label: String::new(),
            }],
            more: 0,
            text: None,
        }
    }

    fn headline(&self) -> String {
        match self.problems.len() + self.more {
            1 => format!("the map {} has a problem", self.file),
            n => format!("the map {} has {n} problems", self.file),
        }
    }

    /// Each problem in one line: `secrets.yml:4:5: unknown key `fle` (did you mean `file`?)`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.problems.iter().map(|p| self.line_of(p)).collect()
    }

    /// All of it in one line, for `map_error` in `status`.
    #[must_use]
    pub fn summary(&self) -> String {
        let first = self.problems.first().map_or_else(
            || format!("{}: cannot be used", self.file),
            |problem| self.line_of(problem),
        );
        match (self.problems.len() + self.more).saturating_sub(1) {
            0 => first,
            n => format!("{first}, and {n} more"),
        }
    }

    fn line_of(&self, problem: &Problem) -> String {
        let help = problem
            .help
            .as_ref()
            .map_or_else(String::new, |help| format!(" ({help})"));
        match (problem.line, problem.column) {
            (Some(line), Some(column)) => {
                format!("{}:{line}:{column}: {problem}{help}", self.file)
            }
            _ => format!("{}: {problem}{help}", self.file),
        }
    }
}

/// A problem as it is found: by characters.
#[derive(Debug)]
struct Found {
    message: String,
    help: Option<String>,
    at: Span,
    first: Option<Span>,
    label: &'static str,
}

/// Where problems are put while a map is read.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Found>,
    more: usize,
}

impl Problems {
    /// Enough that sorting by place shows the first ones, and a bound for hostile text.
    const MOST_KEPT: usize = 1_000;

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.found.len() + self.more
    }

    /// Whether more are only counted; then they need not be put into words.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= Self::MOST_KEPT
    }

    /// Whether the next one is sure to be among those that are shown.
    pub(super) fn are_shown(&self) -> bool {
        self.found.len() < MOST_SHOWN
    }

    /// One more that has no words.
    pub(super) fn count_one(&mut self) {
        self.more += 1;
    }

    /// Something wrong at a place, and what to write instead.
    pub(super) fn add(&mut self, at: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, None, "here", message.into(), help.into());
    }

    /// Something that stands there twice.
    pub(super) fn twice(
        &mut self,
        at: Span,
        first: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(at, Some(first), "and here", message.into(), help.into());
    }

    fn push(
        &mut self,
        at: Span,
        first: Option<Span>,
        label: &'static str,
        message: String,
        help: String,
    ) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        self.found.push(Found {
            message,
            help: (!help.is_empty()).then_some(help),
            at,
            first,
            label,
        });
    }

    /// The error to show, with places of `text`.
    pub(super) fn into_errors(mut self, file: &str, text: &str) -> MapErrors {
        self.found.sort_by_key(|found| found.at.start);
        let more = self.more + self.found.len().saturating_sub(MOST_SHOWN);
        let index = LineIndex::new(text);
        let problems = self
            .found
            .into_iter()
            .take(MOST_SHOWN)
            .map(|found| index.problem(found))
            .collect();
        MapErrors {
            file: shown(file),
            problems,
            more,
            text: Some(Excerpts::new(shown(file), shown(text))),
        }
    }
}

/// From characters to bytes, lines and columns.
struct LineIndex<'t> {
    text: &'t str,
    /// Byte and line of every 1024th character.
    marks: Vec<(usize, u32)>,
}

impl<'t> LineIndex<'t> {
    const STEP: usize = 1024;

    fn new(text: &'t str) -> Self {
        let mut line = 1;
        let mut marks = Vec::new();
        for (count, (byte, c)) in text.char_indices().enumerate() {
            if count % Self::STEP == 0 {
                marks.push((byte, line));
            }
            line += u32::from(c == '\n');
        }
        Self { text, marks }
    }

    /// Byte and line of a character.
    fn find(&self, character: u32) -> (usize, u32) {
        let character = usize::try_from(character).unwrap_or(usize::MAX);
        let (start, line) = self
            .marks
            .get(character / Self::STEP)
            .copied()
            .unwrap_or((self.text.len(), 1));
        let rest = self.text.get(start..).unwrap_or_default();
        let skipped = rest.char_indices().take(character % Self::STEP);
        let mut byte = start;
        let mut at_line = line;
        for (offset, c) in skipped {
            byte = start + offset + c.len_utf8();
            at_line += u32::from(c == '\n');
        }
        (byte, at_line)
    }

    fn span(&self, span: Span) -> Option<SourceSpan> {
        let (start, _) = self.find(span.start);
        let (end, _) = self.find(span.end.max(span.start));
        let before = self.text.get(..start).unwrap_or_default();
        let after = self.text.get(start..).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = start + after.find('\n').unwrap_or(after.len());
        (line_end - line_start <= LONGEST_LINE)
            .then(|| (start, end.min(line_end).saturating_sub(start)).into())
    }

    fn problem(&self, found: Found) -> Problem {
        let (start, line) = self.find(found.at.start);
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        Problem {
            // Whatever of the map stands in them: they go to terminals, logs and attributes.
            message: safe(found.message),
            help: found.help.map(safe),
            line: Some(line),
            column: Some(u32::try_from(column + 1).unwrap_or(u32::MAX)),
            at: self.span(found.at),
            first: found.first.and_then(|first| self.span(first)),
            label: found.label.to_owned(),
        }
    }
}

/// What is said, without what a terminal would act on.
fn safe(text: String) -> String {
    if text.chars().any(is_hostile) {
        visible(&text)
    } else {
        text
    }
}

/// Text as a terminal may see it: what would move its cursor, change its colours or hide text is
/// replaced, byte for byte, so that places stay right.
fn shown(text: &str) -> String {
    let hidden = |c: char| is_hostile(c) && !matches!(c, '\n' | '\t' | '\r');
    if !text.chars().any(hidden) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            out.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)
    }
}
