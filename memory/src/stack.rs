//! Thread stacks: locked and left out of core dumps, because values pass over them.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rustix::io::Errno;

use crate::limit::LimitError;
use crate::page;

/// A stack that is large enough for a FUSE event thread or a runtime's worker, in bytes.
pub const DEFAULT_SIZE: usize = 256 << 10;

/// How much below the caller's frame is locked of a main thread's stack.
const MAIN_DEPTH: usize = 64 << 10;

/// Locks the calling thread's stack and leaves it out of core dumps; returns how many bytes these
/// are. Call it first thing in every thread of a process that holds secrets.
///
/// Of the main thread, whose stack may grow to 8 MiB, it locks what is in use and 64 KiB more: a
/// process that holds secrets does its work in threads made with [`spawn`].
///
/// # Errors
/// The kernel refused to lock it.
pub fn lock_current() -> Result<usize, LimitError> {
    let (low, high) = bounds().map_err(|errno| LimitError::from_kernel(DEFAULT_SIZE, errno))?;
    let is_main = rustix::thread::gettid() == rustix::process::getpid();
    let low = if is_main {
        make_present().max(low)
    } else {
        low
    };
    let low = page::round_down(low);
    let bytes = high - low;
    lock_range(low, bytes).map_err(|errno| LimitError::from_kernel(bytes, errno))?;
    Ok(bytes)
}

/// Starts a thread named `name` with a stack of `size` bytes, which is locked before `f` runs.
///
/// # Errors
/// The thread could not be started, or its stack not be locked; `f` did not run then.
pub fn spawn<T: Send + 'static>(
    name: &str,
    size: usize,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, LimitError> {
    start(name, size, f, false).map(|(handle, _)| handle)
}

/// The same for `--insecure-memory`: `f` runs although the stack could not be locked, and why it
/// could not is returned beside the thread.
///
/// # Errors
/// The thread could not be started.
pub fn spawn_insecure<T: Send + 'static>(
    name: &str,
    size: usize,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<(JoinHandle<T>, Option<LimitError>), LimitError> {
    start(name, size, f, true)
}

/// One of the two: with `insecure` a thread also where its stack cannot be locked.
///
/// # Errors
/// As [`spawn`] and [`spawn_insecure`].
pub fn spawn_as<T: Send + 'static>(
    insecure: bool,
    name: &str,
    size: usize,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, LimitError> {
    start(name, size, f, insecure).map(|(handle, _)| handle)
}

fn start<T: Send + 'static>(
    name: &str,
    size: usize,
    f: impl FnOnce() -> T + Send + 'static,
    insecure: bool,
) -> Result<(JoinHandle<T>, Option<LimitError>), LimitError> {
    let (report, outcome) = mpsc::sync_channel(1);
    let handle = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(size)
        .spawn(move || {
            let locked = lock_current();
            let refused = locked.is_err() && !insecure;
            // The one who asked is waiting for it.
            let _ = report.send(locked);
            drop(report);
            if refused {
                // Ends the thread without a value and without a word; it is joined below.
                std::panic::resume_unwind(Box::new("the stack could not be locked"));
            }
            f()
        })
        .map_err(|source| LimitError::Thread { source })?;
    // The thread answers first thing; it cannot end without.
    let refused = match outcome.recv() {
        Ok(locked) => locked.err(),
        Err(_) => Some(LimitError::Thread {
            source: std::io::ErrorKind::BrokenPipe.into(),
        }),
    };
    match refused {
        Some(error) if !insecure => {
            let _ = handle.join();
            Err(error)
        }
        refused => Ok((handle, refused)),
    }
}

/// The lowest address of the calling thread's stack; `None` for a main thread, whose stack is not
/// there as a whole.
pub(crate) fn low_of_spawned() -> Option<usize> {
    let is_main = rustix::thread::gettid() == rustix::process::getpid();
    bounds().ok().filter(|_| !is_main).map(|(low, _)| low)
}

/// The lowest address of the calling thread's stack, above its guard page, and the first above it.
#[expect(unsafe_code, reason = "asks the C library about this thread")]
fn bounds() -> Result<(usize, usize), Errno> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut low = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: fills `attributes` for the calling thread, or returns an error.
    let rc = unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) };
    if rc != 0 {
        return Err(Errno::from_raw_os_error(rc));
    }
    // SAFETY: filled just before; the other two are places for the answer.
    let rc =
        unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size) };
    // SAFETY: filled above and not used below.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    if rc != 0 {
        return Err(Errno::from_raw_os_error(rc));
    }
    Ok((low.addr(), low.addr() + size))
}

/// Uses the stack below this frame once, so that it is mapped; returns how deep it went.
#[inline(never)]
fn make_present() -> usize {
    let depth = black_box([0u8; MAIN_DEPTH]);
    black_box(&depth).as_ptr().addr()
}

#[expect(unsafe_code, reason = "locks the caller's own stack")]
fn lock_range(low: usize, bytes: usize) -> Result<(), Errno> {
    let at = std::ptr::with_exposed_provenance_mut(low);
    // SAFETY: the calling thread's stack; locking and advising change no byte of it.
    unsafe {
        page::dont_dump(at, bytes)?;
        page::lock(at, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_runs_on_a_locked_stack_of_its_own() {
        let thread = spawn("named", DEFAULT_SIZE, || {
            let name = std::thread::current().name().map(str::to_owned);
            (name, lock_current().unwrap())
        });
        let (name, locked) = thread.unwrap().join().unwrap();
        assert_eq!(name.as_deref(), Some("named"));
        assert!(
            (DEFAULT_SIZE..DEFAULT_SIZE + (64 << 10)).contains(&locked),
            "{locked}"
        );
    }
}
