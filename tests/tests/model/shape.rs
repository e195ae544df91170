//! What a map may say: for each of a few places one of several entries, or none.

use proptest::prelude::*;

/// One entry of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Below the mountpoint; for a `dir:` entry the folder.
    pub(crate) path: &'static str,
    /// Its name at the provider; for a `dir:` entry the place, without the `/` that it starts with.
    pub(crate) secret: &'static str,
    /// In seconds, as all times here.
    pub(crate) ttl: u64,
    /// As the whole map has it.
    pub(crate) stale: u64,
    pub(crate) mode: u32,
    pub(crate) allow_empty: bool,
    pub(crate) base64: bool,
    /// As the whole map has it.
    pub(crate) max_size: usize,
    /// Whether the other provider is asked where the first cannot be reached.
    pub(crate) fallback: bool,
    /// Whether it is a `dir:` entry.
    pub(crate) folder: bool,
}

const PLAIN: Entry = Entry {
    path: "a",
    secret: "one/A",
    ttl: 300,
    stale: 3_600,
    mode: 0o600,
    allow_empty: false,
    base64: false,
    max_size: 1 << 20,
    fallback: false,
    folder: false,
};

/// The places of a map, and what each may hold. Every secret has a place of its own at the provider, so
/// that a list brings no other one along, but for those of the `dir:` folder.
const PLACES: [&[Entry]; 6] = [
    &[
        PLAIN,
        // The same value, shown with another mode.
        Entry {
            mode: 0o400,
            ..PLAIN
        },
        // The same name for another secret, and then for a folder.
        Entry {
            secret: "two/B",
            ..PLAIN
        },
        Entry {
            path: "a/deep",
            secret: "three/C",
            ..PLAIN
        },
    ],
    &[
        Entry {
            path: "sub/now",
            secret: "four/D",
            ttl: 0,
            ..PLAIN
        },
        Entry {
            path: "sub/now",
            secret: "four/D",
            ttl: 60,
            ..PLAIN
        },
    ],
    &[
        Entry {
            path: "sub/spare",
            secret: "five/E",
            fallback: true,
            ..PLAIN
        },
        // The same value, without anybody to stand in.
        Entry {
            path: "sub/spare",
            secret: "five/E",
            ..PLAIN
        },
        Entry {
            path: "sub/spare",
            secret: "five/E",
            ttl: 60,
            fallback: true,
            ..PLAIN
        },
    ],
    &[
        Entry {
            path: "empty",
            secret: "six/F",
            allow_empty: true,
            ..PLAIN
        },
        Entry {
            path: "empty",
            secret: "six/F",
            ..PLAIN
        },
    ],
    &[
        Entry {
            path: "dir",
            secret: "seven",
            ttl: 60,
            folder: true,
            ..PLAIN
        },
        Entry {
            path: "dir",
            secret: "seven",
            ttl: 300,
            folder: true,
            ..PLAIN
        },
    ],
    // Always there: a map without entries is none.
    &[
        Entry {
            path: "coded",
            secret: "eight/G",
            base64: true,
            ..PLAIN
        },
        Entry {
            path: "coded",
            secret: "eight/G",
            ..PLAIN
        },
    ],
];

/// Every path that some map has, and some that none has.
pub(crate) const PATHS: [&str; 13] = [
    "a",
    "a/deep",
    "sub/now",
    "sub/spare",
    "empty",
    "coded",
    "dir/H",
    "dir/I",
    "dir/none",
    "none",
    "sub/none",
    "sub",
    "dir",
];

/// Every folder that some map has.
pub(crate) const FOLDERS: [&str; 5] = ["", "sub", "a", "dir", "none"];

/// Every secret.
pub(crate) const SECRETS: [&str; 9] = [
    "one/A", "two/B", "three/C", "four/D", "five/E", "six/F", "eight/G", "seven/H", "seven/I",
];

/// A map: of each place the entry of that number, or none; and what holds for all entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    chosen: [Option<usize>; PLACES.len()],
    stale: u64,
    max_size: usize,
}

impl Shape {
    /// The first entry of every place.
    pub(crate) const FIRST: Self = Self {
        chosen: [Some(0); PLACES.len()],
        stale: 3_600,
        max_size: 1 << 20,
    };

    /// The same places with nothing that the first one has: every value is another one.
    pub(crate) const OTHER: Self = Self {
        max_size: 1,
        ..Self::FIRST
    };

    /// The same places for values of at most 64 bytes.
    pub(crate) const SHORT: Self = Self {
        max_size: 64,
        ..Self::FIRST
    };

    /// Any.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let place = proptest::option::weighted(0.85, 0_usize..12);
        let stale = prop_oneof![4 => Just(3_600), 1 => Just(600), 1 => Just(0)];
        let max_size = prop_oneof![4 => Just(1 << 20), 1 => Just(64)];
        let drawn = (proptest::array::uniform6(place), stale, max_size);
        drawn.prop_map(|(mut chosen, stale, max_size)| {
            for (place, entries) in chosen.iter_mut().zip(PLACES) {
                *place = place.map(|n| n % entries.len());
            }
            let [.., last] = &mut chosen;
            *last = Some(last.unwrap_or(0));
            Self {
                chosen,
                stale,
                max_size,
            }
        })
    }

    /// Its entries.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let places = self.chosen.iter().zip(PLACES);
        let chosen = places.filter_map(|(chosen, place)| place.get((*chosen)?));
        chosen
            .map(|entry| Entry {
                stale: self.stale,
                max_size: self.max_size,
                ..entry.clone()
            })
            .collect()
    }

    /// As a file, for these definitions of the two providers.
    pub(crate) fn yaml(&self, main: &str, spare: &str) -> String {
        let Self {
            stale, max_size, ..
        } = self;
        let mut text = format!(
            "config: {{provider: main, on_lock: seal, open_timeout: 30s, stale: {stale}s, max_size: {max_size}}}\n\
             providers:\n  main: {main}\n  spare: {spare}\nsecrets:\n"
        );
        for entry in self.entries() {
            text.push_str(&format!("  - {}\n", entry.yaml()));
        }
        text
    }
}

impl Entry {
    fn yaml(&self) -> String {
        let Self {
            path, secret, ttl, ..
        } = self;
        if self.folder {
            return format!("{{folder: /{secret}, dir: {path}, ttl: {ttl}s}}");
        }
        let mut text = format!(
            "{{name: {secret}, file: {path}, ttl: {ttl}s, mode: \"{:04o}\"",
            self.mode
        );
        if self.allow_empty {
            text.push_str(", allow_empty: true");
        }
        if self.base64 {
            text.push_str(", decode: base64");
        }
        if self.fallback {
            text.push_str(", fallback: spare");
        }
        text.push('}');
        text
    }

    /// What names its value: entries of one key share it, also over a change of the map.
    pub(crate) fn key(&self) -> Key {
        Key {
            secret: self.secret.to_owned(),
            ttl: self.ttl,
            allow_empty: self.allow_empty,
            base64: self.base64,
            max_size: self.max_size,
            folder: self.folder,
        }
    }

    /// A file of this `dir:` entry.
    pub(crate) fn member(&self, name: &str) -> (Self, Key) {
        let key = Key {
            secret: format!("{}/{name}", self.secret),
            folder: false,
            ..self.key()
        };
        let entry = Self {
            folder: false,
            ..self.clone()
        };
        (entry, key)
    }
}

/// What names a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) secret: String,
    ttl: u64,
    allow_empty: bool,
    base64: bool,
    max_size: usize,
    folder: bool,
}

impl Key {
    /// Of another file of the same `dir:` folder.
    pub(crate) fn neighbour(&self, secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            ..self.clone()
        }
    }

    /// Whether it is a `dir:` folder's, and the other one of a file in it.
    pub(crate) fn is_around(&self, other: &Self) -> bool {
        let place = other.secret.rsplit_once('/').map(|(place, _)| place);
        self.folder
            && !other.folder
            && place == Some(self.secret.as_str())
            && self.ttl == other.ttl
            && self.max_size == other.max_size
    }
}
