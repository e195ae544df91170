//! What a read-only mount refuses. The kernel does so by itself (`ro`); these answer when a mount
//! option was forgotten, and keep fuser from warning about operations that are not implemented.

/// Operations of [`fuser::Filesystem`] that change something, and ones that the kernel does by
/// itself once they were answered ENOSYS.
macro_rules! refusals {
    () => {
        fn setattr(
            &self,
            _: &Request,
            _: INodeNo,
            _: Option<u32>,
            _: Option<u32>,
            _: Option<u32>,
            _: Option<u64>,
            _: Option<TimeOrNow>,
            _: Option<TimeOrNow>,
            _: Option<SystemTime>,
            _: Option<FileHandle>,
            _: Option<SystemTime>,
            _: Option<SystemTime>,
            _: Option<SystemTime>,
            _: Option<BsdFileFlags>,
            reply: ReplyAttr,
        ) {
            reply.error(Errno::EROFS);
        }
        fn readlink(&self, _: &Request, _: INodeNo, reply: ReplyData) {
            reply.error(Errno::EINVAL);
        }
        fn mknod(
            &self,
            _: &Request,
            _: INodeNo,
            _: &OsStr,
            _: u32,
            _: u32,
            _: u32,
            reply: ReplyEntry,
        ) {
            reply.error(Errno::EROFS);
        }
        fn mkdir(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
            reply.error(Errno::EROFS);
        }
        fn unlink(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
            reply.error(Errno::EROFS);
        }
        fn rmdir(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
            reply.error(Errno::EROFS);
        }
        fn symlink(&self, _: &Request, _: INodeNo, _: &OsStr, _: &Path, reply: ReplyEntry) {
            reply.error(Errno::EROFS);
        }
        fn rename(
            &self,
            _: &Request,
            _: INodeNo,
            _: &OsStr,
            _: INodeNo,
            _: &OsStr,
            _: RenameFlags,
            reply: ReplyEmpty,
        ) {
            reply.error(Errno::EROFS);
        }
        fn link(&self, _: &Request, _: INodeNo, _: INodeNo, _: &OsStr, reply: ReplyEntry) {
            reply.error(Errno::EROFS);
        }
        fn write(
            &self,
            _: &Request,
            _: INodeNo,
            _: FileHandle,
            _: u64,
            _: &[u8],
            _: WriteFlags,
            _: OpenFlags,
            _: Option<LockOwner>,
            reply: ReplyWrite,
        ) {
            reply.error(Errno::EROFS);
        }
        fn setxattr(
            &self,
            _: &Request,
            _: INodeNo,
            _: &OsStr,
            _: &[u8],
            _: i32,
            _: u32,
            reply: ReplyEmpty,
        ) {
            reply.error(Errno::EROFS);
        }
        fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
            reply.error(Errno::EROFS);
        }
        fn create(
            &self,
            _: &Request,
            _: INodeNo,
            _: &OsStr,
            _: u32,
            _: u32,
            _: i32,
            reply: ReplyCreate,
        ) {
            reply.error(Errno::EROFS);
        }
        fn fallocate(
            &self,
            _: &Request,
            _: INodeNo,
            _: FileHandle,
            _: u64,
            _: u64,
            _: i32,
            reply: ReplyEmpty,
        ) {
            reply.error(Errno::EROFS);
        }
        fn copy_file_range(
            &self,
            _: &Request,
            _: INodeNo,
            _: FileHandle,
            _: u64,
            _: INodeNo,
            _: FileHandle,
            _: u64,
            _: u64,
            _: CopyFileRangeFlags,
            reply: ReplyWrite,
        ) {
            reply.error(Errno::EROFS);
        }
        /// SEEK_DATA and SEEK_HOLE: the kernel takes the file for one piece of data.
        fn lseek(&self, _: &Request, _: INodeNo, _: FileHandle, _: i64, _: i32, reply: ReplyLseek) {
            reply.error(Errno::ENOSYS);
        }
        /// A regular file is always ready.
        fn poll(
            &self,
            _: &Request,
            _: INodeNo,
            _: FileHandle,
            _: PollNotifier,
            _: PollEvents,
            _: PollFlags,
            reply: ReplyPoll,
        ) {
            reply.error(Errno::ENOSYS);
        }
        fn ioctl(
            &self,
            _: &Request,
            _: INodeNo,
            _: FileHandle,
            _: IoctlFlags,
            _: u32,
            _: &[u8],
            _: u32,
            reply: ReplyIoctl,
        ) {
            reply.error(Errno::ENOTTY);
        }
        fn bmap(&self, _: &Request, _: INodeNo, _: u32, _: u64, reply: ReplyBmap) {
            reply.error(Errno::ENOSYS);
        }
    };
}

pub(super) use refusals;
