//! Landlock: of the file system the process may read below /proc and nothing else; of the network it
//! may connect to the named TCP ports and listen on none.
//!
//! What changes by rename (a CA bundle, resolv.conf) cannot be allowed by a rule that is bound to an
//! inode, and is opened by another process (contract fuse.md §5).

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, NetPort, PathBeneath, PathFd, PathFdError,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The rights that this is tested with. A kernel that knows fewer enforces those.
const TESTED: ABI = ABI::V6;

/// How much of it the kernel enforces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Landlock {
    /// Everything.
    Full,
    /// Abstract sockets and signals of other processes are not kept from it (before Linux 6.12).
    NoScopes,
    /// Neither are TCP ports (before Linux 6.7).
    NoTcp,
    /// The kernel has no landlock, or it is switched off.
    #[default]
    Absent,
}

impl Landlock {
    /// A stable word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::NoScopes => "no-scopes",
            Self::NoTcp => "no-tcp",
            Self::Absent => "absent",
        }
    }
}

/// The version of landlock's interface that the kernel has, for `doctor`.
///
/// # Errors
/// `ENOSYS`: the kernel was built without; `EOPNOTSUPP`: it is switched off at boot.
#[expect(unsafe_code, reason = "the crate asks this only when it confines")]
pub fn version() -> io::Result<u32> {
    /// From the kernel's `landlock.h`.
    const CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the call takes no attribute, and returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(version).map_err(|_| io::Error::last_os_error())
}

/// Why it could not be applied, on a kernel that has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LandlockError {
    /// The rules could not be made or enforced.
    #[error("cannot confine the process with landlock: {0}")]
    Rules(#[from] RulesetError),
    /// `/proc` could not be opened.
    #[error("cannot confine the process with landlock: {0}")]
    Proc(#[from] PathFdError),
}

/// Confines the calling thread and those that it starts: call it before any other thread is there.
/// There is no way back.
///
/// # Errors
/// The kernel has landlock but refused.
pub fn confine(ports: &[u16]) -> Result<Landlock, LandlockError> {
    let connect = |port: &u16| Ok::<_, LandlockError>(NetPort::new(*port, AccessNet::ConnectTcp));
    let enforced = Ruleset::default()
        .handle_access(AccessFs::from_all(TESTED))?
        .handle_access(AccessNet::from_all(TESTED))?
        .scope(Scope::from_all(TESTED))?
        .create()?
        .add_rule(PathBeneath::new(
            PathFd::new("/proc")?,
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?
        .add_rules(ports.iter().map(connect))?
        .restrict_self()?;
    Ok(match (enforced.ruleset, enforced.landlock) {
        (RulesetStatus::FullyEnforced, _) => Landlock::Full,
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            if effective_abi >= ABI::V4 {
                Landlock::NoScopes
            } else {
                Landlock::NoTcp
            }
        }
        _ => Landlock::Absent,
    })
}
