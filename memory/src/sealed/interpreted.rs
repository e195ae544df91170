//! The area under Miri, which knows neither `memfd_secret` nor pages that may not be touched: memory of the
//! allocator, so that every access of the pool to it is checked. Never part of a program.

#![expect(unsafe_code, reason = "allocations")]

use std::alloc::{Layout, alloc_zeroed, dealloc};

use rustix::io::Errno;

use crate::{page, wipe};

/// As of the real one.
pub(super) const STEP: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Area {
    base: *mut u8,
    layout: Layout,
}

// SAFETY: the area is plain memory. Who may touch which part of it is settled by the pool.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Area {
    pub(super) fn new(capacity: usize, _insecure: bool) -> Result<(Self, usize), Errno> {
        let layout = Layout::from_size_align(capacity, page::size()).map_err(|_| Errno::INVAL)?;
        if capacity == 0 {
            return Err(Errno::INVAL);
        }
        // SAFETY: of a size other than zero.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            return Err(Errno::NOMEM);
        }
        Ok((Self { base, layout }, capacity.min(STEP)))
    }

    pub(super) fn new_anonymous(capacity: usize) -> Result<(Self, usize), Errno> {
        Self::new(capacity, false)
    }

    pub(super) fn capacity(&self) -> usize {
        self.layout.size()
    }

    pub(super) fn is_secretmem(&self) -> bool {
        false
    }

    pub(super) fn extend(&self, mapped: usize) -> Result<usize, Errno> {
        match (self.capacity() - mapped).min(STEP) {
            0 => Err(Errno::NOMEM),
            step => Ok(step),
        }
    }

    /// # Safety
    /// Nobody uses the first `mapped` bytes.
    pub(super) unsafe fn unmap(&self, mapped: usize) {
        // SAFETY: the caller's promise. The kernel would zero them.
        unsafe { self.base.write_bytes(0, mapped) };
    }

    /// # Safety
    /// `offset` is not beyond the capacity.
    pub(super) unsafe fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.base.add(offset) }
    }

    /// # Safety
    /// They are mapped, and nobody else uses them.
    pub(super) unsafe fn wipe(&self, offset: usize, len: usize) {
        // SAFETY: the caller's promise.
        unsafe { wipe::wipe_raw(self.base.add(offset), len) };
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: allocated above with this layout; nobody refers to it any more.
        unsafe { dealloc(self.base, self.layout) };
    }
}

pub(super) fn is_secretmem_available() -> bool {
    false
}
