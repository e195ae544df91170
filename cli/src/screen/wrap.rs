//! Sentences, wrapped between words. A command in backticks stays in one piece, for it is copied.

use super::{Line, Style, columns};
use crate::output::printable;

/// Narrower than this nothing is gained by wrapping.
const LEAST: usize = 20;

/// The sentence behind `lead`, wrapped at `width` where there is one; what is wrapped stands below
/// the sentence's beginning.
pub(crate) fn sentence(lead: Line, text: &str, width: Option<usize>) -> Vec<Line> {
    let text = printable(text);
    let sentence = text.trim_start_matches(' ');
    // Blanks before it are part of how a list of several lines is laid out.
    let lead = lead.with(
        Style::Plain,
        text.strip_suffix(sentence).unwrap_or_default(),
    );
    let indent = lead.width();
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(LEAST));
    let mut lines = Vec::new();
    let mut line = lead;
    for part in split(sentence, room) {
        line = line.with(Style::Plain, &part);
        lines.push(line);
        line = Line::empty().up_to(indent);
    }
    lines
}

/// The parts of a text, none wider than `room` unless one word of it is. At least one.
fn split(text: &str, room: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for word in words(text, room) {
        if part.is_empty() {
            part.push_str(word);
        } else if columns(&part) + 1 + columns(word) <= room {
            part.push(' ');
            part.push_str(word);
        } else {
            parts.push(std::mem::replace(&mut part, word.to_owned()));
        }
    }
    parts.push(part);
    parts
}

/// What is not torn apart: words, and what stands between backticks where it has room.
fn words(text: &str, room: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let text = rest;
        if text.is_empty() {
            return None;
        }
        let mut ticks = false;
        let mut first = None;
        for (at, c) in text.char_indices() {
            match c {
                '`' => ticks = !ticks,
                ' ' => {
                    first.get_or_insert(at);
                    if !ticks {
                        let (word, after) = text.split_at(at);
                        if columns(word) <= room {
                            rest = after.strip_prefix(' ').unwrap_or(after);
                            return Some(word);
                        }
                        break;
                    }
                }
                _ => {}
            }
        }
        if let Some(first) = first.filter(|_| columns(text) > room || ticks) {
            let (word, after) = text.split_at(first);
            rest = after.strip_prefix(' ').unwrap_or(after);
            return Some(word);
        }
        rest = "";
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Paint;

    fn wrapped(lead: &str, text: &str, width: usize) -> Vec<String> {
        sentence(Line::plain(lead), text, Some(width))
            .iter()
            .map(|line| line.paint(Paint(false)))
            .collect()
    }

    #[test]
    fn what_is_wrapped_stands_below_the_beginning_of_the_sentence() {
        assert_eq!(
            wrapped(
                "help: ",
                "see whether the network of this machine is up",
                30
            ),
            [
                "help: see whether the network",
                "      of this machine is up"
            ]
        );
    }

    #[test]
    fn without_a_width_a_sentence_is_one_line() {
        let text = "a ".repeat(200);
        assert_eq!(sentence(Line::empty(), &text, None).len(), 1);
        assert_eq!(wrapped("", "", 40), [""]);
    }

    #[test]
    fn a_command_in_backticks_stays_in_one_piece_where_it_has_room() {
        assert_eq!(
            wrapped("", "then run `secretfs unlock --all` once more", 30),
            ["then run", "`secretfs unlock --all` once", "more"]
        );
        assert_eq!(
            wrapped("", "run `secretfs unmount /a/very/long/path` now", 24),
            ["run `secretfs unmount", "/a/very/long/path` now"]
        );
    }

    #[test]
    fn an_open_backtick_and_words_without_end_are_no_trouble() {
        assert_eq!(wrapped("", "one ` two three", 20), ["one ` two three"]);
        assert_eq!(
            wrapped("", "it`s three words on", 20),
            ["it`s three words on"]
        );
        let long = "x".repeat(50);
        assert_eq!(wrapped("", &format!("a {long} b"), 20), ["a", &long, "b"]);
        for width in 0..60 {
            let text = "see `secretfs status` or `secretfs doctor --json`: it ` tells";
            let all = wrapped("  ", text, width).join(" ");
            let words: Vec<_> = all.split_whitespace().collect();
            assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
