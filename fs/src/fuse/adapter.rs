//! fuser's trait, on the tree: thin, so that everything worth testing is tested without a mount.
//!
//! One event thread: with 1 or 2 readers it was faster than several (contract fuse.md §2.9). It
//! never waits; what has to wait takes its reply along to the runtime.

use super::linger::{After, Linger};
use super::refuse::refusals;
use super::translate::{BLOCK, Names, attributes, caller, entry, errno};
use crate::tree::{ERROR_XATTR, SecretFs};
use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, FopenFlags,
    INodeNo, InitFlags, IoctlFlags, KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags,
    PollNotifier, RenameFlags, ReplyAttr, ReplyBmap, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use secretfs_memory::bounce::BounceBuffer;
use std::cell::Cell;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The largest READ that the kernel sends, and so the size of the bounce buffer: it follows from
/// `max_write`, which fuser turns into `max_pages`.
pub(super) const MAX_READ: u32 = 128 * 1024;

/// Requests that the kernel does not wait for, releases above all, that it may send at once. It takes
/// less where memory is small.
const MAX_BACKGROUND: u16 = 4096;

/// What no open handle of ours needs: FLUSH on close.
const OPEN_FLAGS: FopenFlags = FopenFlags::FOPEN_DIRECT_IO.union(FopenFlags::FOPEN_NOFLUSH);

thread_local! {
    static STACK_LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// The tree as fuser calls it.
pub(super) struct Adapter {
    fs: Arc<SecretFs>,
    /// Used by the one event thread alone, as the next one.
    buffer: Mutex<BounceBuffer>,
    linger: Mutex<Linger>,
}

impl Adapter {
    /// `device`: the one that requests are read from.
    pub(super) fn new(fs: Arc<SecretFs>, device: OwnedFd) -> Self {
        Self {
            fs,
            buffer: Mutex::new(BounceBuffer::new(MAX_READ as usize)),
            linger: Mutex::new(Linger::new(device)),
        }
    }

    /// Runs one operation that its program waits for.
    fn run(&self, op: &'static str, request: &Request, body: impl FnOnce(&Arc<SecretFs>)) {
        self.run_and(After::Answer, op, request, body);
    }

    /// Runs one operation. After a panic its reply was dropped, which fuser answers with EIO.
    fn run_and(
        &self,
        after: After,
        op: &'static str,
        request: &Request,
        body: impl FnOnce(&Arc<SecretFs>),
    ) {
        let span = tracing::debug_span!("fuse", op, id = request.unique().0, pid = request.pid());
        let _entered = span.enter();
        lock_stack();
        if catch_unwind(AssertUnwindSafe(|| body(&self.fs))).is_err() {
            tracing::error!(op, "a request panicked and was answered EIO");
        }
        let mut linger = self.linger.lock().unwrap_or_else(PoisonError::into_inner);
        linger.after(after);
    }
}

/// fuser starts the event thread itself, so its stack is locked with the first request.
fn lock_stack() {
    if !STACK_LOCKED.replace(true)
        && let Err(error) = secretfs_memory::stack::lock_current()
    {
        // The daemon has refused to start before, or was told to go on.
        tracing::debug!(%error, "the event thread's stack is not locked");
    }
}

impl Filesystem for Adapter {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // The buffer's 16 MiB are for writes, of which there are none.
        let _ = config.set_max_write(MAX_READ);
        let _ = config.set_max_readahead(MAX_READ);
        // Releases are sent in the background, 12 at a time by default, while opens and reads are not
        // counted: of a thousand readers the closed handles would pile up until the heap is full.
        let _ = config.set_max_background(MAX_BACKGROUND);
        // Without the first, MAP_SHARED of a direct I/O file is ENODEV (contract fuse.md §2.2);
        // with the second, an abort can be told from an unmount; with the third, a lookup that
        // waits for a provider does not keep others out of its folder.
        for wanted in [
            InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP,
            InitFlags::FUSE_ABORT_ERROR,
            InitFlags::FUSE_PARALLEL_DIROPS,
        ] {
            if config.add_capabilities(wanted).is_err() {
                tracing::info!(capability = ?wanted, "the kernel does not know it");
            }
        }
        Ok(())
    }

    fn lookup(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.run("lookup", request, |fs| match name.to_str() {
            Some(name) => fs.lookup(caller(request), parent.0, name, |found| {
                entry(found, reply);
            }),
            // No name that we show.
            None => reply.error(Errno::ENOENT),
        });
    }

    /// One of these or many at once: fuser calls it for each.
    fn forget(&self, request: &Request, ino: INodeNo, lookups: u64) {
        self.run_and(After::Forget, "forget", request, |fs| {
            fs.forget(ino.0, lookups);
        });
    }

    fn getattr(&self, request: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.run("getattr", request, |fs| {
            attributes(fs.getattr(caller(request), ino.0), reply);
        });
    }

    fn open(&self, request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.run("open", request, |fs| {
            if flags.acc_mode() != fuser::OpenAccMode::O_RDONLY {
                return reply.error(Errno::EROFS);
            }
            fs.open(caller(request), ino.0, |opened| match opened {
                Ok(handle) => reply.opened(FileHandle(handle), OPEN_FLAGS),
                Err(error) => reply.error(errno(error)),
            });
        });
    }

    fn read(
        &self,
        request: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.run("read", request, |fs| {
            let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
            fs.read(handle.0, offset, size, &mut buffer, |bytes| match bytes {
                Ok(bytes) => reply.data(bytes),
                Err(error) => reply.error(errno(error)),
            });
        });
    }

    fn release(
        &self,
        request: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.run_and(After::Release, "release", request, |fs| {
            fs.release(handle.0);
            reply.ok();
        });
    }

    fn opendir(&self, request: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.run("opendir", request, |fs| {
            match fs.opendir(caller(request), ino.0) {
                Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::empty()),
                Err(error) => reply.error(errno(error)),
            }
        });
    }

    fn readdir(
        &self,
        request: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        self.run("readdir", request, |fs| {
            fs.readdir(caller(request), handle.0, offset, Names(reply));
        });
    }

    fn releasedir(
        &self,
        request: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.run_and(After::Release, "releasedir", request, |fs| {
            fs.releasedir(handle.0);
            reply.ok();
        });
    }

    fn getxattr(
        &self,
        request: &Request,
        ino: INodeNo,
        name: &OsStr,
        size: u32,
        reply: ReplyXattr,
    ) {
        self.run("getxattr", request, |fs| {
            if name != ERROR_XATTR {
                return reply.error(Errno::ENODATA);
            }
            match fs.error_text(caller(request), ino.0) {
                Ok(text) => xattr(text.as_bytes(), size, reply),
                Err(error) => reply.error(errno(error)),
            }
        });
    }

    fn listxattr(&self, request: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.run("listxattr", request, |fs| {
            match fs.error_text(caller(request), ino.0) {
                Ok(_) => xattr(format!("{ERROR_XATTR}\0").as_bytes(), size, reply),
                Err(rustix::io::Errno::NODATA) => xattr(&[], size, reply),
                Err(error) => reply.error(errno(error)),
            }
        });
    }

    /// The kernel checks modes by itself (`default_permissions`).
    fn access(&self, request: &Request, _: INodeNo, mask: AccessFlags, reply: ReplyEmpty) {
        self.run("access", request, |_| {
            if mask.contains(AccessFlags::W_OK) {
                reply.error(Errno::EROFS);
            } else {
                reply.ok();
            }
        });
    }

    /// No blocks, so `df` hides it.
    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(0, 0, 0, 0, 0, BLOCK, 255, BLOCK);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    refusals!();
}

/// An attribute, or its length, as the caller's buffer asks.
fn xattr(value: &[u8], size: u32, reply: ReplyXattr) {
    match u32::try_from(value.len()) {
        Ok(len) if size == 0 => reply.size(len),
        Ok(len) if len <= size => reply.data(value),
        _ => reply.error(Errno::ERANGE),
    }
}
