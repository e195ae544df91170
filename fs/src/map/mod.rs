//! `secrets.yml`: from text to [`CompiledMap`], and everything that can be wrong with it.
//!
//! # Entry points
//! * [`discover()`]: which map a command means. [`World::from_process`] is what it looks at.
//! * [`load()`]: opens, checks who owns it, reads and parses: a [`Map`], or [`MapErrors`] with all
//!   that is wrong. The errors are miette diagnostics; [`MapErrors::summary`] is one line of them.
//! * [`parse`]: the same from text.
//! * [`Map::compile`]: the archive for `secretfs_memory::shared::publish`, and so for the daemon's
//!   [`CompiledMap::open`].
//! * [`Map::exports`]: what `secretfs env` prints. [`Map::providers`], [`Map::settings`],
//!   [`Map::entries`]: with all defaults applied.
//! * [`Part`]: the entries that one command is given.
//! * [`Ready`]: what was compiled, and of which text, for another process.
//! * [`print()`]: the canonical text. [`schema()`]: the JSON Schema.
//!
//! # The way of a text
//! | step | room | refuses |
//! |---|---|---|
//! | bytes → text | [`load()`](mod@load) | foreign owners, other writers, more than 32 MiB |
//! | text → tree with places | `marked` | what is not YAML, aliases, anchors, tags, depth |
//! | tree → [`source`] | `decode` | unknown and doubled keys, wrong types, units, words |
//! | [`source`] → plans | `resolve`, `rules` | what does not go together, or is not allowed |
//! | plans → archive | [`compiled`] | – |

pub mod address;
pub mod compiled;
mod decode;
mod defaults;
mod discover;
mod excerpt;
pub mod load;
mod marked;
mod part;
pub mod plan;
mod print;
pub mod problem;
pub mod ready;
mod resolve;
mod rules;
mod schema;
pub mod source;
pub mod span;
mod suggest;
#[cfg(test)]
mod tests;
pub mod units;

pub use compiled::{CompileError, CompiledMap, NodeKind, compile};
pub use defaults::Defaults;
pub use discover::{World, discover};
pub use load::load;
pub use part::Part;
pub use plan::{
    Decode, EntryId, EntryPlan, Fallback, Format, MountSettings, NodeId, ProviderSettings,
    ProviderSpec, Source, ValueKey,
};
pub use print::print;
pub use problem::{MapErrors, Problem};
pub use ready::Ready;
pub use schema::schema;

use problem::Problems;
use rules::host_path::Base;
use std::path::Path;

/// The longest text of a map, in bytes.
pub const LONGEST_TEXT: usize = 32 << 20;

/// A checked map with all defaults applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    source: source::MapFile,
    settings: MountSettings,
    providers: Vec<ProviderSpec>,
    entries: Vec<EntryPlan>,
}

impl Map {
    /// The map as it is written.
    #[must_use]
    pub fn source(&self) -> &source::MapFile {
        &self.source
    }

    /// The settings of the whole mount.
    #[must_use]
    pub fn settings(&self) -> &MountSettings {
        &self.settings
    }

    /// The providers, sorted by name. An entry's `provider` is an index in this list.
    #[must_use]
    pub fn providers(&self) -> &[ProviderSpec] {
        &self.providers
    }

    /// The entries in the order of the text. Their `key` is made by [`Map::compile`].
    #[must_use]
    pub fn entries(&self) -> &[EntryPlan] {
        &self.entries
    }

    /// What `secretfs env` exports, in the order of the text: the variable, and the path of its
    /// file (or `dir:` folder) below the mountpoint.
    pub fn exports(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.env.as_deref()?, entry.path.as_str())))
    }

    /// The archive for the daemon.
    ///
    /// # Errors
    /// [`CompileError::TooLarge`].
    pub fn compile(&self) -> Result<Vec<u8>, CompileError> {
        compile(&self.settings, &self.providers, &self.entries)
    }
}

/// Parses the text of a map. `path` names it in messages; relative paths in it are relative to its
/// folder, so it should be absolute. `home` is what `~/` means.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(text: &str, path: &Path, home: Option<&Path>) -> Result<Map, MapErrors> {
    parse_with(text, path, home, &Defaults::default())
}

/// The same, with what stands in for what the map leaves out.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_with(
    text: &str,
    path: &Path,
    home: Option<&Path>,
    defaults: &Defaults,
) -> Result<Map, MapErrors> {
    if text.len() > LONGEST_TEXT {
        return Err(load::too_long(path));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Problems::default();
    let root = marked::read(text, &mut problems);
    let map = decode::map(root, &mut problems).map(|decoded| {
        let base = Base {
            folder: path.parent().unwrap_or(Path::new("/")),
            home,
        };
        resolve::map(decoded, path, base, defaults, &mut problems)
    });
    match map {
        Some(map) if problems.is_empty() => Ok(map),
        _ => Err(problems.into_errors(&path.display().to_string(), text)),
    }
}

/// Why a secret's name must not become a variable, if it must not: a map's `env:` follows the same rule.
#[must_use]
pub fn refused_as_env(name: &str) -> Option<String> {
    rules::env::check(name).err().map(|broken| broken.message)
}

/// A compiled map from text, for tests of other rooms: the map is `/home/u/secrets.yml`, the home
/// folder `/home/u`.
///
/// # Errors
/// What is wrong with the text, in one line.
pub fn compile_text(yaml: &str) -> Result<CompiledMap, String> {
    let home = Path::new("/home/u");
    let map = parse(yaml, &home.join("secrets.yml"), Some(home)).map_err(|e| e.summary())?;
    let bytes = map.compile().map_err(|e| e.to_string())?;
    CompiledMap::from_bytes(&bytes).map_err(|e| e.to_string())
}
