//! From the map as it is written to plans with all defaults applied: the rules that look at more
//! than one value.

mod conflicts;
mod entries;
mod infisical;
mod providers;
mod sources;

use super::Map;
use super::decode::Decoded;
use super::defaults::Defaults;
use super::plan::{MountSettings, ProviderSpec};
use super::problem::Problems;
use super::rules::Broken;
use super::rules::host_path::{Base, is_below};
use super::source::{Config, Maybe, OnLock};
use super::span::Span;
use super::units::{Millis, quote};
use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;

/// What an open waits at most, where the map says nothing.
const OPEN_TIMEOUT: u64 = 10_000;
/// The same for `op`, which may ask the user.
const OP_TIMEOUT: u64 = 60_000;

/// A provider that entries may name.
#[derive(Debug)]
struct Known {
    /// Shared, because every entry looks at the settings of its provider while it is resolved.
    spec: Rc<ProviderSpec>,
    open_timeout_ms: u64,
}

/// Works through a map, and reports what does not go together.
struct Resolver<'a> {
    problems: &'a mut Problems,
    config: &'a Config,
    base: Base<'a>,
    defaults: &'a Defaults,
    known: Vec<Known>,
    /// Declared, but unreadable: reported already, so what refers to them is left alone.
    broken: &'a HashSet<String>,
    /// The entry at hand was reported already: what it lacks may only be misspelt.
    lenient: bool,
    /// Files that must not lie in the mount: their place, what they are, their path.
    outside: Vec<(Span, &'static str, String)>,
}

/// Resolves a map; what is wrong with it is in `problems`, and then the result must not be used.
pub(super) fn map(
    decoded: Decoded,
    path: &Path,
    base: Base<'_>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Map {
    let Decoded {
        map,
        reported,
        broken,
    } = decoded;
    let mut resolver = Resolver {
        problems,
        config: &map.config,
        base,
        defaults,
        known: Vec::new(),
        broken: &broken,
        lenient: false,
        outside: Vec::new(),
    };
    resolver.providers(&map.providers);
    let settings = resolver.settings(path);
    resolver.conflicts(&map.secrets);
    let mut entries = Vec::with_capacity(map.secrets.len());
    for (index, entry) in map.secrets.iter().enumerate() {
        resolver.lenient = reported.contains(&index);
        let plan = resolver.entry(entry);
        entries.extend(plan);
    }
    for (entry, id) in entries.iter_mut().zip(0..) {
        entry.id = id;
    }
    let known = resolver.known.into_iter();
    let providers = known.map(|known| Rc::unwrap_or_clone(known.spec)).collect();
    Map {
        source: map,
        settings,
        providers,
        entries,
    }
}

impl Resolver<'_> {
    fn report(&mut self, at: Span, broken: Broken) {
        self.problems.add(at, broken.message, broken.help);
    }

    /// Something that the entry at hand lacks.
    fn lacks(&mut self, at: Span, message: impl Into<String>, help: impl Into<String>) {
        if !self.lenient {
            self.problems.add(at, message, help);
        }
    }

    /// The value, or `None` with its fault reported.
    fn accept<T>(&mut self, at: Span, result: Result<T, Broken>) -> Option<T> {
        result.map_err(|broken| self.report(at, broken)).ok()
    }

    fn settings(&mut self, map: &Path) -> MountSettings {
        let config = self.config;
        let mountpoint = config.mountpoint.as_ref().and_then(|text| {
            let path = self.base.resolve("mountpoint", &text.value);
            Some((self.accept(text.at, path)?, text.at))
        });
        if let Some((mountpoint, at)) = &mountpoint {
            let outside = std::mem::take(&mut self.outside);
            for (place, what, path) in outside {
                if is_below(Path::new(&path), Path::new(mountpoint)) {
                    self.problems.add(
                        place,
                        format!("{what} {} lies inside the mountpoint", quote(&path)),
                        "move it elsewhere: what a mount needs to work cannot be in the mount",
                    );
                }
            }
            if is_below(map, Path::new(mountpoint)) {
                self.problems.add(
                    *at,
                    format!(
                        "the map itself lies inside the mountpoint {}",
                        quote(mountpoint)
                    ),
                    "choose another mountpoint, for example `~/secrets`",
                );
            }
        }
        self.bounds(
            "open_timeout",
            config.open_timeout.as_ref().map(|t| (t.value, t.at)),
        );
        if let Some(idle) = &config.idle
            && (1..1_000).contains(&idle.value.0)
        {
            self.problems
                .add(idle.at, "`idle` is too short", "at least `1s`, or `off`");
        }
        MountSettings {
            mountpoint: mountpoint.map(|(path, _)| path),
            seal_on_lock: or(&config.on_lock, OnLock::Unmount) == OnLock::Seal,
            remount_on_unlock: or(&config.remount_on_unlock, false),
            idle_ms: or(&config.idle, Millis(0)).0,
            audit: or(&config.audit, true),
        }
    }

    /// An `open_timeout` that can be kept.
    fn bounds(&mut self, key: &str, value: Option<(Millis, Span)>) {
        if let Some((value, at)) = value
            && !(100..=600_000).contains(&value.0)
        {
            self.problems.add(
                at,
                format!("`{key}` is out of range"),
                "from `100ms` to `10m`",
            );
        }
    }
}

/// A value, or its default.
fn or<T: Copy>(value: &Maybe<T>, default: T) -> T {
    value.as_ref().map_or(default, |value| value.value)
}
