//! An entry of a first map, and the text of the whole.

use super::there_is_nothing;
use crate::error::CliError;
use crate::map::Map;
use crate::output::warn;
use secretfs_providers::Reference;
use std::path::Path;

/// The first line: editors validate and complete the map by it.
pub(super) const SCHEMA: &str = "# yaml-language-server: $schema=https://github.com/secretfs/secretfs/raw/main/docs/secrets.schema.json\n";

/// Where an entry's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// A name, and the folder that it is in.
    Name { name: String, path: String },
    /// A reference as `op` writes it.
    Reference(String),
    /// The same spelled out, for names that it cannot express.
    Spelled(secretfs_providers::onepassword::Reference),
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) from: From,
    pub(super) file: String,
    pub(super) env: Option<String>,
    /// What stands in it between `${` and `}` is not the provider's.
    pub(super) is_literal: bool,
    pub(super) allow_empty: bool,
}

impl Entry {
    /// A secret of a folder (`/` where the provider has none).
    pub(super) fn secret(name: &str, path: &str, file: String) -> Self {
        let from = From::Name {
            name: name.to_owned(),
            path: path.to_owned(),
        };
        Self {
            from,
            file,
            env: None,
            is_literal: false,
            allow_empty: false,
        }
    }

    /// A field of 1Password; `None`: it is another provider's.
    pub(super) fn field(of: &Reference, file: String) -> Option<Self> {
        let Reference::OnePassword(of) = of else {
            return None;
        };
        let text = of.to_string();
        let is_written =
            secretfs_providers::onepassword::Reference::parse(&text).as_ref() == Ok(of);
        let from = match is_written {
            true => From::Reference(text),
            false => From::Spelled(of.clone()),
        };
        Some(Self {
            from,
            ..Self::secret("", "/", file)
        })
    }

    /// For a provider that has no folders: they are a part of the name, and no references are expanded.
    pub(super) fn without_folder(self) -> Self {
        let from = match self.from {
            From::Name { name, path } if path != "/" => From::Name {
                name: format!("{}/{name}", path.trim_matches('/')),
                path: "/".to_owned(),
            },
            from => from,
        };
        Self {
            from,
            is_literal: false,
            ..self
        }
    }

    /// As a part of the map.
    pub(super) fn yaml(&self) -> String {
        let mut keys = Vec::new();
        match &self.from {
            From::Name { name, path } => {
                keys.push(("name", quoted(name)));
                keys.extend((path != "/").then(|| ("path", quoted(path))));
            }
            From::Reference(text) => keys.push(("ref", quoted_reference(text))),
            From::Spelled(of) => {
                keys.push(("vault", quoted(&of.vault)));
                keys.push(("item", quoted(&of.item)));
                keys.extend(of.section.iter().map(|it| ("section", quoted(it))));
                keys.push(("field", quoted(&of.field)));
            }
        }
        keys.push(("file", quoted(&self.file)));
        keys.extend(self.env.iter().map(|env| ("env", quoted(env))));
        keys.extend(
            self.is_literal
                .then(|| ("expand_references", "false".to_owned())),
        );
        keys.extend(self.allow_empty.then(|| ("allow_empty", "true".to_owned())));
        let mut text = String::new();
        for (at, (key, value)) in keys.iter().enumerate() {
            let start = if at == 0 { "  - " } else { "    " };
            text.push_str(&format!("{start}{key}: {value}\n"));
        }
        text
    }
}

/// Keeps the entries that the map takes, which nobody knows better than the map. One whose variable it
/// refuses has none. What is left out is told by its file.
pub(super) fn fitting(
    entries: Vec<Entry>,
    fits: impl Fn(&Entry) -> bool,
) -> (Vec<Entry>, Vec<String>) {
    let mut left_out = Vec::new();
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        if fits(&entry) {
            kept.push(entry);
            continue;
        }
        let plain = Entry { env: None, ..entry };
        match plain.clone() {
            entry if fits(&entry) => kept.push(entry),
            entry => left_out.push(entry.file),
        }
    }
    (kept, left_out)
}

/// The map of these entries after `head`, and how many there are. It is good: what is not is left out with
/// a warning.
pub(super) fn map(
    head: &str,
    entries: Vec<Entry>,
    path: &Path,
    what: &str,
) -> Result<(String, usize), CliError> {
    let (entries, left_out) = fitting(entries, |entry| {
        Map::of_text(&format!("{head}secrets:\n{}", entry.yaml()), path).is_ok()
    });
    for name in &left_out {
        warn(
            &format!(
                "what would be the file {name:?} has a name that no map takes, and is left out"
            ),
            "give it another name where it is, or take its id",
        );
    }
    if entries.is_empty() {
        return Err(there_is_nothing(what));
    }
    let all: String = entries.iter().map(Entry::yaml).collect();
    let text = format!("{head}secrets:\n{all}");
    // It is not written unless it is good.
    let map = Map::of_text(&text, path)?;
    Ok((text, map.entries().len()))
}

/// "3 entries".
pub(super) fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "entry" } else { "entries" })
}

/// A reference needs no quotes, whatever it holds: the grammar leaves it nothing that YAML gives a meaning
/// to, but for a blank at its end.
fn quoted_reference(text: &str) -> String {
    match text.ends_with(' ') {
        true => quoted(text),
        false => text.to_owned(),
    }
}

/// A text as YAML has it: plain where nothing else could be meant, else in JSON's quotes.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.'))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    // JSON's escapes are YAML's; what JSON leaves as it is and YAML does not take is escaped here.
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
