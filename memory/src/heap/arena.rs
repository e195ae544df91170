//! The locked arena: one stretch of reserved address space whose front part is accessible, locked
//! and handed out by `talc`, and grows until the limit.

#![expect(unsafe_code, reason = "part of the allocator")]

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;
use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;

use super::raw_lock::RawLock;
use super::{HeapConfig, HeapUsage};
use crate::page;

/// Bytes by which the arena grows at least, where the limit leaves as much.
const STEP: usize = 256 << 10;
/// What `talc` may need beside the bytes asked for: tags and rounding.
const OVERHEAD: usize = 128;
/// Room for `talc`'s own tables and a first handful of allocations.
pub(super) const MIN: usize = 64 << 10;
const _: () = assert!(MIN > talc::min_first_heap_size::<DefaultBinning>());

/// The arena, as yet without memory.
pub(super) static ARENA: Arena = Arena {
    lock: RawLock::new(),
    start: AtomicUsize::new(0),
    len: AtomicUsize::new(0),
    inner: UnsafeCell::new(Inner::new()),
};

pub(super) struct Arena {
    lock: RawLock,
    /// The reserved range. Its length is published last: 0 means "not in use".
    start: AtomicUsize,
    len: AtomicUsize,
    /// Only touched while `lock` is held.
    inner: UnsafeCell<Inner>,
}

// SAFETY: `inner` is only reached through `with`, which holds the lock.
unsafe impl Sync for Arena {}

struct Inner {
    talc: Talc<Manual, DefaultBinning>,
    /// Null: no memory yet.
    base: *mut u8,
    /// The end of what `talc` manages.
    heap_end: Option<NonNull<u8>>,
    /// Bytes from `base` that can be accessed.
    open: usize,
    /// Bytes of these that are locked.
    locked: usize,
    limit: usize,
    live: usize,
    peak: usize,
    insecure: bool,
}

impl Arena {
    /// Runs `f` with the lock held. `f` neither panics nor allocates.
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> R {
        self.lock.lock();
        // SAFETY: the lock is held, so this is the only reference.
        let out = f(unsafe { &mut *self.inner.get() });
        self.lock.unlock();
        out
    }

    /// Reserves `limit` bytes of address space and opens and locks `initial` of them. A second call
    /// changes nothing.
    pub(super) fn open(&self, config: HeapConfig) -> Result<(), Errno> {
        let limit = page::round_down(config.limit).max(page::round_up(MIN));
        let initial = page::round_up(config.initial.max(MIN)).min(limit);
        self.with(|inner| {
            if !inner.base.is_null() {
                return Ok(());
            }
            inner.open(initial, limit, config.insecure)?;
            self.start.store(inner.base.addr(), Ordering::Relaxed);
            self.len.store(limit, Ordering::Release);
            Ok(())
        })
    }

    /// Whether allocations are to be served from here.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.len.load(Ordering::Acquire) != 0
    }

    /// Whether `ptr` was served from here.
    #[inline]
    pub(super) fn contains(&self, ptr: *mut u8) -> bool {
        let len = self.len.load(Ordering::Acquire);
        ptr.addr().wrapping_sub(self.start.load(Ordering::Relaxed)) < len
    }

    /// Uninitialised bytes (left over from freed blocks: zeroes and `talc`'s links), or null.
    #[inline]
    pub(super) fn alloc(&self, layout: Layout) -> *mut u8 {
        self.with(|inner| inner.alloc(layout))
    }

    /// # Safety
    /// `ptr` was allocated here with `layout`, was wiped, and is not used any more.
    #[inline]
    pub(super) unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        self.with(|inner| {
            // SAFETY: the caller's promise.
            unsafe { inner.talc.deallocate(ptr, layout) };
            inner.live -= layout.size();
        });
    }

    /// Makes the block longer or shorter where it lies; false if it has to move.
    ///
    /// # Safety
    /// `ptr` was allocated here with `layout`; `new_size` is not 0; what lies beyond a smaller
    /// `new_size` was wiped.
    #[inline]
    pub(super) unsafe fn resize_in_place(
        &self,
        ptr: *mut u8,
        layout: Layout,
        new_size: usize,
    ) -> bool {
        self.with(|inner| {
            // SAFETY: the caller's promise.
            let done = unsafe { inner.talc.try_realloc_in_place(ptr, layout, new_size) };
            if done {
                inner.live = inner.live - layout.size() + new_size;
                inner.peak = inner.peak.max(inner.live);
            }
            done
        })
    }

    /// Whether a block of `bytes` could be had now; the arena grows for it as the block would make
    /// it do.
    pub(super) fn fits(&self, bytes: usize) -> bool {
        let Ok(layout) = Layout::from_size_align(bytes.max(1), 16) else {
            return false;
        };
        self.with(|inner| {
            let peak = inner.peak;
            let ptr = inner.alloc(layout);
            if ptr.is_null() {
                return false;
            }
            // SAFETY: allocated just before, untouched.
            unsafe { inner.talc.deallocate(ptr, layout) };
            inner.live -= layout.size();
            inner.peak = peak;
            true
        })
    }

    pub(super) fn usage(&self) -> HeapUsage {
        self.with(|inner| HeapUsage {
            locked: inner.locked,
            live: inner.live,
            peak: inner.peak,
            limit: inner.limit,
        })
    }

    /// Before a fork: nobody is inside while the memory is copied.
    pub(super) fn before_fork(&self) {
        self.lock.lock();
    }

    /// After a fork, in the parent.
    pub(super) fn after_fork_in_parent(&self) {
        self.lock.unlock();
    }

    /// After a fork, in the child.
    pub(super) fn after_fork_in_child(&self) {
        self.lock.reset();
    }
}

impl Inner {
    const fn new() -> Self {
        Self {
            talc: Talc::new(Manual),
            base: std::ptr::null_mut(),
            heap_end: None,
            open: 0,
            locked: 0,
            limit: 0,
            live: 0,
            peak: 0,
            insecure: false,
        }
    }

    fn open(&mut self, initial: usize, limit: usize, insecure: bool) -> Result<(), Errno> {
        let base = page::reserve(limit)?;
        self.base = base;
        self.limit = limit;
        self.insecure = insecure;
        let claimed = self.open_pages(initial).and_then(|()| {
            // SAFETY: the pages are accessible, and nobody else's.
            let end = unsafe { self.talc.claim(base, initial) };
            end.map(|end| self.heap_end = Some(end)).ok_or(Errno::NOMEM)
        });
        if let Err(error) = claimed {
            // SAFETY: `talc` took nothing of it.
            unsafe { page::unmap(base, limit) };
            (self.base, self.open, self.locked, self.limit) = (std::ptr::null_mut(), 0, 0, 0);
            return Err(error);
        }
        Ok(())
    }

    /// Opens and locks the next `bytes` (whole pages, within the limit).
    fn open_pages(&mut self, bytes: usize) -> Result<(), Errno> {
        // SAFETY: `open + bytes <= limit`: inside the reservation.
        let at = unsafe { self.base.add(self.open) };
        // SAFETY: as above; nobody uses these pages yet.
        unsafe { page::allow_access(at, bytes) }?;
        // SAFETY: as above.
        match unsafe { page::lock(at, bytes) } {
            Ok(()) => self.locked += bytes,
            Err(_) if self.insecure => {}
            Err(error) => {
                // SAFETY: as above. mlock may have locked a part: that is given back too.
                unsafe { page::forbid_access(at, bytes) };
                return Err(error);
            }
        }
        self.open += bytes;
        Ok(())
    }

    #[inline]
    fn alloc(&mut self, layout: Layout) -> *mut u8 {
        loop {
            // SAFETY: the size is not 0 (`GlobalAlloc`'s contract, and `fits` sees to it).
            if let Some(ptr) = unsafe { self.talc.try_allocate(layout) } {
                self.live += layout.size();
                self.peak = self.peak.max(self.live);
                return ptr.as_ptr();
            }
            if !self.grow(layout) {
                return std::ptr::null_mut();
            }
        }
    }

    /// Makes the arena larger, so that `layout` has better prospects; false at the limit.
    #[cold]
    fn grow(&mut self, layout: Layout) -> bool {
        let need = page::round_up(
            layout
                .size()
                .saturating_add(layout.align())
                .saturating_add(OVERHEAD),
        );
        let left = self.limit - self.open;
        // A request that cannot be met does not use up what is left.
        if left == 0 || layout.size() > self.limit - self.live {
            return false;
        }
        // At the end of the limit a free block at the arena's end may make up for the difference.
        let enough = need.min(left);
        let step = enough.max(STEP).min(left);
        if self.open_pages(step).is_err() && (step == enough || self.open_pages(enough).is_err()) {
            return false;
        }
        let Some(end) = self.heap_end else {
            return false;
        };
        // SAFETY: the new pages follow what `talc` manages, are accessible, and nobody else's.
        let end = unsafe { self.talc.extend(end, self.base.add(self.open)) };
        self.heap_end = Some(end);
        true
    }
}
