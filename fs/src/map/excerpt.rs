//! The text of a map, read where a problem is and nowhere else: miette reads a text from its start for
//! each excerpt, and a map of 31 MiB with a hundred mistakes at its end would take half a minute.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::sync::Arc;

/// Line ends are counted in steps of so many bytes.
const STEP: usize = 64 << 10;

/// How far around a problem is looked for the ends of its lines. What is longer is too long to be drawn.
const WINDOW: usize = 16 << 10;

/// A text with a name.
#[derive(Debug, Clone)]
pub(super) struct Excerpts {
    name: String,
    text: Arc<str>,
    /// How many lines end before each step.
    lines: Arc<[usize]>,
}

impl Excerpts {
    pub(super) fn new(name: String, text: String) -> Self {
        let mut count = 0;
        let lines = text.as_bytes().chunks(STEP).map(|step| {
            let before = count;
            count += ends(step);
            before
        });
        Self {
            lines: lines.collect(),
            name,
            text: text.into(),
        }
    }

    /// How many lines end before `byte`.
    fn lines_before(&self, byte: usize) -> Option<usize> {
        // The end of a text may be the start of a step that there is not; an empty one has none.
        let step = (byte / STEP).min(self.lines.len().saturating_sub(1));
        let rest = self.text.as_bytes().get(step * STEP..byte)?;
        Some(self.lines.get(step).copied().unwrap_or(0) + ends(rest))
    }

    /// Where the line starts that is `above` lines above the one of `byte`.
    fn start(&self, byte: usize, above: usize) -> Option<usize> {
        let window = byte.saturating_sub(WINDOW);
        let before = self.text.as_bytes().get(window..byte)?;
        let mut ends = before
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, b)| **b == b'\n');
        Some(ends.nth(above).map_or(window, |(at, _)| window + at + 1))
    }
}

fn ends(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

impl SourceCode for Excerpts {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        above: usize,
        below: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let outside = || MietteError::OutOfBounds;
        // One line more: of an empty place miette looks at the byte before.
        let from = self.start(span.offset(), above + 1).ok_or_else(outside)?;
        let line = self.lines_before(from).ok_or_else(outside)?;
        let to = (span.offset() + span.len() + WINDOW).min(self.text.len());
        let near = self.text.as_bytes().get(from..to).ok_or_else(outside)?;
        let place = SourceSpan::new((span.offset() - from).into(), span.len());
        let found = near.read_span(&place, above, below)?;
        let read = (from + found.span().offset(), found.span().len());
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            // Not of `found`, which lives no longer than this.
            near.get(found.span().offset()..found.span().offset() + found.span().len())
                .ok_or_else(outside)?,
            read.into(),
            line + found.line(),
            found.column(),
            found.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::NamedSource;
    use proptest::prelude::*;

    type Read = (Vec<u8>, (usize, usize), usize, usize);

    /// Its bytes, their place, and the line and column of their start.
    fn read(source: &dyn SourceCode, at: (usize, usize), context: usize) -> Option<Read> {
        let found = source.read_span(&at.into(), context, context).ok()?;
        let place = (found.span().offset(), found.span().len());
        assert_eq!(found.name(), Some("m"));
        Some((found.data().to_vec(), place, found.line(), found.column()))
    }

    proptest! {
        #[test]
        fn every_excerpt_is_the_one_that_is_read_from_the_start(
            lines in prop::collection::vec("[a-cä]{0,6}", 0..12),
            before in 0usize..3,
            at in any::<prop::sample::Index>(),
            len in 0usize..5,
            context in 0usize..3,
        ) {
            // Beyond a step, too.
            let text = "0123456\n".repeat(before * STEP / 8) + &lines.join("\n");
            let at = at.index(lines.join("\n").len() + 1) + before * STEP;
            let len = len.min(text.len() - at);
            let whole = NamedSource::new("m", text.clone());
            let near = Excerpts::new("m".to_owned(), text);
            prop_assert_eq!(read(&near, (at, len), context), read(&whole, (at, len), context));
        }
    }

    #[test]
    fn a_line_without_an_end_is_read_no_further_than_it_could_be_drawn() {
        let long = "x".repeat(1 << 20);
        let near = Excerpts::new("m".to_owned(), format!("{long}\nabc\n{long}"));
        let (data, ..) = read(&near, ((1 << 20) + 1, 3), 1).expect("an excerpt");
        assert!((WINDOW..3 * WINDOW).contains(&data.len()), "{}", data.len());
        assert_eq!(
            read(&near, ((1 << 20) + 1, 3), 0).expect("an excerpt").0,
            b"abc"
        );
        assert_eq!(read(&near, (3 << 20, 1), 0), None);
    }
}
