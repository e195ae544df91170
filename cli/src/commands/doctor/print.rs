//! The report, for people and for scripts.

use super::rows::{Row, State};
use crate::output::help_lines;
use crate::screen::wrap::sentence;
use crate::screen::{Line, Look, Style, columns};
use serde::Serialize;

/// The longest name of a state.
const STATE: usize = "missing".len();

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    /// A mount would work.
    ok: bool,
    checks: &'a [Row],
}

/// One object, with a final newline.
pub(super) fn json(rows: &[Row]) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Report {
        version: 1,
        ok: rows.iter().all(|row| row.state != State::Failed),
        checks: rows,
    })?;
    text.push('\n');
    Ok(text)
}

/// A line for each, the help below it, and the verdict.
pub(super) fn table(rows: &[Row], look: Look) -> String {
    let names = rows.iter().map(|row| columns(&row.name)).max().unwrap_or(0);
    let mut lines = Vec::new();
    for row in rows {
        let (style, state) = match row.state {
            State::Ok => (Style::Good, "ok"),
            State::Note => (Style::Mind, "note"),
            State::Missing => (Style::Mind, "missing"),
            State::Failed => (Style::Bad, "failed"),
        };
        let state_at = names + 2;
        let message_at = state_at + STATE + 2;
        let lead = Line::plain(&row.name).up_to(state_at).with(style, state);
        lines.extend(sentence(lead.up_to(message_at), &row.message, look.width));
        let help = row.help.as_deref().unwrap_or_default();
        lines.extend(help_lines(message_at, help, look.width));
    }
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row.state == State::Failed)
        .map(|row| row.name.as_ref())
        .collect();
    lines.push(Line::empty());
    lines.push(if failed.is_empty() {
        Line::of(Style::Good, "secretfs can mount here")
    } else {
        let verdict = format!("secretfs cannot mount here: {}", failed.join(", "));
        Line::of(Style::Bad, &verdict)
    });
    crate::output::text(&lines, look.paint)
}
