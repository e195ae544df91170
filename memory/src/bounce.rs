//! The bounce buffer: the kernel cannot write to `/dev/fuse` from `memfd_secret` (EFAULT, contract
//! locked-memory-and-session.md §2), so a reply is copied here, sent, and wiped.

use crate::sealed::{Sealed, SealedError};

/// One reply's worth of locked memory. Each thread that replies has its own.
#[derive(Debug)]
pub struct BounceBuffer {
    bytes: Vec<u8>,
}

impl BounceBuffer {
    /// A buffer of `size` bytes, in the locked heap.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size],
        }
    }

    /// Copies up to `len` bytes of `value` from `offset`, hands them to `send`, wipes them.
    ///
    /// # Errors
    /// [`SealedError::Wiped`]: nothing was handed over.
    pub fn with<R>(
        &mut self,
        value: &Sealed,
        offset: usize,
        len: usize,
        send: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, SealedError> {
        let len = len.min(self.bytes.len());
        let window = self.bytes.get_mut(..len).unwrap_or_default();
        let n = value.read_at(offset, window)?;
        let out = send(window.get(..n).unwrap_or_default());
        zeroize::Zeroize::zeroize(window);
        Ok(out)
    }
}
