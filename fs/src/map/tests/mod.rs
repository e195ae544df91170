//! The map, from text to plans: every rule with the line that its breach prints.

mod accepted;
mod defaults;
mod drawn;
mod files;
mod hostile;
mod left_out;
mod printed;
mod reference;
mod refused_entries;
mod refused_providers;
mod refused_text;
mod refused_values;

use super::*;

const PATH: &str = "/home/u/secrets.yml";

fn parsed(text: &str) -> Result<Map, MapErrors> {
    parse(text, Path::new(PATH), Some(Path::new("/home/u")))
}

fn accepted(text: &str) -> Map {
    parsed(text).unwrap_or_else(|errors| panic!("{text}\n{}", errors.lines().join("\n")))
}

/// The lines of everything that is wrong, without the map's name.
fn refused(text: &str) -> Vec<String> {
    let errors = match parsed(text) {
        Ok(_) => return Vec::new(),
        Err(errors) => errors,
    };
    assert!(errors.problems.iter().all(|p| p.help.is_some()), "{text}");
    let cut = |line: String| line.replace(&format!("{PATH}:"), "");
    errors.lines().into_iter().map(cut).collect()
}

/// Texts, and the lines that each of them prints.
fn table(rows: &[(&str, &[&str])]) {
    let mut wrong = String::new();
    for (text, expected) in rows {
        let lines = refused(text);
        if lines != *expected {
            wrong.push_str(&format!("\n{text}\n  {}\n", lines.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The same for texts that stand below `- name: A`, `  file: a` (lines 1 to 3).
fn entries(rows: &[(&str, &[&str])]) {
    let texts: Vec<_> = rows
        .iter()
        .map(|(text, _)| format!("secrets:\n- name: A\n  file: a\n{text}\n"))
        .collect();
    let rows: Vec<_> = texts
        .iter()
        .zip(rows)
        .map(|(text, (_, lines))| (text.as_str(), *lines))
        .collect();
    table(&rows);
}
