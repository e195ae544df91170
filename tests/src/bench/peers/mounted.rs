//! A running file system of somebody else's.

use crate::fixture::Fixture;
use crate::{system, wait};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// It ends when dropped.
#[derive(Debug)]
pub struct Mounted {
    child: Child,
    mountpoint: PathBuf,
    unmount: Command,
}

impl Mounted {
    /// Starts a command that stays, with its mountpoint as the last argument, and waits for the mount.
    pub(super) fn start(fixture: &Fixture, name: &str, mut command: Command) -> Self {
        let mountpoint = fixture.make_folder(&format!("{name}-mount"), 0o700);
        command.arg(&mountpoint).stdout(Stdio::null());
        let mut child = command.spawn().expect("a peer");
        wait::until(&format!("{name} is mounted"), || {
            let ended = child.try_wait().expect("wait");
            assert!(ended.is_none(), "{name} ended with {ended:?}");
            system::mounts_below(&mountpoint).pop()
        });
        let mut unmount = fixture.command("fusermount3");
        unmount.args(["-u", "--"]).arg(&mountpoint);
        Self {
            child,
            mountpoint,
            unmount,
        }
    }

    /// Its file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.mountpoint.join("secret")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = self.unmount.status();
        wait::until("the peer ends", || self.child.try_wait().expect("wait"));
    }
}
