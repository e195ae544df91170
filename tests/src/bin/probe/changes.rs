//! Attempts to change what is read-only.

use rustix::fs::{
    self, AtFlags, CWD, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;
use secretfs_tests::script::Change;

/// Tries; the kernel's answer.
pub(crate) fn attempt(what: Change, path: &str) -> Result<(), Errno> {
    let beside = format!("{path}.new");
    match what {
        Change::OpenForWriting => fs::open(path, OFlags::WRONLY, Mode::empty()).map(drop),
        Change::OpenForBoth => fs::open(path, OFlags::RDWR, Mode::empty()).map(drop),
        Change::Create => fs::open(beside, OFlags::WRONLY | OFlags::CREATE, Mode::RUSR).map(drop),
        Change::Truncate => {
            let path = std::ffi::CString::new(path).map_err(|_| Errno::INVAL)?;
            truncate(&path)
        }
        Change::Unlink => fs::unlink(path),
        Change::Rmdir => fs::rmdir(path),
        Change::Rename => fs::rename(path, beside),
        Change::Mkdir => fs::mkdir(beside, Mode::RWXU),
        Change::Symlink => fs::symlink("/etc/passwd", beside),
        Change::HardLink => fs::link(path, beside),
        Change::Chmod => fs::chmod(path, Mode::RWXU | Mode::RWXO),
        Change::Chown => {
            let uid = Uid::from_raw(65_534);
            fs::chownat(CWD, path, Some(uid), None::<Gid>, AtFlags::empty())
        }
        Change::SetTimes => {
            let zero = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let times = Timestamps {
                last_access: zero,
                last_modification: zero,
            };
            fs::utimensat(CWD, path, &times, AtFlags::empty())
        }
        Change::SetAttribute => fs::setxattr(path, "user.x", b"y", XattrFlags::empty()),
        Change::Mknod => fs::mknodat(CWD, beside, FileType::Fifo, Mode::RUSR, 0),
    }
}

#[expect(unsafe_code, reason = "rustix has no truncate(2)")]
fn truncate(path: &std::ffi::CStr) -> Result<(), Errno> {
    // SAFETY: the path ends with a NUL.
    if unsafe { libc::truncate(path.as_ptr(), 0) } == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
