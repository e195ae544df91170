//! fusermount3: found at a few absolute paths, never through `PATH` or `FUSERMOUNT_PATH`; run with an
//! environment of our own, and never waited for beyond a limit.

use crate::place::process::{has_ended, is_readable};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Where fusermount3 may be; in the last, set-user-id, on NixOS.
const PATHS: [&str; 3] = [
    "/usr/bin/fusermount3",
    "/bin/fusermount3",
    "/run/wrappers/bin/fusermount3",
];
/// How much of its complaint is kept.
const COMPLAINT_LIMIT: u64 = 1024;

/// fusermount3, if it is there.
#[must_use]
pub fn fusermount3() -> Option<&'static Path> {
    PATHS.map(Path::new).into_iter().find(|path| path.exists())
}

/// A command with nothing inherited but `stdin`.
pub(super) fn command(program: &Path, stdin: Stdio) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir("/")
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Runs a command for at most `limit`; its status, and the first line of its complaint.
///
/// # Errors
/// It could not be started, or had to be killed ([`std::io::ErrorKind::TimedOut`]).
pub(super) fn run(mut command: Command, limit: Duration) -> std::io::Result<(ExitStatus, String)> {
    let mut child = command.spawn()?;
    // Our copy of its standard input must not outlive this, or the other end never sees it close.
    drop(command);
    let pidfd = pidfd(&child)?;
    if !has_ended(&pidfd, limit) {
        let _ = child.kill();
        if has_ended(&pidfd, Duration::from_secs(1)) {
            let _ = child.wait();
        }
        return Err(std::io::ErrorKind::TimedOut.into());
    }
    let status = child.wait()?;
    let mut complaint = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What the program wrote is there by now; a child of its own may keep the pipe open.
        while complaint.len() < usize::try_from(COMPLAINT_LIMIT).unwrap_or(0)
            && is_readable(stderr.as_fd(), Duration::ZERO)
        {
            let mut chunk = [0; 256];
            match stderr.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(n) => complaint.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            }
        }
    }
    let complaint = String::from_utf8_lossy(&complaint);
    let line = complaint.lines().next().unwrap_or_default().trim();
    Ok((status, line.chars().filter(|c| !c.is_control()).collect()))
}

fn pidfd(child: &Child) -> std::io::Result<OwnedFd> {
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(std::io::ErrorKind::InvalidData)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn shell(script: &str) -> Command {
        let mut command = command(Path::new("/bin/sh"), Stdio::null());
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_complaint_is_kept_and_a_status_passed_on() {
        let (status, complaint) =
            run(shell("echo no way >&2; exit 3"), Duration::from_secs(10)).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(complaint, "no way");
    }

    #[test]
    fn a_program_that_hangs_is_killed_at_the_limit() {
        let start = Instant::now();
        let error = run(shell("exec sleep 60"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn nothing_of_our_environment_reaches_it() {
        let (_, complaint) = run(
            shell(
                "/usr/bin/env | /usr/bin/grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= >&2; true",
            ),
            Duration::from_secs(10),
        )
        .unwrap();
        assert_eq!(complaint, "");
    }
}
