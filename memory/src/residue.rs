//! What a computation leaves behind where no owner wipes it: in dead frames of the stack, and in
//! vector registers, which `memcpy` moves values through and which a core file would hold (contract
//! locked-memory-and-session.md §0, §1).

#![expect(
    unsafe_code,
    reason = "writes below the stack pointer, and to registers"
)]

use std::cell::Cell;
use std::hint::black_box;

use crate::{stack, wipe};

/// How far below the caller's frame the calls of [`clear`] itself reach.
const NEAR: usize = 2048;

thread_local! {
    /// Whether values passed over this thread's stack since it was cleared.
    static MARKED: Cell<bool> = const { Cell::new(false) };
    /// The lowest address of this thread's stack; 0: not asked yet.
    static LOW: Cell<usize> = const { Cell::new(0) };
}

/// Says that a value, or what it is made from, passes over this thread's stack now.
#[inline]
pub fn mark() {
    let _ = MARKED.try_with(|marked| marked.set(true));
}

/// Clears what was left, if anything was marked since the last time: to be called where the stack is
/// shallow and the thread is about to rest. Costs some ten microseconds then, and else nothing.
#[inline]
pub fn clear_if_marked() {
    if MARKED
        .try_with(|marked| marked.replace(false))
        .unwrap_or(false)
    {
        clear();
    }
}

/// How much of a stack [`clear_recent`] zeroes: more than the calls of a command reach down.
const RECENT: usize = 64 << 10;

/// Zeroes what recent calls left below this frame, and the vector registers: for the main thread of a
/// command that has taken a secret out of its environment. Whoever looks for any variable looks through
/// all of them, in vector registers, and what saves those (the dynamic linker, a signal) puts them on
/// the stack.
#[inline(never)]
pub fn clear_recent() {
    clear_near();
    let top = stack_pointer().saturating_sub(NEAR);
    let lowest = low().unwrap_or(0).max(top.saturating_sub(RECENT));
    if let Some(bytes) = top.checked_sub(lowest) {
        // SAFETY: as in `clear`: the thread's own stack below every live frame. A main thread's is mapped
        // as it is written to, from the top.
        unsafe { wipe::wipe_raw(std::ptr::with_exposed_provenance_mut(lowest), bytes) };
    }
    clear_registers();
}

/// Zeroes the calling thread's stack below this frame, and its vector registers.
///
/// Only of threads whose stack is locked as a whole, and so is there: of a main thread it would make
/// megabytes present.
#[inline(never)]
pub fn clear() {
    clear_near();
    if let Some(low) = low() {
        let top = stack_pointer().saturating_sub(NEAR);
        if let Some(bytes) = top.checked_sub(low) {
            // SAFETY: the thread's own stack, above its guard page and below every live frame: what
            // lies there belongs to calls that have returned. A signal's handler that comes between
            // has returned, too, before this goes on.
            unsafe { wipe::wipe_raw(std::ptr::with_exposed_provenance_mut(low), bytes) };
        }
    }
    clear_registers();
}

/// The part that the frames of the calls in [`clear`] lie in.
#[inline(never)]
fn clear_near() {
    black_box(&mut [0_u8; 2 * NEAR]);
}

/// The lowest address of this thread's stack; `None` for a main thread.
fn low() -> Option<usize> {
    LOW.try_with(|known| {
        if known.get() == 0 {
            known.set(stack::low_of_spawned().unwrap_or(usize::MAX));
        }
        known.get()
    })
    .ok()
    .filter(|low| *low != usize::MAX)
}

#[inline]
fn stack_pointer() -> usize {
    let pointer: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads a register.
    unsafe {
        std::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        pointer = (&raw const LOW).addr();
    }
    pointer
}

/// Zeroes the vector registers: those that a call may overwrite anyway.
#[inline(never)]
pub fn clear_registers() {
    #[cfg(target_arch = "x86_64")]
    x86_64::clear();
    #[cfg(target_arch = "aarch64")]
    aarch64::clear();
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;

    pub(super) fn clear() {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has these registers, and no code of ours is compiled to keep
            // anything in them across a call.
            unsafe {
                asm!(
                    "vzeroall",
                    "vpxord zmm16, zmm16, zmm16",
                    "vpxord zmm17, zmm17, zmm17",
                    "vpxord zmm18, zmm18, zmm18",
                    "vpxord zmm19, zmm19, zmm19",
                    "vpxord zmm20, zmm20, zmm20",
                    "vpxord zmm21, zmm21, zmm21",
                    "vpxord zmm22, zmm22, zmm22",
                    "vpxord zmm23, zmm23, zmm23",
                    "vpxord zmm24, zmm24, zmm24",
                    "vpxord zmm25, zmm25, zmm25",
                    "vpxord zmm26, zmm26, zmm26",
                    "vpxord zmm27, zmm27, zmm27",
                    "vpxord zmm28, zmm28, zmm28",
                    "vpxord zmm29, zmm29, zmm29",
                    "vpxord zmm30, zmm30, zmm30",
                    "vpxord zmm31, zmm31, zmm31",
                    clobber_abi("C"),
                    options(nostack)
                );
            }
        } else if std::arch::is_x86_feature_detected!("avx") {
            // SAFETY: the processor has the instruction.
            unsafe { asm!("vzeroall", clobber_abi("C"), options(nostack)) }
        } else {
            // SAFETY: every processor of this kind has them.
            unsafe {
                asm!(
                    "pxor xmm0, xmm0",
                    "pxor xmm1, xmm1",
                    "pxor xmm2, xmm2",
                    "pxor xmm3, xmm3",
                    "pxor xmm4, xmm4",
                    "pxor xmm5, xmm5",
                    "pxor xmm6, xmm6",
                    "pxor xmm7, xmm7",
                    "pxor xmm8, xmm8",
                    "pxor xmm9, xmm9",
                    "pxor xmm10, xmm10",
                    "pxor xmm11, xmm11",
                    "pxor xmm12, xmm12",
                    "pxor xmm13, xmm13",
                    "pxor xmm14, xmm14",
                    "pxor xmm15, xmm15",
                    clobber_abi("C"),
                    options(nostack)
                );
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    /// Not v8 to v15, whose lower halves are the caller's.
    pub(super) fn clear() {
        // SAFETY: every processor of this kind has them.
        unsafe {
            std::arch::asm!(
                "movi v0.2d, #0",
                "movi v1.2d, #0",
                "movi v2.2d, #0",
                "movi v3.2d, #0",
                "movi v4.2d, #0",
                "movi v5.2d, #0",
                "movi v6.2d, #0",
                "movi v7.2d, #0",
                "movi v16.2d, #0",
                "movi v17.2d, #0",
                "movi v18.2d, #0",
                "movi v19.2d, #0",
                "movi v20.2d, #0",
                "movi v21.2d, #0",
                "movi v22.2d, #0",
                "movi v23.2d, #0",
                "movi v24.2d, #0",
                "movi v25.2d, #0",
                "movi v26.2d, #0",
                "movi v27.2d, #0",
                "movi v28.2d, #0",
                "movi v29.2d, #0",
                "movi v30.2d, #0",
                "movi v31.2d, #0",
                clobber_abi("C"),
                options(nostack)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves a pattern deep in the stack; returns where.
    #[inline(never)]
    fn leave() -> usize {
        let mut deep = black_box([0_u8; 16 << 10]);
        deep[4096..8192].fill(0x5a);
        black_box(&deep)[4096..].as_ptr().addr()
    }

    /// Bytes of the pattern around `at`, read without a call.
    fn left(at: usize) -> usize {
        let from: *const u8 = std::ptr::with_exposed_provenance(at);
        // SAFETY: the thread's own stack, which is locked and so is there.
        (0..2048)
            .filter(|i| unsafe { from.add(*i).read_volatile() } == 0x5a)
            .count()
    }

    #[test]
    fn dead_frames_are_cleared_when_something_was_marked() {
        let thread = crate::stack::spawn("t", crate::stack::DEFAULT_SIZE, || {
            let at = leave();
            let before = left(at);
            clear_if_marked();
            let unmarked = left(at);
            mark();
            clear_if_marked();
            (before, unmarked, left(at))
        });
        let (before, unmarked, after) = thread.unwrap().join().unwrap();
        assert_eq!((before, unmarked, after), (2048, 2048, 0));
    }
}
