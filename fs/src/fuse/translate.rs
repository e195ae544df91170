//! Between the tree's types and fuser's.

use crate::tree::{Attr, Caller, Kind, NameSink, STABLE};
use fuser::{
    Errno, FileAttr, FileType, Generation, INodeNo, ReplyAttr, ReplyDirectory, ReplyEntry, Request,
};
use std::time::SystemTime;

/// The block size that `stat` tells; also what the kernel fills its pages by.
pub(super) const BLOCK: u32 = 4096;

pub(super) fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_i32(errno.raw_os_error())
}

pub(super) fn caller(request: &Request) -> Caller {
    Caller {
        pid: request.pid(),
        uid: request.uid(),
    }
}

pub(super) fn kind(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::RegularFile,
        Kind::Folder => FileType::Directory,
    }
}

pub(super) fn attr(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.ino),
        size: attr.size,
        blocks: attr.size.div_ceil(512),
        atime: attr.modified,
        mtime: attr.modified,
        ctime: attr.modified,
        crtime: SystemTime::UNIX_EPOCH,
        kind: kind(attr.kind),
        perm: attr.mode,
        // For a folder 1 means that its number of sub-folders is not told (as on btrfs).
        nlink: 1,
        uid: attr.uid,
        gid: attr.gid,
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

/// A failed lookup is not remembered: what is not there now may come with a reload.
pub(super) fn entry(result: Result<Attr, rustix::io::Errno>, reply: ReplyEntry) {
    match result {
        // Numbers are never reused, so all are of one generation.
        Ok(found) => reply.entry_with_ttls(&found.valid, &STABLE, &attr(&found), Generation(0)),
        Err(error) => reply.error(errno(error)),
    }
}

pub(super) fn attributes(result: Result<Attr, rustix::io::Errno>, reply: ReplyAttr) {
    match result {
        Ok(found) => reply.attr(&found.valid, &attr(&found)),
        Err(error) => reply.error(errno(error)),
    }
}

/// The names of a folder, on their way to the kernel.
pub(super) struct Names(pub(super) ReplyDirectory);

impl NameSink for Names {
    fn add(&mut self, ino: u64, next: u64, of: Kind, name: &str) -> bool {
        self.0.add(INodeNo(ino), next, kind(of), name)
    }

    fn done(self, result: Result<(), rustix::io::Errno>) {
        match result {
            Ok(()) => self.0.ok(),
            Err(error) => self.0.error(errno(error)),
        }
    }
}
