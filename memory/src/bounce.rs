//! The bounce buffer: the kernel cannot write to `/dev/fuse` from `memfd_secret` (EFAULT, contract
//! locked-memory-and-session.md §2), so a reply is copied here, sent, and wiped.

use crate::sealed::{Sealed, SealedError};
use crate::wipe::WipeOnDrop;

/// One reply's worth of locked memory. Each thread that replies has its own.
pub struct BounceBuffer {
    bytes: Vec<u8>,
}

impl std::fmt::Debug for BounceBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BounceBuffer")
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl BounceBuffer {
    /// A buffer of `size` bytes, in the locked heap.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size],
        }
    }

    /// Copies up to `len` bytes of `value` from `offset`, hands them to `send`, wipes them, also
    /// when `send` panics.
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
        // No more than is there is filled, and so wiped.
        let len = len
            .min(self.bytes.len())
            .min(value.len().saturating_sub(offset));
        let window = WipeOnDrop(self.bytes.get_mut(..len).unwrap_or_default());
        let n = value.read_at(offset, window.0)?;
        let sent = send(window.0.get(..n).unwrap_or_default());
        drop(window);
        // The last bytes that `memcpy` moved would stay until the next reply.
        crate::residue::clear_registers();
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::sealed::SealedPool;

    fn value(bytes: &[u8]) -> Sealed {
        let pool = SealedPool::new(64 << 10, true).unwrap();
        let mut writer = pool.writer(None, bytes.len());
        writer.append(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn the_asked_window_is_sent_and_then_wiped() {
        let value = value(b"0123456789");
        let mut bounce = BounceBuffer::new(6);
        let sent = bounce.with(&value, 2, 100, <[u8]>::to_vec).unwrap();
        assert_eq!(sent, b"234567");
        assert_eq!(bounce.bytes, [0; 6]);
        assert_eq!(bounce.with(&value, 8, 6, <[u8]>::to_vec).unwrap(), b"89");
        assert!(bounce.with(&value, 50, 6, <[u8]>::is_empty).unwrap());
    }

    #[test]
    fn the_buffer_is_wiped_when_sending_panics() {
        let value = value(b"secret");
        let mut bounce = BounceBuffer::new(6);
        let result = catch_unwind(AssertUnwindSafe(|| {
            bounce.with(&value, 0, 6, |bytes| {
                assert_eq!(bytes, b"secret");
                std::panic::resume_unwind(Box::new("the reply failed"));
            })
        }));
        assert!(result.is_err());
        assert_eq!(bounce.bytes, [0; 6]);
    }
}
