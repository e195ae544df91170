//! A session: the event thread, the notifier's threads, and how it ends.

use super::adapter::Adapter;
use super::notifier::{forget_inodes, forget_names};
use crate::tree::SecretFs;
use fuser::SessionACL;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use secretfs_memory::stack;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How long the kernel's INIT may take. It is there as soon as the file system is mounted.
const INIT: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

/// These threads do little. They hold no secret, and their stacks are locked all the same: so that
/// nobody has to know which ones do.
const STACK: usize = 128 << 10;

/// How a session is run.
pub struct Config {
    /// The mount lets root in, beside the owner.
    pub allow_root: bool,
    /// Go on where a thread's stack cannot be locked.
    pub insecure: bool,
    /// Called once, on a thread of the session, when it has ended.
    pub on_end: Box<dyn FnOnce(EndReason) + Send>,
}

/// Why a session ended.
#[derive(Debug)]
pub enum EndReason {
    /// The file system was unmounted.
    Unmounted,
    /// The connection was aborted.
    Aborted,
    /// Reading from `/dev/fuse` failed.
    Failed(io::Error),
    /// The event thread panicked.
    Panicked,
}

/// A served mount. It neither mounts nor unmounts; dropping it leaves the event thread running
/// until the kernel's side of the connection is gone.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// Answers the kernel's INIT on `fd`, a mounted `/dev/fuse`, and serves `fs` on it.
    ///
    /// # Errors
    /// No INIT came, or the kernel is too old, or a thread could not be started.
    pub fn start(fd: OwnedFd, fs: Arc<SecretFs>, config: Config) -> io::Result<Self> {
        await_init(&fd)?;
        let acl = if config.allow_root {
            SessionACL::RootAndOwner
        } else {
            SessionACL::Owner
        };
        let mut options = fuser::Config::default();
        options.acl = acl;
        options.n_threads = Some(1);
        let adapter = Adapter::new(Arc::clone(&fs), fd.try_clone()?);
        let session = fuser::Session::from_fd(adapter, fd, acl, options)?;
        let kernel = session.notifier();
        for (name, work) in [
            ("forget-inodes", forget_inodes as fn(&Arc<SecretFs>, &_)),
            ("forget-names", forget_names),
        ] {
            let (fs, kernel) = (Arc::clone(&fs), kernel.clone());
            start_thread(config.insecure, name, move || work(&fs, &kernel))?;
        }
        start_thread(config.insecure, "fuse-session", move || {
            // fuser joins its event thread, and tells a panic of it as an error of its own.
            let reason = match catch_unwind(AssertUnwindSafe(|| session.run())) {
                Ok(Ok(())) => EndReason::Unmounted,
                Ok(Err(error)) if is_abort(&error) => EndReason::Aborted,
                Ok(Err(error)) if error.raw_os_error().is_none() => EndReason::Panicked,
                Ok(Err(error)) => EndReason::Failed(error),
                Err(_) => EndReason::Panicked,
            };
            fs.invalidations().close();
            (config.on_end)(reason);
        })?;
        Ok(Self {})
    }
}

/// Waits for the first request, with a deadline: fuser would wait for ever.
fn await_init(fd: &OwnedFd) -> io::Result<()> {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    if poll(&mut fds, Some(&INIT))? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(())
}

/// FUSE_ABORT_ERROR: reading after an abort is ECONNABORTED, after an unmount ENODEV.
fn is_abort(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionAborted
}

fn start_thread(
    insecure: bool,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    stack::spawn_as(insecure, name, STACK, work)
        .map(drop)
        .map_err(io::Error::other)
}
