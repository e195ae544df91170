//! The report, for people and for scripts.

use super::rows::{Row, State};
use crate::output::{Paint, printable};
use serde::Serialize;

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
pub(super) fn table(rows: &[Row], colour: bool) -> String {
    let paint = Paint(colour);
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let state = match row.state {
            State::Ok => paint.green("ok     "),
            State::Note => paint.yellow("note   "),
            State::Missing => paint.yellow("missing"),
            State::Failed => paint.red("failed "),
        };
        let message = printable(&row.message);
        let name = printable(&row.name);
        text.push_str(&format!("{name:width$}  {state}  {message}\n"));
        let mut mark = paint.cyan("help:");
        for line in row.help.iter().flat_map(|help| help.lines()) {
            let line = printable(line);
            text.push_str(&format!(
                "{:indent$}{mark} {line}\n",
                "",
                indent = width + 11
            ));
            // What follows belongs to the first line, and stands below its text.
            mark = "     ".to_owned();
        }
    }
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row.state == State::Failed)
        .map(|row| row.name.as_ref())
        .collect();
    let verdict = if failed.is_empty() {
        paint.green("secretfs can mount here")
    } else {
        paint.red(&format!(
            "secretfs cannot mount here: {}",
            failed.join(", ")
        ))
    };
    text.push_str(&format!("\n{verdict}\n"));
    text
}
