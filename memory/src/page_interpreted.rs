//! Pages for the interpreter (miri), which has no locked memory and no protection: the allocator's. What is
//! interpreted is what this crate does with its pages, not the calls that make them.

#![expect(unsafe_code, reason = "stands in for mmap and its relatives")]

use rustix::io::Errno;
use std::alloc::Layout;

/// The size of a page, in bytes.
pub(crate) fn size() -> usize {
    4096
}

/// `bytes`, rounded up to whole pages; saturates below `usize::MAX`.
pub(crate) fn round_up(bytes: usize) -> usize {
    bytes.saturating_add(size() - 1) & !(size() - 1)
}

/// `bytes`, rounded down to whole pages.
pub(crate) fn round_down(bytes: usize) -> usize {
    bytes & !(size() - 1)
}

fn layout(bytes: usize) -> Result<Layout, Errno> {
    Layout::from_size_align(bytes, size()).map_err(|_| Errno::INVAL)
}

/// Zeroed memory.
pub(crate) fn reserve(bytes: usize) -> Result<*mut u8, Errno> {
    if bytes == 0 {
        return Err(Errno::INVAL);
    }
    // SAFETY: the layout is not empty.
    let at = unsafe { std::alloc::alloc_zeroed(layout(bytes)?) };
    if at.is_null() {
        Err(Errno::NOMEM)
    } else {
        Ok(at)
    }
}

/// Zeroed memory.
pub(crate) fn map_private(bytes: usize) -> Result<*mut u8, Errno> {
    reserve(bytes)
}

/// Nothing to do.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn allow_access(_: *mut u8, _: usize) -> Result<(), Errno> {
    Ok(())
}

/// Zeroes what the kernel would take back.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn forbid_access(at: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { at.write_bytes(0, bytes) };
}

/// Zeroes what would be replaced.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn map_over(at: *mut u8, bytes: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { at.write_bytes(0, bytes) };
    Ok(())
}

/// Nothing to do.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn lock(_: *mut u8, _: usize) -> Result<(), Errno> {
    Ok(())
}

/// Nothing to do.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn dont_dump(_: *mut u8, _: usize) -> Result<(), Errno> {
    Ok(())
}

/// Nothing to do.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn dont_fork(_: *mut u8, _: usize) -> Result<(), Errno> {
    Ok(())
}

/// Gives the memory back.
///
/// # Safety
/// As the real one's.
pub(crate) unsafe fn unmap(at: *mut u8, bytes: usize) {
    if let Ok(layout) = layout(bytes) {
        // SAFETY: the caller's promise: what `reserve` gave, as a whole.
        unsafe { std::alloc::dealloc(at, layout) };
    }
}
