//! The memory behind the pool: address space reserved at once and mapped step by step.

#![expect(unsafe_code, reason = "mappings")]

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use crate::{page, wipe};

/// Bytes mapped at once. At the default limit this is the whole pool, so that what was promised at
/// the start is there; under a higher limit a daemon at rest does not hold it all.
pub(super) const STEP: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Area {
    base: *mut u8,
    capacity: usize,
    insecure: bool,
    secretmem: bool,
}

// SAFETY: the area is plain memory. Who may touch which part of it is settled by the pool.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

impl Area {
    /// Reserves `capacity` bytes and maps the first step; how many bytes these are comes with it.
    pub(super) fn new(capacity: usize, insecure: bool) -> Result<(Self, usize), Errno> {
        let mut area = Self {
            base: page::reserve(capacity)?,
            capacity,
            insecure,
            secretmem: true,
        };
        let first = capacity.min(STEP);
        if area.map_secret(0, first).is_err() {
            area.secretmem = false;
            area.map_anonymous(0, first)?;
        }
        Ok((area, first))
    }

    /// The same without `memfd_secret`, as on a kernel that has none.
    #[cfg(test)]
    pub(super) fn new_anonymous(capacity: usize) -> Result<(Self, usize), Errno> {
        let area = Self {
            base: page::reserve(capacity)?,
            capacity,
            insecure: false,
            secretmem: false,
        };
        let first = capacity.min(STEP);
        area.map_anonymous(0, first)?;
        Ok((area, first))
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn is_secretmem(&self) -> bool {
        self.secretmem
    }

    /// Maps what follows the `mapped` bytes; returns how many there are more.
    pub(super) fn extend(&self, mapped: usize) -> Result<usize, Errno> {
        let step = (self.capacity - mapped).min(STEP);
        if step == 0 {
            return Err(Errno::NOMEM);
        }
        if self.secretmem {
            self.map_secret(mapped, step)?;
        } else {
            self.map_anonymous(mapped, step)?;
        }
        Ok(step)
    }

    /// Gives the first `mapped` bytes back to the kernel, which zeroes them: address space again.
    ///
    /// # Safety
    /// Nobody uses them.
    pub(super) unsafe fn unmap(&self, mapped: usize) {
        if mapped > 0 {
            // SAFETY: the caller's promise.
            unsafe { page::forbid_access(self.base, mapped) };
        }
    }

    /// The address of the byte at `offset`.
    ///
    /// # Safety
    /// `offset` is not beyond the capacity.
    pub(super) unsafe fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.base.add(offset) }
    }

    /// Zeroes `len` bytes from `offset`.
    ///
    /// # Safety
    /// They are mapped, and nobody else uses them.
    pub(super) unsafe fn wipe(&self, offset: usize, len: usize) {
        // SAFETY: the caller's promise.
        unsafe { wipe::wipe_raw(self.base.add(offset), len) };
    }

    /// A `memfd_secret` of its own for each step: its size is set once and for all, and with the
    /// descriptor closed nobody can take it from this process and map it.
    fn map_secret(&self, offset: usize, len: usize) -> Result<(), Errno> {
        let fd = memfd_secret()?;
        rustix::fs::ftruncate(&fd, len as u64)?;
        // SAFETY: replaces a part of the reservation, which nobody uses yet.
        let at = unsafe {
            rustix::mm::mmap(
                self.base.add(offset).cast(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::FIXED,
                fd.as_fd(),
                0,
            )
        };
        // A failed mapping may leave a hole in the reservation.
        self.protect(offset, len, at.map(|_| ()))
    }

    /// mlock'ed pages, for kernels without `memfd_secret` (or with `secretmem.enable=0`).
    fn map_anonymous(&self, offset: usize, len: usize) -> Result<(), Errno> {
        // SAFETY: replaces a part of the reservation, which nobody uses yet.
        let at = unsafe {
            rustix::mm::mmap_anonymous(
                self.base.add(offset).cast(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED,
            )
        };
        let locked = at.and_then(|at| {
            // SAFETY: the mapping of just before.
            let locked = unsafe { page::lock(at.cast(), len) };
            if self.insecure { Ok(()) } else { locked }
        });
        self.protect(offset, len, locked)
    }

    /// Keeps a fresh part from core dumps and children; after a failure it is reserved space again.
    fn protect(&self, offset: usize, len: usize, mapped: Result<(), Errno>) -> Result<(), Errno> {
        // SAFETY: inside the reservation.
        let at = unsafe { self.base.add(offset) };
        // SAFETY: the part that was just mapped. (MADV_WIPEONFORK is EINVAL on secret memory.)
        let done = mapped.and_then(|()| unsafe {
            page::dont_dump(at, len)?;
            page::dont_fork(at, len)
        });
        if done.is_err() {
            // SAFETY: nobody uses it yet.
            unsafe { page::forbid_access(at, len) };
        }
        done
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: the pool is gone, and with it every reference to the area.
        unsafe { page::unmap(self.base, self.capacity) };
    }
}

/// Whether the kernel has `memfd_secret`, and it is not switched off.
pub(super) fn is_secretmem_available() -> bool {
    memfd_secret().is_ok()
}

/// `memfd_secret(2)`, which rustix does not have. Its manual names the flag `FD_CLOEXEC`; the kernel
/// takes `O_CLOEXEC`, and answers the other one with EINVAL.
fn memfd_secret() -> Result<OwnedFd, Errno> {
    // SAFETY: takes a number, returns one.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let fd = i32::try_from(fd).map_err(|_| Errno::BADF)?;
    if fd < 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::NOSYS));
    }
    // SAFETY: a descriptor that the kernel just made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
