//! What the fuzz targets of `tests/fuzz/` do with an input: each function takes any bytes and panics where a
//! property does not hold. They are here, and not there, so that `tests/tests/hostile/` runs them with a stable
//! compiler over the same corpus.
//!
//! | target | input | what must hold |
//! |---|---|---|
//! | [`map`] | the text of a map | diagnostics or a map; printed, it is the same map; compiled, it opens and says the same |
//! | [`archive`] | a compiled map, as it is or with changed bytes | an error, or a tree without loops that can be walked |
//! | [`references`] | names and references | what is read is what was written; two places are one only where they are the same |
//! | [`answers`] | bodies of Infisical, Connect and `op`, a vault's content | the same however they are cut; no value in an error; nothing is left in the sealed memory |
//! | [`control`] | bytes on the control socket, the link, the credential channel | messages or an error, the same however they arrive |
//! | [`dotenv`] | `.env` and `.envrc` files | what is read can be written and read again; no value in an error |

pub mod answers;
pub mod archive;
pub mod control;
pub mod dotenv;
pub mod map;
pub mod mutate;
pub mod references;

/// A value as the corpus has it. No name and no id can hold its last character, so that an error that has it
/// has told a value.
pub const MARKER: &str = "hunter2!";

/// A target: its name, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("map", map::run),
    ("archive", archive::run),
    ("references", references::run),
    ("answers", answers::run),
    ("control", control::run),
    ("dotenv", dotenv::run),
];

/// `bytes` in pieces: 0 leaves them whole, 1 takes each byte by itself, anything else says how long they are.
fn pieces(bytes: &[u8], how: u8) -> Vec<&[u8]> {
    match how {
        0 => vec![bytes],
        1 => bytes.chunks(1).collect(),
        seed => {
            let mut random = mutate::Random::new(u64::from(seed));
            let mut pieces = Vec::new();
            let mut rest = bytes;
            while !rest.is_empty() {
                let at = (1 + random.below(40)).min(rest.len());
                let (piece, after) = rest.split_at(at);
                pieces.push(piece);
                rest = after;
            }
            pieces
        }
    }
}

/// An error's text, which tells no value.
fn tells_nothing(text: &str) {
    assert!(!text.contains(MARKER), "a value is told: {text}");
}

/// Whether a text could change what a terminal shows.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
