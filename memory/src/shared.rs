//! Immutable memory shared between processes: a sealed memfd. It holds no secret, and lies outside
//! the locked budget.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

use crate::page;

/// What makes it immutable, and keeps it so.
const SEALS: SealFlags = SealFlags::SEAL
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE);

/// Makes a memfd of `bytes`, sealed against any change.
///
/// # Errors
/// The kernel refused.
pub fn publish(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag; vm.memfd_noexec = 2 refuses to go without.
    let fd = match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(name, flags)?,
        made => made?,
    };
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    let fd = OwnedFd::from(file);
    fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

/// A sealed memfd, mapped read-only.
#[derive(Debug)]
pub struct SharedMap {
    /// Dangling where `len` is 0.
    base: *const u8,
    len: usize,
}

#[expect(unsafe_code, reason = "an immutable mapping may be shared")]
// SAFETY: the mapping is read-only and its file sealed: nothing writes to it.
unsafe impl Send for SharedMap {}
#[expect(unsafe_code, reason = "an immutable mapping may be shared")]
// SAFETY: as above.
unsafe impl Sync for SharedMap {}

impl SharedMap {
    /// Maps `fd`, after checking that it is sealed against writing and shrinking: the mapping of a
    /// file that another process may shrink would end this one with SIGBUS.
    ///
    /// # Errors
    /// It is not such a memfd, or the kernel refused.
    pub fn open(fd: OwnedFd) -> io::Result<Self> {
        let needed = SealFlags::SHRINK | SealFlags::WRITE;
        // What is no memfd has no seals: EINVAL.
        let seals = fcntl_get_seals(&fd).unwrap_or(SealFlags::empty());
        if !seals.contains(needed) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the descriptor is not a memfd sealed against writing and shrinking",
            ));
        }
        let len = usize::try_from(fstat(&fd)?.st_size)
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        if len == 0 {
            return Ok(Self {
                base: std::ptr::dangling(),
                len,
            });
        }
        // Private, although nothing is written: before Linux 6.7 a shared mapping of a file sealed
        // against writing is refused even for reading. The pages are the same.
        // SAFETY: a fresh mapping touches no memory in use.
        #[expect(unsafe_code, reason = "maps the file")]
        let base = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ,
                MapFlags::PRIVATE,
                &fd,
                0,
            )
        }?;
        // The mapping holds the file from here on.
        drop(fd);
        Ok(Self {
            base: base.cast_const().cast(),
            len,
        })
    }
}

impl std::ops::Deref for SharedMap {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped for as long as `self` lives, and sealed: neither written nor shrunk.
        #[expect(unsafe_code, reason = "the mapping as a slice")]
        unsafe {
            std::slice::from_raw_parts(self.base, self.len)
        }
    }
}

impl Drop for SharedMap {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the mapping of `open`; no slice of it outlives `self`.
            #[expect(unsafe_code, reason = "unmaps the file")]
            unsafe {
                page::unmap(self.base.cast_mut(), self.len);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_back() {
        for len in [0, 1, 4096, 100_000] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let map = SharedMap::open(publish("test", &bytes).unwrap()).unwrap();
            assert_eq!(&*map, bytes);
        }
    }

    #[test]
    fn what_is_published_cannot_be_changed() {
        let fd = publish("test", b"as it is").unwrap();
        assert!(rustix::fs::ftruncate(&fd, 0).is_err());
        assert!(rustix::fs::ftruncate(&fd, 100).is_err());
        assert!(rustix::io::pwrite(&fd, b"x", 0).is_err());
        assert!(fcntl_add_seals(&fd, SealFlags::FUTURE_WRITE).is_err());
        assert_eq!(&*SharedMap::open(fd).unwrap(), b"as it is");
    }

    #[test]
    fn what_could_shrink_is_refused() {
        let fd = memfd_create("open", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        assert!(SharedMap::open(fd).is_err());
        let half = memfd_create("half", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        fcntl_add_seals(&half, SealFlags::WRITE).unwrap();
        assert!(SharedMap::open(half).is_err());
        assert!(SharedMap::open(File::open("/proc/self/exe").unwrap().into()).is_err());
    }
}
