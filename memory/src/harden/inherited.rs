//! Descriptors that a process did not ask for. A library of the parent may receive one without
//! close-on-exec (zbus does, of logind's inhibitors), and a child that is started in that moment keeps it:
//! a machine that wants to sleep would wait for a daemon that knows nothing of it.
#![expect(unsafe_code, reason = "there is no safe call for close_range")]

use std::io;

/// Closes all descriptors but the three standard ones. To be called first in a process that was given
/// no others, before anything has opened one.
///
/// # Errors
/// The kernel does not have the call (before 5.9).
pub fn close_inherited() -> io::Result<()> {
    let (first, last, flags) = (3_u32, u32::MAX, 0_u32);
    // SAFETY: nothing in this process owns a descriptor above 2 yet, so none is closed under its owner.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
