//! The global allocator: forwards to the system until [`lock`] is called, and from then on serves
//! every allocation from an arena that is locked, left out of core dumps and zeroed on free.

mod arena;
mod large;
mod raw_lock;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

use arena::ARENA;
use large::LARGE;

use crate::limit::LimitError;
use crate::wipe;

/// The allocator to install with `#[global_allocator]`.
///
/// Whatever it frees it zeroes first, locked or not. A block that was allocated before [`lock`]
/// stays where it is until it is freed.
#[derive(Debug, Default)]
pub struct LockedHeap;

/// Whether large blocks are wiped when they are freed. Until the heap is locked nothing is known
/// about them, so they are.
static WIPE_LARGE: AtomicBool = AtomicBool::new(true);

/// What stays free beyond the bytes that [`has_room`] promises, for what other threads, and the
/// request's own small allocations, take meanwhile.
const MARGIN: usize = 64 << 10;

impl LockedHeap {
    /// Usable in a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
// SAFETY: a block is a mapping of its own (by its size), or the arena's (by its address), or the
// system's; each is freed by the one that made it. Nothing here panics or allocates.
unsafe impl GlobalAlloc for LockedHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            large::map(layout)
        } else if ARENA.is_open() {
            ARENA.alloc(layout)
        } else {
            // SAFETY: same contract.
            unsafe { System.alloc(layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            // Fresh pages are zero; touching 16 MiB of them would make them resident.
            return large::map(layout);
        }
        if !ARENA.is_open() {
            // SAFETY: same contract.
            return unsafe { System.alloc_zeroed(layout) };
        }
        let ptr = ARENA.alloc(layout);
        if !ptr.is_null() {
            // SAFETY: a block of this size, just allocated.
            unsafe { ptr.write_bytes(0, layout.size()) };
        }
        ptr
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        if layout.size() >= LARGE {
            // SAFETY: all blocks of this size are mappings of their own.
            return unsafe { large::unmap(ptr, layout, WIPE_LARGE.load(Ordering::Relaxed)) };
        }
        // Outside the arena's lock: others need not wait for it.
        // SAFETY: the block is the caller's until it is given back below.
        unsafe { wipe::wipe_raw(ptr, layout.size()) };
        if ARENA.contains(ptr) {
            // SAFETY: the address says that it came from the arena.
            unsafe { ARENA.dealloc(ptr, layout) };
        } else {
            // SAFETY: neither large nor the arena's: the system's.
            unsafe { System.dealloc(ptr, layout) };
        }
    }

    /// Never the system's `realloc`, which leaves the old bytes behind unwiped.
    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let old_size = layout.size();
        if old_size < LARGE && new_size < LARGE && ARENA.contains(ptr) {
            if let Some(tail) = old_size.checked_sub(new_size) {
                // SAFETY: the tail lies inside the block and is given up.
                unsafe { wipe::wipe_raw(ptr.add(new_size), tail) };
            }
            // Growing where it lies leaves no copy behind; shrinking cannot fail that way.
            // SAFETY: the arena's block, its tail wiped; `new_size` is not 0 by contract.
            if unsafe { ARENA.resize_in_place(ptr, layout, new_size) } {
                return ptr;
            }
        }
        // SAFETY: by contract `new_size`, rounded up to the alignment, does not overflow.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: `new_size` is not 0 by contract.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: two blocks, each at least that long.
            unsafe { ptr.copy_to_nonoverlapping(new, old_size.min(new_size)) };
            // SAFETY: the old block is not used any more; `dealloc` wipes it.
            unsafe { self.dealloc(ptr, layout) };
        }
        new
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

/// From now on every allocation of this process is served from the locked arena. Call it first
/// thing in `main`: what was allocated before stays in memory that is not locked. A second call
/// changes nothing.
///
/// The process should run without `RUST_BACKTRACE`. To name a backtrace's functions the standard
/// library allocates MiBs where the program is not stripped; when that fails, its handler of failed
/// allocations prints a backtrace in turn and waits for ever for the lock that the first one holds.
///
/// # Errors
/// The limit does not allow it; the text says the numbers and how to raise it.
pub fn lock(config: HeapConfig) -> Result<(), LimitError> {
    ARENA
        .open(config)
        .map_err(|errno| LimitError::from_kernel(config.initial, errno))?;
    WIPE_LARGE.store(config.wipe_large, Ordering::Relaxed);
    guard_forks();
    Ok(())
}

/// What the heap holds now. All zeroes before [`lock`].
#[must_use]
pub fn usage() -> HeapUsage {
    ARENA.usage()
}

/// Whether `bytes` more can be allocated, in one block even, without reaching the limit. A request
/// whose size grows with outside input asks first and fails by itself, because a failed allocation
/// in the standard library ends the process. What is too large for the heap is mapped and given back,
/// and never touched: freed like a block it would be wiped, page by page.
#[must_use]
pub fn has_room(bytes: usize) -> bool {
    if bytes >= LARGE {
        return large::can_be_had(bytes);
    }
    !ARENA.is_open() || ARENA.fits(bytes.saturating_add(MARGIN))
}

/// A child forked while another thread allocates would find the lock held for ever. fuser forks to
/// start `fusermount3` with a `pre_exec` closure (contract locked-memory-and-session.md §1).
#[expect(unsafe_code, reason = "registering handlers with the C library")]
fn guard_forks() {
    use std::ffi::c_int;
    use std::sync::Once;

    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> c_int;
    }
    extern "C" fn prepare() {
        ARENA.before_fork();
    }
    extern "C" fn parent() {
        ARENA.after_fork_in_parent();
    }
    extern "C" fn child() {
        ARENA.after_fork_in_child();
    }
    static ONCE: Once = Once::new();
    // SAFETY: the handlers touch one atomic word. A refusal (no memory) leaves forks as they were.
    ONCE.call_once(|| unsafe {
        let _ = pthread_atfork(Some(prepare), Some(parent), Some(child));
    });
}
