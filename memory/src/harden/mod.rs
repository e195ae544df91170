//! Hardening of the whole process: no core dumps, not dumpable, no new privileges, and confinement by
//! landlock and seccomp.
//!
//! | room | what it does |
//! |---|---|
//! | [`landlock`] | no files, no other ports |
//! | [`seccomp`] | no other programs, no other processes, no mounts |
//! | [`inherited`] | no descriptors of the parent's |
//! | `attempts` | what a daemon that was taken over would try, for tests |

#[cfg(feature = "test-hooks")]
pub mod attempts;
pub mod inherited;
pub mod landlock;
pub mod seccomp;

use std::io;
use std::sync::OnceLock;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
    setrlimit,
};

use landlock::{Landlock, LandlockError};
use seccomp::SeccompError;

/// Which protections are on, for `status` and `doctor`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hardening {
    /// `RLIMIT_CORE` is 0.
    pub no_core: bool,
    /// `PR_SET_DUMPABLE` is 0: the same user can neither trace it nor read its memory.
    pub not_dumpable: bool,
    /// `PR_SET_NO_NEW_PRIVS` is set, in every thread.
    pub no_new_privs: bool,
    /// A seccomp filter is on, in every thread.
    pub seccomp: bool,
    /// What landlock enforces.
    pub landlock: Landlock,
}

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfineError {
    /// New privileges.
    #[error(transparent)]
    Privileges(#[from] io::Error),
    /// Landlock.
    #[error(transparent)]
    Landlock(#[from] LandlockError),
    /// seccomp.
    #[error(transparent)]
    Seccomp(#[from] SeccompError),
}

/// What landlock was found to enforce: the kernel does not tell a process.
static LANDLOCK: OnceLock<Landlock> = OnceLock::new();

/// Turns core dumps and dumpability off: for every process that touches a secret.
///
/// An exec undoes the second, as does a change of the user id; from then on `/proc/self/mem`,
/// `environ` and `fd/N` for writing are closed to the process itself too (contract
/// locked-memory-and-session.md §2). The core limit is the hard one, which children inherit.
///
/// # Errors
/// The kernel refused; the text says which protection.
pub fn no_dumps() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Both: a core handler named by a pipe in core_pattern ignores the limit.
    setrlimit(Resource::Core, none).map_err(|errno| failed("set RLIMIT_CORE to 0", errno))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| failed("make the process not dumpable (PR_SET_DUMPABLE)", errno))
}

/// Confines the process for good: no new privileges, no files but /proc, no TCP ports but these, no
/// other programs and processes. For the daemon, which starts and opens nothing.
///
/// Call it before any other thread is started (landlock holds for the calling thread and those that
/// it starts), and in a process that never mounts: `fusermount3` needs its set-user-id bit. On a
/// kernel without landlock or seccomp the others still apply; [`state`] tells.
///
/// # Errors
/// A protection that the kernel has was refused.
pub fn confine(ports: &[u16]) -> Result<(), ConfineError> {
    rustix::thread::set_no_new_privs(true)
        .map_err(|errno| failed("give up new privileges (PR_SET_NO_NEW_PRIVS)", errno))?;
    // First: seccomp leaves it alone, but a later filter might not.
    let _ = LANDLOCK.set(landlock::confine(ports)?);
    match seccomp::confine() {
        Ok(()) | Err(SeccompError::Absent) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What is on now, as the kernel says.
#[must_use]
pub fn state() -> Hardening {
    Hardening {
        no_core: getrlimit(Resource::Core).current == Some(0),
        not_dumpable: matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)),
        no_new_privs: every_thread_says("NoNewPrivs:\t1"),
        // 2: a filter.
        seccomp: every_thread_says("Seccomp:\t2"),
        landlock: LANDLOCK.get().copied().unwrap_or_default(),
    }
}

/// Whether the `status` of each thread has this line.
fn every_thread_says(line: &str) -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return false;
    };
    let mut any = false;
    for thread in threads.flatten() {
        match std::fs::read_to_string(thread.path().join("status")) {
            Ok(status) if status.lines().any(|own| own == line) => any = true,
            Ok(_) => return false,
            // It ended in this moment.
            Err(_) => {}
        }
    }
    any
}

fn failed(what: &str, errno: rustix::io::Errno) -> io::Error {
    let source = io::Error::from(errno);
    io::Error::new(source.kind(), format!("cannot {what}: {source}"))
}
