//! What the process has locked, in one place: the kernel's count, and the shares that are ours to know.

use crate::heap;
use crate::sealed::SealedPool;

/// Bytes that are locked now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// All of it, as the kernel counts it against `RLIMIT_MEMLOCK` (`VmLck`).
    pub locked: u64,
    /// The heap.
    pub heap: u64,
    /// The sealed areas, as far as they are mapped.
    pub sealed: u64,
    /// The rest: threads' stacks.
    pub stacks: u64,
}

/// Counts.
#[must_use]
pub fn now(pool: &SealedPool) -> Budget {
    let (heap, sealed) = (to_u64(heap::usage().locked), to_u64(pool.mapped()));
    // Without /proc, what is known.
    let locked = vm_lck().unwrap_or(heap + sealed);
    Budget {
        locked,
        heap,
        sealed,
        stacks: locked.saturating_sub(heap + sealed),
    }
}

fn vm_lck() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmLck:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

fn to_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
