//! Credentials that came by the environment: read once, and overwritten where they lie, so that
//! neither `/proc/PID/environ` nor a child shows them.

#![expect(
    unsafe_code,
    reason = "the environment block is the C library's memory"
)]

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU8, Ordering};

use secrecy::SecretString;

unsafe extern "C" {
    static environ: *const *mut c_char;
}

/// Takes the variable `name` out of the environment: its value is overwritten in the process's
/// environment block, and no child inherits it. `None` where it is not set, or is no UTF-8 (it is
/// overwritten then, too).
///
/// Call it at the start of `main`, after [`crate::heap::lock`] and before any thread is started: the C library's environment is not
/// to be changed while others may read it. With other threads running the value is overwritten, but
/// the then empty variable stays.
#[must_use]
pub fn take(name: &str) -> Option<SecretString> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    let mut taken = None;
    // SAFETY: by the function's condition no one changes the environment meanwhile: `environ` is
    // null, or a list of C strings that ends with a null.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            // A name may be there twice; the first is the one that counts.
            if let Some(value) = value_of(*entry, name) {
                let secret = CStr::from_ptr(value).to_str().ok().map(SecretString::from);
                taken = taken.or(Some(secret));
                overwrite(value);
            }
            entry = entry.add(1);
        }
        if taken.is_some() && is_single_threaded() {
            std::env::remove_var(OsStr::from_bytes(name.as_bytes()));
        }
    }
    taken.flatten()
}

/// Whether the variable `name` has this byte in its value. Looks where the value lies, and copies
/// nothing: what is looked for may show that it is a secret.
///
/// The same holds for the caller as with [`take`].
#[must_use]
pub fn has_byte(name: &str, byte: u8) -> bool {
    // SAFETY: as in `take`.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            if let Some(value) = value_of(*entry, name)
                && CStr::from_ptr(value).to_bytes().contains(&byte)
            {
                return true;
            }
            entry = entry.add(1);
        }
    }
    false
}

/// Where the value starts in `entry`, where that is `name=value`.
///
/// # Safety
/// `entry` is a C string.
unsafe fn value_of(entry: *mut c_char, name: &str) -> Option<*mut c_char> {
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(entry) }.to_bytes();
    let is_it = text
        .strip_prefix(name.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"="));
    // SAFETY: name and `=` lie inside the string.
    is_it.then(|| unsafe { entry.add(name.len() + 1) })
}

/// Zeroes a C string to its end.
///
/// # Safety
/// `at` is a writable C string, to which no reference is left.
unsafe fn overwrite(mut at: *mut c_char) {
    loop {
        // SAFETY: the caller's promise; the loop ends at the terminating zero. Atomic, so that a
        // thread that should not be there reads old bytes or zeroes.
        let byte = unsafe { AtomicU8::from_ptr(at.cast()) };
        if byte.swap(0, Ordering::Relaxed) == 0 {
            return;
        }
        // SAFETY: the byte was not the last.
        at = unsafe { at.add(1) };
    }
}

fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}
