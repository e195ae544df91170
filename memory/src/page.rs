//! Pages: their size, rounding to it, and the mappings that all of this crate is made of.

#![expect(unsafe_code, reason = "thin wrappers of mmap and its relatives")]

use std::ffi::c_void;

use rustix::io::Errno;
use rustix::mm::{self, Advice, MapFlags, MprotectFlags, ProtFlags};

/// The size of a page, in bytes.
pub(crate) fn size() -> usize {
    // SAFETY: takes a number, returns one: glibc has it at hand and allocates nothing.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// `bytes`, rounded up to whole pages; saturates below `usize::MAX`.
pub(crate) fn round_up(bytes: usize) -> usize {
    let page = size();
    bytes.saturating_add(page - 1) & !(page - 1)
}

/// `bytes`, rounded down to whole pages.
pub(crate) fn round_down(bytes: usize) -> usize {
    bytes & !(size() - 1)
}

/// Address space that cannot be touched yet, and is left out of core dumps for good.
pub(crate) fn reserve(bytes: usize) -> Result<*mut u8, Errno> {
    // SAFETY: a fresh mapping touches no memory in use.
    let at = unsafe {
        mm::mmap_anonymous(
            std::ptr::null_mut(),
            bytes,
            ProtFlags::empty(),
            MapFlags::PRIVATE | MapFlags::NORESERVE,
        )
    }?;
    // SAFETY: the mapping of just before.
    if let Err(error) = unsafe { mm::madvise(at, bytes, Advice::LinuxDontDump) } {
        // SAFETY: nobody knows of it yet.
        let _ = unsafe { mm::munmap(at, bytes) };
        return Err(error);
    }
    Ok(at.cast())
}

/// Private zeroed pages, neither locked nor in core dumps.
pub(crate) fn map_private(bytes: usize) -> Result<*mut u8, Errno> {
    let at = reserve(bytes)?;
    // SAFETY: whole pages of the mapping of just before.
    if let Err(error) = unsafe { allow_access(at, bytes) } {
        // SAFETY: nobody knows of it yet.
        unsafe { unmap(at, bytes) };
        return Err(error);
    }
    Ok(at)
}

/// Makes reserved pages readable and writable.
///
/// # Safety
/// The range is whole pages of a mapping of the caller's.
pub(crate) unsafe fn allow_access(at: *mut u8, bytes: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { mm::mprotect(at.cast(), bytes, MprotectFlags::READ | MprotectFlags::WRITE) }
}

/// Takes the access back and gives the pages to the kernel.
///
/// # Safety
/// As [`allow_access`], and nothing refers to the range.
pub(crate) unsafe fn forbid_access(at: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise. Replacing the mapping drops its pages and a partial lock.
    let _ = unsafe {
        mm::mmap_anonymous(
            at.cast::<c_void>(),
            bytes,
            ProtFlags::empty(),
            MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
        )
    };
    // SAFETY: the same range. The replacement does not inherit the advice.
    let _ = unsafe { mm::madvise(at.cast(), bytes, Advice::LinuxDontDump) };
}

/// Locks pages, which also makes them present.
///
/// # Safety
/// The range belongs to mappings of the caller's.
pub(crate) unsafe fn lock(at: *mut u8, bytes: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { mm::mlock(at.cast(), bytes) }
}

/// Leaves pages out of core dumps.
///
/// # Safety
/// As [`lock`].
pub(crate) unsafe fn dont_dump(at: *mut u8, bytes: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { mm::madvise(at.cast(), bytes, Advice::LinuxDontDump) }
}

/// Keeps pages from forked children.
///
/// # Safety
/// As [`lock`].
pub(crate) unsafe fn dont_fork(at: *mut u8, bytes: usize) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    unsafe { mm::madvise(at.cast(), bytes, Advice::LinuxDontFork) }
}

/// Gives a mapping back.
///
/// # Safety
/// Nothing refers to it any more.
pub(crate) unsafe fn unmap(at: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise. It fails only for arguments that are no mapping.
    let _ = unsafe { mm::munmap(at.cast(), bytes) };
}
