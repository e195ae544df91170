//! A world that is mounted for real, through fusermount3 as the mount-helper does.

use crate::fake::World;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType,
};
use secretfs_fs::fuse::{Config, EndReason, Session};
use secretfs_fs::map::EntryPlan;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const FUSERMOUNT: &str = "/usr/bin/fusermount3";

/// A mounted world. Dropped, it is unmounted.
pub(crate) struct Mounted {
    pub(crate) world: World,
    pub(crate) ended: Mutex<Receiver<EndReason>>,
    folder: tempfile::TempDir,
}

impl Mounted {
    pub(crate) fn new(entries: &[EntryPlan]) -> Self {
        let world = World::new(entries);
        let folder = tempfile::tempdir().unwrap();
        let (sender, ended) = channel();
        let config = Config {
            allow_root: false,
            insecure: true,
            on_end: Box::new(move |reason| {
                let _ = sender.send(reason);
            }),
        };
        watch(folder.path());
        Session::start(mount(folder.path()), world.fs.clone(), config).unwrap();
        Self {
            world,
            ended: Mutex::new(ended),
            folder,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn open(&self, name: &str) -> std::io::Result<File> {
        File::open(self.path(name))
    }

    pub(crate) fn errno(&self, name: &str) -> i32 {
        self.open(name).unwrap_err().raw_os_error().unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn size(&self, name: &str) -> u64 {
        std::fs::metadata(self.path(name)).unwrap().len()
    }

    pub(crate) fn unmount(&self) {
        let _ = Command::new(FUSERMOUNT)
            .args(["-u", "-z", "--"])
            .arg(self.folder.path())
            .output();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.world.vault.hang(false);
        self.unmount();
    }
}

/// A process that serves its own mount cannot be killed while it waits for itself: after a while
/// the connection is aborted, so that a failing test ends.
fn watch(at: &Path) {
    let at = at.to_owned();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(60));
        let _ = rustix::mount::unmount(&at, rustix::mount::UnmountFlags::FORCE);
    });
}

fn mount(at: &Path) -> OwnedFd {
    let (ours, theirs) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    // It is inherited on purpose.
    rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
    let output = Command::new(FUSERMOUNT)
        .arg("-o")
        .arg("fsname=secretfs,subtype=secretfs,ro,nosuid,nodev,noexec,default_permissions")
        .arg("--")
        .arg(at)
        .env("_FUSE_COMMFD", theirs.as_raw_fd().to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    drop(theirs);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    rustix::net::recvmsg(
        &ours,
        &mut [std::io::IoSliceMut::new(&mut byte)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )
    .unwrap();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(mut fds) = message {
            return fds.next().unwrap();
        }
    }
    panic!("fusermount3 sent no descriptor");
}

/// Waits for what the session does by itself, soon.
pub(crate) fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
