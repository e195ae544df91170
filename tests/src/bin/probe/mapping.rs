//! A mapping of a file whose pages may vanish under the reader.

use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};
use std::io::Read;

/// A mapping, for reading.
pub(crate) struct Mapping {
    at: *mut std::ffi::c_void,
    len: usize,
}

impl Mapping {
    /// Maps the first `len` bytes.
    #[expect(unsafe_code, reason = "mmap")]
    pub(crate) fn new(fd: BorrowedFd<'_>, len: usize, shared: bool) -> Result<Self, Errno> {
        let flags = if shared {
            MapFlags::SHARED
        } else {
            MapFlags::PRIVATE
        };
        // SAFETY: the kernel chooses the place, so nothing of ours is replaced.
        let at =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), len, ProtFlags::READ, flags, fd, 0) }?;
        Ok(Self { at, len })
    }

    /// Copies the start of the mapping through a pipe: the kernel reads it, so a page that is gone is
    /// EFAULT and not a SIGBUS that ends the probe.
    #[expect(unsafe_code, reason = "the bytes of a mapping")]
    pub(crate) fn peek(&self, len: usize) -> Result<Vec<u8>, Errno> {
        let (reader, writer) = rustix::pipe::pipe()?;
        let mut reader = std::fs::File::from(reader);
        let mut bytes = Vec::new();
        while bytes.len() < len.min(self.len) {
            let piece = (len.min(self.len) - bytes.len()).min(4096);
            // SAFETY: inside the mapping, which lives as long as self; the slice is given to the
            // kernel alone, which copes with pages that cannot be had.
            let slice = unsafe {
                std::slice::from_raw_parts(
                    self.at.cast::<u8>().cast_const().add(bytes.len()),
                    piece,
                )
            };
            let written = rustix::io::write(writer.as_fd(), slice)?;
            let mut copy = vec![0; written];
            reader.read_exact(&mut copy).map_err(|_| Errno::IO)?;
            bytes.extend(copy);
        }
        Ok(bytes)
    }
}

impl Drop for Mapping {
    #[expect(unsafe_code, reason = "munmap")]
    fn drop(&mut self) {
        // SAFETY: made by mmap with this length, and not used again.
        let _ = unsafe { rustix::mm::munmap(self.at, self.len) };
    }
}
