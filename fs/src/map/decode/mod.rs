//! From the tree of the text to the types of the map, reporting everything that does not fit.
//!
//! By hand, not by serde: serde stops at the first mistake, and a map shows all of them in one go.

mod config;
mod entry;
mod provider;

use super::marked::{Node, Value};
use super::problem::Problems;
use super::source::{MapFile, Maybe, Words};
use super::span::{Span, Spanned};
use super::suggest;
use super::units::{UnitError, quote};
use std::borrow::Cow;
use std::collections::HashSet;
use std::str::FromStr;

/// The keys at the top of a map.
pub(super) const TOP: &[&str] = &["config", "providers", "secrets"];

/// The key of a pair, and the value.
type Pair<'t> = (Spanned<Cow<'t, str>>, Node<'t>);

/// A map, and which of its entries were reported already: what they lack is not reported again.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) map: MapFile,
    pub(super) reported: HashSet<usize>,
    /// Providers that were declared, but not so that they could be read.
    pub(super) broken: HashSet<String>,
}

/// The whole text's tree. `None`: there is no map in it; why is in `problems`.
pub(super) fn map(root: Option<Node<'_>>, problems: &mut Problems) -> Option<Decoded> {
    let Some(root) = root else {
        if problems.is_empty() {
            problems.add(
                Span::default(),
                "the map is empty",
                "write a list `secrets:` with a `name:` and a `file:` for each file",
            );
        }
        return None;
    };
    let mut decoder = Decoder { problems };
    let Decoded {
        mut map,
        mut reported,
        mut broken,
    } = Decoded::default();
    let mut secrets = None;
    let at = root.at;
    let pairs = decoder.pairs(root, "the map", TOP);
    let mistaken = !decoder.problems.is_empty();
    for (key, value) in pairs {
        match key.value.as_ref() {
            "config" => map.config = decoder.config(value),
            "providers" => map.providers = decoder.providers(value, &mut broken),
            _ => secrets = Some((key.at, value)),
        }
    }
    // A misspelt `secrets` was reported already.
    let what = "write a `name:` and a `file:` for each file";
    match secrets {
        None if mistaken => return None,
        None => decoder.problems.add(at, "the map has no `secrets`", what),
        Some((key, value)) => {
            let items = match value.value {
                Value::Null => Vec::new(),
                _ => decoder.items(value, "secrets")?,
            };
            if items.is_empty() {
                decoder.problems.add(key, "`secrets` is empty", what);
            }
            map.secrets.reserve_exact(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let before = decoder.problems.count();
                map.secrets.push(decoder.entry(item));
                if decoder.problems.count() != before {
                    reported.insert(index);
                }
            }
        }
    }
    Some(Decoded {
        map,
        reported,
        broken,
    })
}

/// Reads nodes, and reports what does not fit.
pub(super) struct Decoder<'p> {
    problems: &'p mut Problems,
}

impl Decoder<'_> {
    /// The pairs of a mapping whose keys are all known and all different; the others are reported.
    /// Nothing counts as an empty mapping.
    fn pairs<'t>(&mut self, node: Node<'t>, what: &str, known: &[&str]) -> Vec<Pair<'t>> {
        let mut pairs = self.any_pairs(node, what);
        pairs.retain(|(key, _)| {
            let found = known.contains(&key.value.as_ref());
            if !found && self.problems.is_full() {
                self.problems.count_one();
            } else if !found {
                self.problems.add(
                    key.at,
                    format!("unknown key {} in {what}", quote(&key.value)),
                    suggest::help(&key.value, known, "the keys are"),
                );
            }
            found
        });
        pairs
    }

    /// The same, whatever the keys.
    fn any_pairs<'t>(&mut self, node: Node<'t>, what: &str) -> Vec<Pair<'t>> {
        let mut pairs = match node.value {
            Value::Mapping(pairs) => pairs,
            Value::Null | Value::Refused => Vec::new(),
            other => {
                self.problems.add(
                    node.at,
                    format!("{what} is {}", other.kind()),
                    "write `key: value` lines",
                );
                Vec::new()
            }
        };
        // Quadratic for the few keys of a valid map, linear for anything else.
        let mut seen = HashSet::new();
        if pairs.len() > 32 {
            pairs.retain(|(key, _)| {
                let fresh = seen.insert(key.value.clone());
                if !fresh {
                    self.duplicate(key, key.at);
                }
                fresh
            });
            return pairs;
        }
        let mut at = 0;
        while let Some((key, _)) = pairs.get(at) {
            let first = pairs.iter().take(at).find(|(k, _)| k.value == key.value);
            if let Some((first, _)) = first {
                self.duplicate(key, first.at);
                pairs.remove(at);
            } else {
                at += 1;
            }
        }
        pairs
    }

    fn duplicate(&mut self, key: &Spanned<Cow<'_, str>>, first: Span) {
        self.problems.twice(
            key.at,
            first,
            format!("the key {} stands here twice", quote(&key.value)),
            "keep one of them",
        );
    }

    /// The items of a list.
    fn items<'t>(&mut self, node: Node<'t>, key: &str) -> Option<Vec<Node<'t>>> {
        match node.value {
            Value::List(items) => Some(items),
            Value::Refused => None,
            other => {
                self.problems.add(
                    node.at,
                    format!("`{key}` is {}, not a list", other.kind()),
                    "write one `- ` line for each",
                );
                None
            }
        }
    }

    /// One value, as it is written: `007` and `1.10` stay what they are.
    fn scalar<'t>(&mut self, node: Node<'t>, key: &str) -> Option<(Cow<'t, str>, Span)> {
        let (message, help) = match node.value {
            Value::Scalar(text) => return Some((text, node.at)),
            Value::Refused => return None,
            Value::Null => (
                format!("`{key}` has no value"),
                format!("write one, or remove `{key}`"),
            ),
            other => (
                format!("`{key}` is {}, not a single value", other.kind()),
                format!("write `{key}: value`"),
            ),
        };
        self.problems.add(node.at, message, help);
        None
    }

    /// Text that is not empty, without NUL and control characters.
    fn text(&mut self, node: Node<'_>, key: &str) -> Maybe<String> {
        let (text, at) = self.scalar(node, key)?;
        if text.trim().is_empty() {
            self.problems.add(
                at,
                format!("`{key}` is empty"),
                format!("write a value, or remove `{key}`"),
            );
            return None;
        }
        // Line and paragraph separators are line breaks in YAML 1.1 and none in 1.2.
        let control = |c: &char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if let Some(bad) = text.chars().find(control) {
            self.problems.add(
                at,
                format!(
                    "`{key}` contains the control character {}",
                    quote(&bad.to_string())
                ),
                "remove it",
            );
            return None;
        }
        Some(Spanned::new(text.into_owned(), at))
    }

    /// `true` or `false`.
    fn truth(&mut self, node: Node<'_>, key: &str) -> Maybe<bool> {
        let (text, at) = self.scalar(node, key)?;
        match text.as_ref() {
            "true" => Some(Spanned::new(true, at)),
            "false" => Some(Spanned::new(false, at)),
            other => {
                self.problems.add(
                    at,
                    format!("`{key}` is {}, not `true` or `false`", quote(other)),
                    match other.to_lowercase().as_str() {
                        "yes" | "on" | "true" | "1" => "write `true`",
                        "no" | "off" | "false" | "0" => "write `false`",
                        _ => "write `true` or `false`",
                    },
                );
                None
            }
        }
    }

    /// A number with a unit.
    fn unit<T: FromStr<Err = UnitError>>(&mut self, node: Node<'_>, key: &str) -> Maybe<T> {
        let (text, at) = self.scalar(node, key)?;
        match text.parse() {
            Ok(value) => Some(Spanned::new(value, at)),
            Err(error) => {
                self.problems
                    .add(at, format!("`{key}`: {}", error.message), error.help);
                None
            }
        }
    }

    /// One of a few words.
    fn word<T: Words>(&mut self, node: Node<'_>, key: &str) -> Maybe<T> {
        let (text, at) = self.scalar(node, key)?;
        match T::WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Some(Spanned::new(*value, at)),
            None => {
                let words: Vec<_> = T::WORDS.iter().map(|(word, _)| *word).collect();
                self.problems.add(
                    at,
                    format!("unknown `{key}` {}", quote(&text)),
                    suggest::help(&text, &words, "write one of"),
                );
                None
            }
        }
    }
}
