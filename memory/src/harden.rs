//! Hardening of the whole process: no core dumps, not dumpable, no new privileges.

use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
    setrlimit,
};

/// Which protections are on, for `status` and `doctor`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hardening {
    /// `RLIMIT_CORE` is 0.
    pub no_core: bool,
    /// `PR_SET_DUMPABLE` is 0: the same user can neither trace it nor read its memory.
    pub not_dumpable: bool,
    /// `PR_SET_NO_NEW_PRIVS` is set.
    pub no_new_privs: bool,
}

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

/// Gives up new privileges: for the daemon, which starts nothing.
///
/// It holds for the calling thread and those it starts: call it before any other is started, and
/// after mounting (`fusermount3` needs its set-user-id bit).
///
/// # Errors
/// The kernel refused.
pub fn no_new_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)
        .map_err(|errno| failed("give up new privileges (PR_SET_NO_NEW_PRIVS)", errno))
}

/// What is on now, as the kernel says; the last of the three for the calling thread.
#[must_use]
pub fn state() -> Hardening {
    Hardening {
        no_core: getrlimit(Resource::Core).current == Some(0),
        not_dumpable: matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)),
        no_new_privs: rustix::thread::no_new_privs().unwrap_or(false),
    }
}

fn failed(what: &str, errno: rustix::io::Errno) -> io::Error {
    let source = io::Error::from(errno);
    io::Error::new(source.kind(), format!("cannot {what}: {source}"))
}
