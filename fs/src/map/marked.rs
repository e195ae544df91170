//! YAML as a tree with places: what is refused before anything is understood.
//!
//! The parser reports events; there is no recursion over the text and no alias is ever followed,
//! so that hostile text costs no more than its length.

use super::problem::Problems;
use super::span::{Span, Spanned};
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};
use std::borrow::Cow;

/// A map needs five.
const DEEPEST: usize = 16;

/// Each entry costs memory in the helper.
const MOST_ENTRIES: usize = 250_000;

/// `providers` may have a thousand; nothing else that a map knows has more than thirty. A million of them
/// would take a gigabyte before anybody could say so (`tests/tests/hostile/bombs.rs`).
const MOST_KEYS: usize = 2_000;

/// In bytes. Whatever opens on a line may still turn out to be a key while the line goes on, so that the
/// parser keeps all of it: a hundred bytes for each. Room for a map as JSON with tens of thousands of entries.
const LONGEST_LINE: usize = 4 << 20;

/// A node of the text.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) at: Span,
    pub(super) value: Value<'t>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Value<'t> {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as it is written.
    Scalar(Cow<'t, str>),
    /// An alias: reported already.
    Refused,
    List(Vec<Node<'t>>),
    Mapping(Vec<(Spanned<Cow<'t, str>>, Node<'t>)>),
}

impl Value<'_> {
    /// For "expected a list, but this is …".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::Refused => "an alias",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// A list or mapping that is still open.
enum Open<'t> {
    List(Span, Vec<Node<'t>>),
    Mapping {
        at: Span,
        pairs: Vec<(Spanned<Cow<'t, str>>, Node<'t>)>,
        key: Option<Spanned<Cow<'t, str>>>,
    },
}

/// Reads a text. `None` where it is no YAML at all, or empty; the reason is in `problems`.
pub(super) fn read<'t>(text: &'t str, problems: &mut Problems) -> Option<Node<'t>> {
    if let Some(at) = too_long(text) {
        problems.add(at, "a line of more than 4 MiB", "write it in several lines");
        return None;
    }
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open<'t>> = Vec::new();
    let mut root = None;
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        let (event, marks) = match next {
            Ok(next) => next,
            Err(error) => {
                let mark = *error.marker();
                let at = span(&Marks::empty(mark));
                problems.add(
                    at,
                    format!("this is not YAML: {}", error.info()),
                    "check the indentation, the quotes and the brackets before this place",
                );
                return None;
            }
        };
        let at = span(&marks);
        let done = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    problems.add(
                        at,
                        "a second document",
                        "a map is one document: remove the `---`",
                    );
                    return root;
                }
                None
            }
            Event::Alias(_) => {
                problems.add(at, "an alias", "write the value out: a map has no aliases");
                Some(Node {
                    at,
                    value: Value::Refused,
                })
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse(problems, at, anchor, tag.is_some());
                Some(scalar(at, text, style))
            }
            Event::SequenceStart(anchor, tag) => {
                refuse(problems, at, anchor, tag.is_some());
                open.push(Open::List(at, Vec::new()));
                None
            }
            Event::MappingStart(anchor, tag) => {
                refuse(problems, at, anchor, tag.is_some());
                open.push(Open::Mapping {
                    at,
                    pairs: Vec::new(),
                    key: None,
                });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(close),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => None,
        };
        if open.len() > DEEPEST {
            problems.add(at, "nested too deeply", "a map has no such level");
            return None;
        }
        if let Some((what, help)) = open.last().and_then(too_many) {
            problems.add(at, what, help);
            return None;
        }
        if let Some(node) = done {
            match open.last_mut() {
                None => root = Some(node),
                Some(parent) => put(parent, node, problems),
            }
        }
    }
    root
}

/// The first line that is too long.
fn too_long(text: &str) -> Option<Span> {
    let mut start = 0;
    for (line, number) in text.split('\n').zip(1..) {
        if line.len() > LONGEST_LINE {
            let before = text.get(..start).unwrap_or_default();
            let start = u32::try_from(before.chars().count()).unwrap_or(u32::MAX);
            return Some(Span {
                start,
                end: start,
                line: number,
            });
        }
        start += line.len() + 1;
    }
    None
}

/// What a list or mapping has too many of, and what to do.
fn too_many(open: &Open<'_>) -> Option<(String, &'static str)> {
    match open {
        Open::List(_, items) if items.len() > MOST_ENTRIES => {
            Some((format!("more than {MOST_ENTRIES} entries"), "split the map"))
        }
        Open::Mapping { pairs, .. } if pairs.len() > MOST_KEYS => Some((
            format!("more than {MOST_KEYS} keys of one mapping"),
            "no mapping of a map has as many: see what has written them",
        )),
        Open::List(..) | Open::Mapping { .. } => None,
    }
}

fn put<'t>(parent: &mut Open<'t>, node: Node<'t>, problems: &mut Problems) {
    match parent {
        Open::List(_, items) => items.push(node),
        Open::Mapping { pairs, key, .. } => match key.take() {
            Some(name) => pairs.push((name, node)),
            None => {
                let text = match node.value {
                    Value::Scalar(text) => text,
                    Value::Null => Cow::Borrowed("null"),
                    Value::Refused => Cow::Borrowed("*"),
                    Value::List(_) | Value::Mapping(_) => {
                        problems.add(node.at, "a key that is not a word", "write `key: value`");
                        Cow::Borrowed("")
                    }
                };
                *key = Some(Spanned::new(text, node.at));
            }
        },
    }
}

fn close(open: Open<'_>) -> Node<'_> {
    match open {
        Open::List(at, items) => Node {
            at: items.first().map_or(at, |first| first.at),
            value: Value::List(items),
        },
        // The place of a mapping is its first key: that is where one looks for it.
        Open::Mapping { at, pairs, .. } => Node {
            at: pairs.first().map_or(at, |(key, _)| key.at),
            value: Value::Mapping(pairs),
        },
    }
}

fn scalar<'t>(at: Span, text: Cow<'t, str>, style: ScalarStyle) -> Node<'t> {
    let plain = style == ScalarStyle::Plain;
    let nothing = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
    Node {
        at,
        value: if nothing {
            Value::Null
        } else {
            Value::Scalar(text)
        },
    }
}

fn refuse(problems: &mut Problems, at: Span, anchor: usize, tag: bool) {
    if anchor != 0 {
        problems.add(at, "an anchor", "remove the `&…`: a map has no aliases");
    }
    if tag {
        problems.add(at, "a tag", "remove the `!…`: a map has no tags");
    }
}

fn span(marks: &Marks) -> Span {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span {
        start: number(marks.start.index()),
        end: number(marks.end.index()),
        line: number(marks.start.line()),
    }
}
