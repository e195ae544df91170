//! System calls that neither std nor rustix offers safely.
#![expect(unsafe_code, reason = "mappings and cachestat")]

use std::fs::File;
use std::os::fd::AsRawFd;

/// A mapping of a whole file.
pub(crate) struct Mapping {
    at: *const u8,
    len: usize,
}

impl Mapping {
    pub(crate) fn new(file: &File, len: usize, shared: bool) -> std::io::Result<Self> {
        let flags = if shared {
            libc::MAP_SHARED
        } else {
            libc::MAP_PRIVATE
        };
        // SAFETY: a new mapping, read-only, of memory that is nobody else's.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ,
                flags,
                file.as_raw_fd(),
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Self {
            at: at.cast_const().cast(),
            len,
        })
    }

    /// A copy of the bytes, each read by itself.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (0..self.len)
            // SAFETY: inside the mapping. A page that is gone ends the process with SIGBUS, which
            // is what one of the tests waits for.
            .map(|offset| unsafe { self.at.add(offset).read_volatile() })
            .collect()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made in `new`, unmapped once.
        unsafe { libc::munmap(self.at.cast_mut().cast(), self.len) };
    }
}

/// How many pages of a file are in the page cache; `None`: the kernel does not know cachestat.
pub(crate) fn cached_pages(file: &File) -> Option<u64> {
    const CACHESTAT: libc::c_long = 451;
    let range = [0_u64, 0];
    let mut out = [0_u64; 5];
    // SAFETY: a `struct cachestat_range` and a `struct cachestat`, as cachestat(2) says.
    let rc = unsafe {
        libc::syscall(
            CACHESTAT,
            file.as_raw_fd(),
            range.as_ptr(),
            out.as_mut_ptr(),
            0,
        )
    };
    (rc == 0).then_some(out[0])
}
