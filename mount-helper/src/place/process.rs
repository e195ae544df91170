//! Which process: its id and when it started, so that a reused id is never taken for it.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// A process of this machine since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`, which is readable
    /// for processes that are not dumpable too).
    pub started: u64,
}

impl ProcessId {
    /// The process that has this id now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Some(Self {
            pid,
            started: started(&stat)?,
        })
    }

    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self::of(pid).unwrap_or(Self { pid, started: 0 })
    }

    /// A descriptor of the process, if it still is the same one.
    #[must_use]
    pub fn open(self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Only now: the id cannot be reused while we hold the descriptor of its owner.
        (Self::of(self.pid)? == self).then_some(fd)
    }

    /// Whether it still runs. A zombie counts as ended.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.open()
            .is_some_and(|fd| !has_ended(&fd, Duration::ZERO))
    }

    /// Kills it and waits for its end, at most `limit`. True: it is gone.
    #[must_use]
    pub fn kill(self, limit: Duration) -> bool {
        let Some(fd) = self.open() else { return true };
        let _ = pidfd_send_signal(&fd, Signal::KILL);
        has_ended(&fd, limit)
    }
}

/// Waits for the end of a process, at most `limit`; whether it ended.
#[must_use]
pub(crate) fn has_ended(pidfd: &OwnedFd, limit: Duration) -> bool {
    is_readable(std::os::fd::AsFd::as_fd(pidfd), limit)
}

/// Waits until a descriptor is readable or closed at its other end, at most `limit`.
#[must_use]
pub(crate) fn is_readable(fd: BorrowedFd<'_>, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else {
            return false;
        };
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)) {
            Ok(n) => return n > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Field 22 of a `/proc/PID/stat`. The name in field 2 may hold anything, its end is the last `)`.
fn started(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_process_name_does_not_move_the_fields() {
        let stat = b"7 (a) 1 (2 3) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        assert_eq!(started(stat), Some(4711));
        assert_eq!(started(b"7 (a"), None);
        assert_eq!(started(b"7 (a) S 1"), None);
    }

    #[test]
    fn a_process_with_a_reused_id_is_another_one() {
        let me = ProcessId::current();
        assert!(me.is_alive());
        let other = ProcessId {
            started: me.started + 1,
            ..me
        };
        assert!(!other.is_alive());
        assert!(other.open().is_none());
    }

    #[test]
    fn a_killed_process_is_gone() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.is_alive());
        assert!(id.kill(Duration::from_secs(10)));
        assert!(!id.is_alive());
        child.wait().unwrap();
    }
}
