//! Allocations of 8 MiB and more: a mapping each, outside the arena and not locked, because the
//! limit would not hold one. fuser asks for 16 MiB for each event thread, which on a read-only file
//! system hold no file's bytes (contract fuse.md §2.5); scrypt's work table takes 256 MiB.

#![expect(unsafe_code, reason = "part of the allocator")]

use std::alloc::Layout;

use crate::{page, wipe};

/// From this size on an allocation is its own mapping, before and after the heap is locked alike:
/// so the size alone tells how to free it.
pub(super) const LARGE: usize = 8 << 20;

/// Zeroed pages for `layout`, none of them touched; null when the kernel refuses.
pub(super) fn map(layout: Layout) -> *mut u8 {
    let bytes = page::round_up(layout.size());
    let page = page::size();
    if layout.align() <= page {
        return page::map_private(bytes).unwrap_or(std::ptr::null_mut());
    }
    let Some(with_slack) = bytes.checked_add(layout.align()) else {
        return std::ptr::null_mut();
    };
    let Ok(base) = page::map_private(with_slack) else {
        return std::ptr::null_mut();
    };
    // Both are multiples of a page, and so is what is cut off on either side.
    let before = base.align_offset(layout.align());
    let after = with_slack - before - bytes;
    // SAFETY: `before + bytes <= with_slack`: the pieces lie inside the mapping, and nobody uses
    // them.
    unsafe {
        let at = base.add(before);
        if before > 0 {
            page::unmap(base, before);
        }
        if after > 0 {
            page::unmap(at.add(bytes), after);
        }
        at
    }
}

/// Whether so many bytes could be had now.
pub(super) fn can_be_had(bytes: usize) -> bool {
    let Some(bytes) = bytes.checked_next_multiple_of(page::size()) else {
        return false;
    };
    let Ok(at) = page::map_private(bytes) else {
        return false;
    };
    // SAFETY: it was mapped just before, and nobody uses it.
    unsafe { page::unmap(at, bytes) };
    true
}

/// Gives back what [`map`] returned for `layout`.
///
/// # Safety
/// `ptr` came from [`map`] with this layout and is not used any more.
pub(super) unsafe fn unmap(ptr: *mut u8, layout: Layout, wipe_it: bool) {
    if wipe_it {
        // SAFETY: the caller's promise.
        unsafe { wipe::wipe_raw(ptr, layout.size()) };
    }
    // SAFETY: the caller's promise; the mapping is as long as `map` made it.
    unsafe { page::unmap(ptr, page::round_up(layout.size())) };
}

#[cfg(test)]
mod tests {
    use super::can_be_had;

    /// Pages that this thread had to be given so far.
    fn faults() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = stat.rsplit_once(") ").unwrap().1;
        fields.split(' ').nth(7).unwrap().parse().unwrap()
    }

    #[test]
    fn asking_whether_scrypts_table_can_be_had_touches_none_of_its_65_536_pages() {
        let before = faults();
        assert!(can_be_had(256 << 20));
        assert!(faults() - before < 1000);
        assert!(!can_be_had(usize::MAX / 2));
    }
}
