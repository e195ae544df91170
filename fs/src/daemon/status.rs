//! What the daemon tells of itself: numbers, names and our own words, never a value.

use super::assemble::Daemon;
use crate::link::message::{FileStatus, Protections, ProviderStatus, StatusPage};
use crate::map::EntryId;
use crate::tree::FileReport;
use secretfs_memory::{budget, harden};
use secretfs_providers::Health;
use std::time::Duration;

/// Files in one page. With the longest paths and texts this fits a frame of the link.
const FILES: usize = 48;

/// Names of left-out secrets that are told; the rest is a number in the log.
const LEFT_OUT: usize = 8;

impl Daemon {
    /// One page of the state, with the files from `from` on.
    pub(super) fn status(&self, from: EntryId) -> StatusPage {
        let reports = self.tree.reports(from, FILES);
        let next_entry = (reports.len() == FILES)
            .then(|| {
                reports
                    .last()
                    .map(|report| report.entry.0.saturating_add(1))
            })
            .flatten();
        let budget = budget::now(&self.pool);
        StatusPage {
            generation: self.generation,
            locked: self.cache.is_locked(),
            locked_bytes: budget.locked,
            heap_bytes: budget.heap,
            sealed_bytes: budget.sealed,
            limit_bytes: self.plan.limit,
            insecure: self.insecure,
            secretmem: self.pool.is_secretmem(),
            protections: protections(),
            providers: self.providers(),
            files: reports
                .into_iter()
                .map(|report| self.file(report))
                .collect(),
            next_entry,
        }
    }

    fn providers(&self) -> Vec<ProviderStatus> {
        let health = |provider: &dyn secretfs_providers::Provider| match provider.health() {
            Health::Unknown => ("unknown", None),
            Health::Good => ("good", None),
            Health::NeedsCredential => ("needs-credential", None),
            Health::Failing(error) => ("failing", Some((error.message, error.help))),
        };
        self.registry
            .providers()
            .iter()
            .map(|provider| {
                let (health, last_error) = health(provider.as_ref());
                ProviderStatus {
                    health: health.to_owned(),
                    last_error,
                    note: provider.note(),
                }
            })
            .collect()
    }

    fn file(&self, report: FileReport) -> FileStatus {
        let state = self.cache.state(report.key).unwrap_or_default();
        let map_ttl = self.map.entry_ttl_ms(report.entry).unwrap_or_default();
        let last_error = report.last_error.or(state.last_error);
        let mut left_out = report.left_out;
        left_out.extend(state.left_out);
        left_out.truncate(LEFT_OUT);
        FileStatus {
            entry: report.entry.0,
            member: report.member,
            cached: state.cached,
            stale: state.stale,
            age_ms: state.age.map(millis),
            ttl_ms: state.ttl.map_or(map_ttl, millis),
            size: report.size,
            last_error: last_error.map(|error| {
                (
                    error.errno().raw_os_error(),
                    error.to_string(),
                    error.help(),
                )
            }),
            left_out,
        }
    }
}

fn protections() -> Protections {
    let state = harden::state();
    Protections {
        no_core: state.no_core,
        not_dumpable: state.not_dumpable,
        no_new_privs: state.no_new_privs,
        seccomp: state.seccomp,
        landlock: state.landlock.word().to_owned(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
