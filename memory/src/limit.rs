//! `RLIMIT_MEMLOCK`: reading it, dividing it among heap, sealed areas and stacks, and refusing.
//!
//! It counts for each process by itself, and `mlock` and `memfd_secret` against one counter
//! (contract locked-memory-and-session.md §2).

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};

use crate::page;

const MIB: u64 = 1 << 20;
/// The least that a daemon runs in, in bytes: 2 MiB of heap, the rest for values and stacks.
pub const DAEMON_MIN: u64 = 4 * MIB;
/// The least that a short command runs in.
const COMMAND_MIN: u64 = 3 * MIB / 2;
/// A short command's stacks, and a reserve.
const COMMAND_OVERHEAD: u64 = MIB / 2;
/// What is used of a higher limit, or of none: more would hold memory from others for no use.
const HEAP_MAX: u64 = 8 * MIB;
const COMMAND_HEAP_MAX: u64 = 64 * MIB;
const SEALED_MAX: u64 = 64 * MIB;

/// Why memory cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The limit is below what the process needs.
    #[error(
        "the memory-lock limit (RLIMIT_MEMLOCK) is {}, but {} are needed to keep secrets out of swap",
        size(*limit), size(*needed)
    )]
    TooLow {
        /// The soft limit in bytes.
        limit: u64,
        /// What is needed, in bytes.
        needed: u64,
    },
    /// The kernel refused although the limit allows it.
    #[error("cannot lock {} of memory: {source}", size(*bytes as u64))]
    Refused {
        /// How many bytes were asked for.
        bytes: usize,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A thread with a locked stack could not be started.
    #[error("cannot start a thread with a locked stack: {source}")]
    Thread {
        /// The system's answer.
        source: io::Error,
    },
}

impl LimitError {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::TooLow { needed, .. } => raise_help(*needed),
            Self::Refused { .. } => format!(
                "other memory of this process may have used the limit up; {}",
                raise_help(16 * MIB)
            ),
            Self::Thread { .. } => {
                "see `ulimit -u` (processes) and `ulimit -v` (address space)".to_owned()
            }
        }
    }

    /// What `errno` means for a request to lock `bytes`.
    pub(crate) fn from_kernel(bytes: usize, errno: Errno) -> Self {
        let limit = current();
        let wanted = bytes as u64;
        // mlock says ENOMEM, or EPERM for a limit of 0; mapping secret memory says EAGAIN.
        if matches!(errno, Errno::NOMEM | Errno::PERM | Errno::AGAIN) && limit < wanted {
            return Self::TooLow {
                limit,
                needed: wanted,
            };
        }
        Self::Refused {
            bytes,
            source: errno.into(),
        }
    }
}

/// How the locked memory of a process is divided, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What the process may lock in all (`u64::MAX`: no limit).
    pub limit: u64,
    /// The heap's limit.
    pub heap: usize,
    /// The sealed pool's capacity.
    pub sealed: usize,
}

/// Reads the limit of this process and divides it for a daemon: at 8 MiB 2 MiB of heap, 4 MiB for
/// sealed values, and 2 MiB for stacks and reserve. A soft limit below the hard one is raised to it
/// first.
///
/// # Errors
/// [`LimitError::TooLow`], unless `insecure`.
pub fn plan(insecure: bool) -> Result<Plan, LimitError> {
    divide(raise_soft_limit(), insecure)
}

/// The same for a short command that holds a secret: a heap, no sealed values.
///
/// # Errors
/// [`LimitError::TooLow`], unless `insecure`.
pub fn plan_command(insecure: bool) -> Result<Plan, LimitError> {
    divide_command(raise_soft_limit(), insecure)
}

/// What a daemon started by this process could lock, in bytes (`u64::MAX`: no limit). For `doctor`.
#[must_use]
pub fn available() -> u64 {
    raise_soft_limit()
}

/// What this process may lock now, in bytes (`u64::MAX`: no limit).
#[must_use]
pub fn current() -> u64 {
    let soft = rustix::process::getrlimit(Resource::Memlock).current;
    match soft {
        Some(bytes) if !is_exempt(bytes) => bytes,
        _ => u64::MAX,
    }
}

fn divide(limit: u64, insecure: bool) -> Result<Plan, LimitError> {
    // Where nothing has to be locked the default limit's division is as good as any.
    let usable = match limit {
        _ if limit >= DAEMON_MIN => limit,
        _ if insecure => 8 * MIB,
        _ => {
            return Err(LimitError::TooLow {
                limit,
                needed: DAEMON_MIN,
            });
        }
    };
    let heap = (usable / 4).clamp(2 * MIB, HEAP_MAX);
    let sealed = ((usable - heap) / 3).saturating_mul(2).min(SEALED_MAX);
    Ok(Plan {
        limit,
        heap: whole_pages(heap),
        sealed: whole_pages(sealed),
    })
}

fn divide_command(limit: u64, insecure: bool) -> Result<Plan, LimitError> {
    let usable = match limit {
        _ if limit >= COMMAND_MIN => limit,
        _ if insecure => 8 * MIB,
        _ => {
            return Err(LimitError::TooLow {
                limit,
                needed: COMMAND_MIN,
            });
        }
    };
    Ok(Plan {
        limit,
        heap: whole_pages((usable - COMMAND_OVERHEAD).min(COMMAND_HEAP_MAX)),
        sealed: 0,
    })
}

fn whole_pages(bytes: u64) -> usize {
    page::round_down(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// The hard limit is anyone's to use; many login sessions start with less.
fn raise_soft_limit() -> u64 {
    let now = rustix::process::getrlimit(Resource::Memlock);
    if now.current != now.maximum {
        let raised = Rlimit {
            current: now.maximum,
            maximum: now.maximum,
        };
        // A refusal leaves the soft limit, which is what is read next.
        let _ = rustix::process::setrlimit(Resource::Memlock, raised);
    }
    current()
}

/// Whether the limit does not apply to this process (`CAP_IPC_LOCK`). A capability that a user
/// namespace gives does not count (`run --private`), so it is tried: one page more than allowed,
/// locked without making it present.
#[expect(unsafe_code, reason = "locks a mapping of its own")]
fn is_exempt(soft: u64) -> bool {
    use rustix::mm::{MlockFlags, mlock_with};
    use rustix::thread::CapabilitySet;

    let has_capability = rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if !has_capability {
        return false;
    }
    let Ok(soft) = usize::try_from(soft) else {
        return true;
    };
    let bytes = page::round_up(soft.saturating_add(1));
    let Ok(at) = page::map_private(bytes) else {
        return false;
    };
    // SAFETY: the mapping of just before.
    let locked = unsafe { mlock_with(at.cast(), bytes, MlockFlags::ONFAULT) };
    // SAFETY: nobody else knows of it; its lock goes with it.
    unsafe { page::unmap(at, bytes) };
    locked.is_ok()
}

fn raise_help(needed: u64) -> String {
    let kib = needed.max(8 * MIB) / 1024;
    let user = user_name();
    format!(
        "raise the limit to {kib} KiB, then log out and in again:\n\
         \x20 - for every login: put `{user} - memlock {kib}` into /etc/security/limits.d/secretfs.conf\n\
         \x20 - with systemd: put `[Service]` and `LimitMEMLOCK={kib}K` into /etc/systemd/system/user@.service.d/secretfs.conf, run `systemctl daemon-reload`\n\
         \x20 - for this shell, as far as the hard limit allows: `ulimit -l {kib}`\n\
         or accept that secrets may reach swap: `--insecure-memory`"
    )
}

/// The name to put into the help; `USER` where the environment's is missing or odd.
fn user_name() -> String {
    std::env::var("USER")
        .ok()
        .filter(|name| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.';
            !name.is_empty() && name.len() <= 32 && name.bytes().all(plain)
        })
        .unwrap_or_else(|| "USER".to_owned())
}

/// Bytes for people: `64 KiB`, `5.5 MiB`, `unlimited`.
#[must_use]
pub fn size(bytes: u64) -> String {
    if bytes == u64::MAX {
        "unlimited".to_owned()
    } else if bytes >= MIB && bytes.is_multiple_of(MIB / 2) {
        let whole = bytes / MIB;
        let half = if bytes.is_multiple_of(MIB) { "" } else { ".5" };
        format!("{whole}{half} MiB")
    } else if bytes.is_multiple_of(1024) {
        format!("{} KiB", bytes / 1024)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_mebibytes_are_divided_as_the_contract_says() {
        let plan = divide(8 * MIB, false).unwrap();
        assert_eq!((plan.heap, plan.sealed), (2 << 20, 4 << 20));
    }

    #[test]
    fn a_division_leaves_room_for_stacks_and_never_exceeds_the_limit() {
        for mib in 4..200 {
            let plan = divide(mib * MIB, false).unwrap();
            let used = (plan.heap + plan.sealed) as u64;
            assert!(used + 640 * 1024 <= plan.limit, "{mib} MiB: {plan:?}");
            assert!(plan.heap >= 2 << 20 && plan.sealed >= 1 << 20);
        }
    }

    #[test]
    fn no_limit_does_not_mean_all_memory() {
        let plan = divide(u64::MAX, false).unwrap();
        assert_eq!((plan.heap, plan.sealed), (8 << 20, 64 << 20));
        assert_eq!(plan.limit, u64::MAX);
    }

    #[test]
    fn a_low_limit_is_refused_with_numbers_and_remedies() {
        let error = divide(64 * 1024, false).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("64 KiB") && text.contains("4 MiB"), "{text}");
        let help = error.help();
        for part in [
            "/etc/security/limits.d/secretfs.conf",
            " - memlock 8192",
            "LimitMEMLOCK=8192K",
            "/etc/systemd/system/user@.service.d/",
            "ulimit -l 8192",
            "--insecure-memory",
        ] {
            assert!(help.contains(part), "{part} is missing in: {help}");
        }
        assert!(divide_command(64 * 1024, false).is_err());
    }

    #[test]
    fn insecure_memory_is_planned_under_any_limit() {
        assert_eq!(divide(0, true).unwrap().sealed, 4 << 20);
        assert!(divide_command(0, true).unwrap().heap >= 1 << 20);
    }

    #[test]
    fn a_command_runs_below_what_a_daemon_needs() {
        let plan = divide_command(2 * MIB, false).unwrap();
        assert_eq!((plan.heap, plan.sealed), (3 << 19, 0));
    }
}
