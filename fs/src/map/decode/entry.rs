//! An entry of `secrets:`.

use super::Decoder;
use crate::map::marked::{Node, Value};
use crate::map::source::Entry;
use crate::map::span::Spanned;

/// Its keys.
const KEYS: &[&str] = &[
    "name",
    "ref",
    "vault",
    "item",
    "section",
    "field",
    "folder",
    "file",
    "dir",
    "format",
    "env",
    "provider",
    "path",
    "environment",
    "expand_references",
    "ttl",
    "mode",
    "decode",
    "allow",
    "allow_empty",
    "fallback",
    "fallback_name",
];

impl Decoder<'_> {
    pub(super) fn entry(&mut self, node: Node<'_>) -> Spanned<Entry> {
        let at = node.at;
        let mut entry = Entry::default();
        match &node.value {
            Value::Mapping(_) | Value::Refused => {}
            Value::Null => self.problems.add(
                at,
                "an entry without keys",
                "write a `name:` and a `file:`, or remove the `-`",
            ),
            // Most often a bare name, as other tools list variables.
            other => {
                let what = format!("an entry is {}", other.kind());
                let help = "write a `name:`, and the `file:` that is to hold it";
                self.problems.add(at, what, help);
                return Spanned::new(entry, at);
            }
        }
        for (key, value) in self.pairs(node, "an entry", KEYS) {
            let key = key.value.as_ref();
            match key {
                "name" => entry.name = self.text(value, key),
                "ref" => entry.reference = self.text(value, key),
                "vault" => entry.vault = self.text(value, key),
                "item" => entry.item = self.text(value, key),
                "section" => entry.section = self.text(value, key),
                "field" => entry.field = self.text(value, key),
                "folder" => entry.folder = self.text(value, key),
                "file" => entry.file = self.text(value, key),
                "dir" => entry.dir = self.text(value, key),
                "format" => entry.format = self.word(value, key),
                "env" => entry.env = self.text(value, key),
                "provider" => entry.provider = self.text(value, key),
                "path" => entry.path = self.text(value, key),
                "environment" => entry.environment = self.text(value, key),
                "expand_references" => entry.expand_references = self.truth(value, key),
                "ttl" => entry.ttl = self.unit(value, key),
                "mode" => entry.mode = self.word(value, key),
                "decode" => entry.decode = self.word(value, key),
                "allow" => entry.allow = self.allow(value),
                "allow_empty" => entry.allow_empty = self.truth(value, key),
                "fallback" => entry.fallback = self.text(value, key),
                _ => entry.fallback_name = self.text(value, key),
            }
        }
        Spanned::new(entry, at)
    }

    fn allow(&mut self, node: Node<'_>) -> Option<Vec<Spanned<String>>> {
        let at = node.at;
        let items = self.items(node, "allow")?;
        if items.is_empty() {
            self.problems.add(
                at,
                "`allow` is empty: nothing could open the file",
                "name the programs, or remove `allow`",
            );
        }
        let texts = items.into_iter().map(|item| self.text(item, "allow"));
        Some(texts.collect::<Vec<_>>().into_iter().flatten().collect())
    }
}
