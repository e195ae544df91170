//! What a process holds, as the kernel counts it.

use crate::fixture::Fixture;

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// In memory (VmRSS).
    pub resident: u64,
    /// Of it not shared with other processes' mappings of the same (Pss): what sums up.
    pub proportional: u64,
    /// Locked (VmLck).
    pub locked: u64,
}

impl std::iter::Sum for Held {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            resident: sum.resident + one.resident,
            proportional: sum.proportional + one.proportional,
            locked: sum.locked + one.locked,
        })
    }
}

/// What a process holds.
///
/// # Panics
/// It is gone.
#[must_use]
pub fn of(pid: u32) -> Held {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    // Of a process that is not dumpable, root alone may see it.
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    Held {
        resident: field(&status, "VmRSS:").unwrap_or_default(),
        proportional: field(&rollup, "Pss:").unwrap_or_default(),
        locked: field(&status, "VmLck:").unwrap_or_default(),
    }
}

/// What a mount's daemon holds.
#[must_use]
pub fn of_the_daemon(fixture: &Fixture) -> Held {
    of(fixture.process("internal-daemon").pid)
}

/// What all processes of a fixture's mounts hold.
#[must_use]
pub fn of_all(fixture: &Fixture) -> Held {
    let processes = fixture.processes();
    processes.iter().map(|process| of(process.pid)).sum()
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
