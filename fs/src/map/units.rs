//! Durations and sizes as the map writes them: newtypes with bounds and messages.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What is wrong with a number, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

impl UnitError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// A time span, in milliseconds: `500ms`, `10s`, `5m`, `1h`, `1h30m`, `2d`, `0`, `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Millis(pub u64);

/// Milliseconds of each unit, the largest first.
const TIMES: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// No time in the map is longer: it would be a mistake, and sums stay far from overflow.
const LONGEST: Millis = Millis(30 * 86_400_000);

impl FromStr for Millis {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "off" || text == "0" {
            return Ok(Self(0));
        }
        let help = "write a number and a unit: `30s`, `5m`, `1h`";
        let bad = || UnitError::new(format!("{} is not a time", quote(text)), help);
        let mut total: u64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (number, after) = leading_number(rest).ok_or_else(bad)?;
            let end = after
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, next) = after.split_at_checked(end).ok_or_else(bad)?;
            if unit.is_empty() {
                return Err(UnitError::new(
                    format!("{} has no unit", quote(text)),
                    format!("write `{text}s`, `{text}m` or `{text}h`"),
                ));
            }
            let (_, each) = TIMES
                .iter()
                .find(|(name, _)| *name == unit)
                .ok_or_else(bad)?;
            total = number
                .checked_mul(*each)
                .and_then(|part| total.checked_add(part))
                .filter(|sum| *sum <= LONGEST.0)
                .ok_or_else(|| {
                    UnitError::new(format!("{} is too long", quote(text)), "at most `30d`")
                })?;
            rest = next;
        }
        if text.is_empty() {
            Err(bad())
        } else {
            Ok(Self(total))
        }
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |each: u64| self.0 != 0 && self.0.is_multiple_of(each);
        match TIMES.iter().find(|(_, each)| fits(*each)) {
            Some((unit, each)) => write!(f, "{}{unit}", self.0 / each),
            None => f.write_str("0"),
        }
    }
}

/// A number of bytes: `512`, `64KiB`, `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub u64);

/// Bytes of each unit, the largest first.
const SIZES: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("", 1),
];

/// No value is larger: it has to fit into locked memory.
const LARGEST: Bytes = Bytes(1 << 30);

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let help = "write a number of bytes with `KiB`, `MiB` or no unit: `64KiB`, `1MiB`";
        let bad = || UnitError::new(format!("{} is not a size", quote(text)), help);
        let (number, unit) = leading_number(text).ok_or_else(bad)?;
        let unit = unit.strip_prefix(' ').unwrap_or(unit);
        let unit = if unit == "B" { "" } else { unit };
        let (_, each) = SIZES
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(bad)?;
        number
            .checked_mul(*each)
            .filter(|size| (1..=LARGEST.0).contains(size))
            .map(Self)
            .ok_or_else(|| {
                UnitError::new(
                    format!("the size {} is out of range", quote(text)),
                    format!("from 1 to `{LARGEST}`"),
                )
            })
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = SIZES.iter().find(|(_, each)| self.0.is_multiple_of(*each));
        let (unit, each) = found.copied().unwrap_or(("", 1));
        write!(f, "{}{unit}", self.0 / each)
    }
}

/// The digits at the start, and what follows them.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// Text of the map, made safe to be shown: escaped, and cut where it is long.
#[must_use]
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let end = text.char_indices().nth(LONGEST).map(|(at, _)| at);
    let start = end.and_then(|end| text.get(..end)).unwrap_or(text);
    let cut = if end.is_some() { "…" } else { "" };
    format!("`{}{cut}`", visible(start))
}

/// What a terminal would act on, or would not show, is escaped.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// What [`visible`] escapes.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Characters that show nothing or turn the direction of what follows: a hostile map could hide
/// text with them.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

macro_rules! text_conversions {
    ($type:ty, $schema:tt) => {
        impl TryFrom<String> for $type {
            type Error = UnitError;
            fn try_from(text: String) -> Result<Self, UnitError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text_conversions!(Millis, {
    "anyOf": [
        { "type": "string", "pattern": "^(off|0|([0-9]+(ms|s|m|h|d))+)$" },
        { "const": 0 },
        { "description": "`off`, as editors that know YAML 1.1 read it.", "const": false },
    ]
});
text_conversions!(Bytes, {
    "type": ["string", "integer"],
    "pattern": "^[0-9]+( ?(B|KiB|MiB|GiB))?$",
    "minimum": 1,
});
