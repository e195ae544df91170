//! From plans to the archive.

use super::archive::{Entry, NONE, PlaceGroup, Policy, Root, Text, VERSION};
use super::{digest, nodes};
use crate::map::plan::{EntryPlan, MountSettings, ProviderSpec, Source};
use secretfs_providers::Reference;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Why plans cannot be compiled. A map that was checked when it was parsed compiles, but for its
/// size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// Two entries of one path, or a file that is also a folder.
    #[error("two entries of the map claim {path:?}")]
    Conflict {
        /// The path below the mountpoint.
        path: String,
    },
    /// An entry's provider is not in the list.
    #[error("the entry {path:?} names a provider that the map does not have")]
    NoProvider {
        /// The path below the mountpoint.
        path: String,
    },
    /// More than the archive can number.
    #[error("the map is too large to be compiled")]
    TooLarge,
}

impl From<rkyv::rancor::Error> for CompileError {
    fn from(_: rkyv::rancor::Error) -> Self {
        Self::TooLarge
    }
}

/// The archive of a map, to be published for the daemon and opened with
/// [`CompiledMap`](super::CompiledMap). The entries' `id` and `key` are made here; what is in them
/// is ignored.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(
    settings: &MountSettings,
    providers: &[ProviderSpec],
    entries: &[EntryPlan],
) -> Result<Vec<u8>, CompileError> {
    if u16::try_from(providers.len()).is_err() {
        return Err(CompileError::TooLarge);
    }
    let digests = providers
        .iter()
        .map(digest::provider)
        .collect::<Result<Vec<_>, _>>()?;
    let mut pool = Pool::default();
    let mut policies = Table::default();
    let mut sources = Table::default();
    let mut source_digests: Vec<[u8; 32]> = Vec::new();
    let mut fallbacks = Table::default();
    let mut places: BTreeMap<(u16, String), Vec<u32>> = BTreeMap::new();
    let mut records = Vec::with_capacity(entries.len());
    for (id, entry) in entries.iter().enumerate() {
        let missing = || CompileError::NoProvider {
            path: entry.path.clone(),
        };
        let provider_digest = digests
            .get(usize::from(entry.provider))
            .ok_or_else(missing)?;
        if let Source::Secret(reference) = &entry.source {
            let place = (entry.provider, reference.place().0);
            places.entry(place).or_default().push(number(id)?);
        }
        let (template, name) = take_name(&entry.source);
        let source = sources.find(&template)?;
        let source_digest = match source_digests.get(usize::try_from(source).unwrap_or(usize::MAX))
        {
            Some(known) => *known,
            None => {
                let fresh = digest::source(&template)?;
                source_digests.push(fresh);
                fresh
            }
        };
        let (fallback, fallback_name) = match &entry.fallback {
            None => (NONE, Text::default()),
            Some(fallback) => {
                if digests.get(usize::from(fallback.provider)).is_none() {
                    return Err(missing());
                }
                let mut template = fallback.clone();
                let name = std::mem::take(name_mut(&mut template.reference));
                (fallbacks.find(&template)?, pool.add(&name)?)
            }
        };
        records.push(Entry {
            key: digest::value(provider_digest, &source_digest, &name, entry)
                .0
                .to_le_bytes(),
            path: pool.add(&entry.path)?,
            env: pool.add(entry.env.as_deref().unwrap_or_default())?,
            name: pool.add(&name)?,
            fallback_name,
            source,
            policy: policies.find(&policy(entry))?,
            fallback,
            line: entry.line,
            provider: entry.provider,
        });
    }
    let (nodes, by_hash) = nodes::build(&records, entries)?;
    let mut members = Vec::with_capacity(records.len());
    let mut groups = Vec::with_capacity(places.len());
    for ((provider, place), ids) in places {
        groups.push(PlaceGroup {
            place: pool.add(&place)?,
            first: number(members.len())?,
            count: number(ids.len())?,
            provider,
        });
        members.extend(ids);
    }
    let root = Root {
        version: VERSION,
        settings: settings.clone(),
        providers: providers.to_vec(),
        policies: policies.into_list(),
        sources: sources.into_list(),
        fallbacks: fallbacks.into_list(),
        entries: records,
        nodes,
        by_hash,
        places: groups,
        members,
        text: pool.0,
    };
    Ok(rkyv::to_bytes::<rkyv::rancor::Error>(&root)?.into_vec())
}

fn policy(entry: &EntryPlan) -> Policy {
    Policy {
        ttl_ms: entry.ttl_ms,
        stale_ms: entry.stale_ms,
        open_timeout_ms: entry.open_timeout_ms,
        max_size: entry.max_size,
        decode: entry.decode,
        mode: entry.mode,
        allow_empty: entry.allow_empty,
        allow: entry.allow.clone(),
    }
}

/// Splits a source into what it shares with its neighbours and its own name.
fn take_name(source: &Source) -> (Source, String) {
    let mut template = source.clone();
    let name = match &mut template {
        Source::Secret(reference) => std::mem::take(name_mut(reference)),
        Source::Rendered { .. } | Source::Listed { .. } => String::new(),
    };
    (template, name)
}

/// The part of a reference that differs between the secrets of one place.
pub(super) fn name_mut(reference: &mut Reference) -> &mut String {
    match reference {
        Reference::Local(r) => &mut r.name,
        Reference::Infisical(r) => &mut r.name,
        Reference::OnePassword(r) => &mut r.field,
        #[cfg(feature = "test-hooks")]
        Reference::Scripted(r) => &mut r.name,
    }
}

/// An index of the archive; [`NONE`] is not one.
pub(super) fn number(index: usize) -> Result<u32, CompileError> {
    u32::try_from(index)
        .ok()
        .filter(|index| *index != NONE)
        .ok_or(CompileError::TooLarge)
}

/// The text pool.
#[derive(Debug, Default)]
pub(super) struct Pool(String);

impl Pool {
    fn add(&mut self, text: &str) -> Result<Text, CompileError> {
        let start = number(self.0.len())?;
        self.0.push_str(text);
        number(self.0.len())?;
        Ok(Text {
            start,
            len: number(text.len())?,
        })
    }
}

/// Equal records, kept once.
struct Table<T>(HashMap<T, u32>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Hash + Eq + Clone> Table<T> {
    fn find(&mut self, record: &T) -> Result<u32, CompileError> {
        if let Some(known) = self.0.get(record) {
            return Ok(*known);
        }
        let next = number(self.0.len())?;
        self.0.insert(record.clone(), next);
        Ok(next)
    }

    fn into_list(self) -> Vec<T> {
        let mut list: Vec<_> = self.0.into_iter().collect();
        list.sort_unstable_by_key(|(_, index)| *index);
        list.into_iter().map(|(record, _)| record).collect()
    }
}
