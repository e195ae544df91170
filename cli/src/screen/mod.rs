//! Lines for people: pieces of text with a meaning each. They are cut or wrapped by the columns that
//! they take on a terminal, and coloured last, so that no escape sequence is ever counted or cut.

pub(crate) mod wrap;

use crate::output::{Paint, printable};
use rustix::termios::tcgetwinsize;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where a terminal does not say how wide it is.
const COLUMNS: usize = 80;
/// Where it does not say how high it is.
const ROWS: usize = 24;
/// Lines of words that are longer than this are hard to read, however wide the terminal is.
const READABLE: usize = 100;

/// How text is shown: with colour or not, and how wide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Colours text, or leaves it as it is.
    pub(crate) paint: Paint,
    /// The columns that sentences are wrapped at; `None`: a sentence is a line, for pipes and files.
    pub(crate) width: Option<usize>,
}

impl Look {
    /// Without colour, a sentence a line.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self {
        paint: Paint(false),
        width: None,
    };

    /// Of standard output.
    pub(crate) fn of_stdout() -> Self {
        Self {
            paint: Paint(crate::output::stdout_colour()),
            width: sentences(std::io::stdout()),
        }
    }

    /// Of standard error.
    pub(crate) fn of_stderr() -> Self {
        Self {
            paint: Paint(crate::output::colour()),
            width: sentences(std::io::stderr()),
        }
    }
}

fn sentences(stream: impl AsFd + IsTerminal) -> Option<usize> {
    let (columns, _) = size(stream)?;
    Some(columns.min(READABLE))
}

/// The columns and rows of a terminal; `None`: it is none.
pub(crate) fn size(stream: impl AsFd + IsTerminal) -> Option<(usize, usize)> {
    if !stream.is_terminal() {
        return None;
    }
    let told = tcgetwinsize(stream).ok();
    let or = |told: Option<u16>, default| match told {
        None | Some(0) => default,
        Some(told) => usize::from(told),
    };
    Some((
        or(told.map(|size| size.ws_col), COLUMNS),
        or(told.map(|size| size.ws_row), ROWS),
    ))
}

/// What a piece of text means. Never by colour alone: its words say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nothing beyond its words.
    Plain,
    /// What the lines below it are about.
    Title,
    /// What one needs rarely.
    Dim,
    /// As it should be.
    Good,
    /// Not as one may expect, and no failure.
    Mind,
    /// Failed.
    Bad,
    /// What to do.
    Help,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    /// Nothing in it.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    /// Of one piece.
    pub(crate) fn of(style: Style, text: &str) -> Self {
        Self::default().with(style, text)
    }

    /// With nothing that needs a colour.
    pub(crate) fn plain(text: &str) -> Self {
        Self::of(Style::Plain, text)
    }

    /// With one more piece. Control characters are made visible.
    pub(crate) fn with(mut self, style: Style, text: &str) -> Self {
        if !text.is_empty() {
            self.0.push((style, printable(text).into_owned()));
        }
        self
    }

    /// With blanks up to a column.
    pub(crate) fn up_to(self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.with(Style::Plain, &" ".repeat(missing))
    }

    /// The columns that it takes.
    pub(crate) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| columns(text)).sum()
    }

    /// At most so many columns; what is cut off leaves `…`.
    pub(crate) fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut left = width.saturating_sub(1);
        let mut cut = Self::default();
        'pieces: for (style, text) in self.0 {
            let mut kept = String::new();
            for c in text.chars() {
                let columns = c.width().unwrap_or(0);
                if columns > left {
                    cut.0.push((style, kept));
                    break 'pieces;
                }
                left -= columns;
                kept.push(c);
            }
            cut.0.push((style, kept));
        }
        if width > 0 {
            cut.0.push((Style::Dim, "…".to_owned()));
        }
        cut
    }

    /// The text, without blanks at its end.
    pub(crate) fn paint(&self, paint: Paint) -> String {
        let mut out = String::new();
        for (i, (style, text)) in self.0.iter().enumerate() {
            let last = self.0.iter().skip(i + 1).all(|(_, rest)| blank(rest));
            let text = if last { text.trim_end() } else { text };
            out.push_str(&match style {
                _ if text.is_empty() => continue,
                Style::Plain => text.to_owned(),
                Style::Title => paint.bold(text),
                Style::Dim => paint.dim(text),
                Style::Good => paint.green(text),
                Style::Mind => paint.yellow(text),
                Style::Bad => paint.red(text),
                Style::Help => paint.cyan(text),
            });
        }
        out
    }
}

/// The columns that text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

fn blank(text: &str) -> bool {
    text.trim_end().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_columns_and_not_by_characters() {
        let cut = |text: &str, width| Line::plain(text).cut(width).paint(Paint(false));
        assert_eq!(cut("kubeconfig", 10), "kubeconfig");
        assert_eq!(cut("kubeconfig", 5), "kube…");
        assert_eq!(cut("秘密の鍵", 5), "秘密…");
        assert_eq!(cut("秘密の鍵", 4), "秘…", "no half of a character");
        assert_eq!(cut("kubeconfig", 1), "…");
        assert_eq!(cut("kubeconfig", 0), "");
    }

    #[test]
    fn a_cut_goes_through_pieces_and_keeps_their_meaning() {
        let line = Line::of(Style::Good, "cached").with(Style::Bad, " failed");
        assert_eq!(
            line.cut(9).paint(Paint(true)),
            "\x1b[32mcached\x1b[0m\x1b[1;31m f\x1b[0m\x1b[2m…\x1b[0m"
        );
    }

    #[test]
    fn blanks_at_the_end_are_not_printed_and_control_characters_are_seen() {
        let line = Line::plain("a").with(Style::Dim, "\x1b[2J").up_to(40);
        assert_eq!(line.width(), 40);
        assert_eq!(line.paint(Paint(false)), "a\\u{1b}[2J");
    }
}
