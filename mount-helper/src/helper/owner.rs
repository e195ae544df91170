//! The command that a mount is for (`secretfs run`): however it ends, its mount ends with it. The
//! command is watched by its pidfd, so nothing has to outlive it to tell.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use tokio::sync::watch;

/// The command, where the mount has one.
#[derive(Debug, Default)]
pub(super) struct Owner(Option<watch::Receiver<bool>>);

impl Owner {
    /// With its pidfd.
    ///
    /// # Errors
    /// No thread could be started to wait for it.
    pub(super) fn new(pidfd: Option<OwnedFd>) -> std::io::Result<Self> {
        let Some(pidfd) = pidfd else {
            return Ok(Self::default());
        };
        let (tell, told) = watch::channel(false);
        // Ends with this process.
        std::thread::Builder::new()
            .name("owner".to_owned())
            .spawn(move || {
                wait(&pidfd);
                tell.send_replace(true);
            })?;
        Ok(Self(Some(told)))
    }

    /// Completes when the command has ended: never, where there is none. May be dropped and called
    /// again.
    pub(super) async fn ended(&self) {
        let Some(told) = &self.0 else {
            return std::future::pending().await;
        };
        // An error: nobody watches any more, which must not leave a mount behind.
        let _ = told.clone().wait_for(|ended| *ended).await;
    }
}

/// Waits until the process has ended, or cannot be waited for.
fn wait(pidfd: &OwnedFd) {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    while poll(&mut fds, None) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn the_end_of_the_command_is_seen_and_stays_so() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        let owner = Owner::new(Some(pidfd_open(pid, PidfdFlags::empty()).unwrap())).unwrap();
        assert!(timeout(Duration::ZERO, owner.ended()).await.is_err());
        drop(child.stdin.take());
        for _ in 0..2 {
            assert!(
                timeout(Duration::from_secs(10), owner.ended())
                    .await
                    .is_ok()
            );
        }
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn a_mount_of_no_command_is_not_ended() {
        assert!(
            timeout(Duration::ZERO, Owner::default().ended())
                .await
                .is_err()
        );
    }
}
