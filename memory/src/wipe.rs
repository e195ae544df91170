//! Overwriting memory so that the compiler cannot leave it out.

#![expect(
    unsafe_code,
    reason = "the barrier is an empty assembler statement, and raw memory is wiped"
)]

/// Zeroes `len` bytes at `ptr`.
///
/// Not `zeroize`'s element-wise volatile store: this runs on every deallocation of the process and
/// over whole sealed areas, so it is a `memset` that the barrier keeps alive.
///
/// # Safety
/// `ptr` is valid for writes of `len` bytes, and no one else uses them meanwhile.
pub(crate) unsafe fn wipe_raw(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { ptr.write_bytes(0, len) };
    // SAFETY: an empty statement. Not being `nomem` it may read all memory that `ptr` reaches, so
    // the stores before it have to happen, although the memory is freed next.
    #[cfg(not(miri))]
    unsafe {
        core::arch::asm!("/* {0} */", in(reg) ptr, options(nostack, preserves_flags));
    };
}

/// Zeroes `bytes`.
pub(crate) fn wipe(bytes: &mut [u8]) {
    // SAFETY: an exclusive slice is valid for writes over its length.
    unsafe { wipe_raw(bytes.as_mut_ptr(), bytes.len()) };
}

/// Bytes that are wiped when this goes out of scope, by a panic too.
#[derive(Debug)]
pub(crate) struct WipeOnDrop<'a>(pub(crate) &'a mut [u8]);

impl Drop for WipeOnDrop<'_> {
    fn drop(&mut self) {
        wipe(self.0);
    }
}
