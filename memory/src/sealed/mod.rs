//! Where cached values rest: areas of `memfd_secret` that not even root can read through
//! `/proc/PID/mem`, packed as a slab, with one switch that wipes them all.

// Miri knows no such mappings.
#[cfg_attr(miri, path = "interpreted.rs")]
mod area;
mod extent;
mod gate;
mod granules;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use area::Area;
use extent::Extent;
use gate::Gate;
use granules::{Granules, Run, WORD_BYTES};

use crate::limit::LimitError;
use crate::page;

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
pub struct SealedPool {
    area: Area,
    gate: Gate,
    /// Locked for a moment at a time, by holders of a pass, and by the wipe when there are none.
    granules: Mutex<Granules>,
}

impl std::fmt::Debug for SealedPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedPool")
            .field("capacity", &self.capacity())
            .field("is_secretmem", &self.is_secretmem())
            .finish_non_exhaustive()
    }
}

impl SealedPool {
    /// Maps and locks `capacity` bytes (whole pages; of more than 4 MiB the rest when it is needed).
    ///
    /// # Errors
    /// The kernel refused to lock them.
    pub fn new(capacity: usize, insecure: bool) -> Result<Arc<Self>, LimitError> {
        let capacity = usable(capacity);
        let area = Area::new(capacity, insecure);
        area.map(Self::with_area)
            .map_err(|errno| LimitError::from_kernel(capacity.min(area::STEP), errno))
    }

    fn with_area((area, mapped): (Area, usize)) -> Arc<Self> {
        let mut granules = Granules::new(area.capacity());
        granules.add_mapped(mapped);
        Arc::new(Self {
            area,
            gate: Gate::new(),
            granules: Mutex::new(granules),
        })
    }

    /// Starts a value of at most `max` bytes; `hint` is its expected length.
    #[must_use]
    pub fn writer(self: &Arc<Self>, hint: Option<usize>, max: usize) -> SealedWriter {
        SealedWriter {
            extent: Extent::new(Arc::clone(self)),
            hint: hint.unwrap_or(0).min(max).min(self.capacity()),
            max,
        }
    }

    /// Bytes that values may take.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.area.capacity()
    }

    /// Bytes that values take now, those being written included; each is rounded up to 64 bytes.
    #[must_use]
    pub fn used(&self) -> usize {
        self.lock().taken_bytes()
    }

    /// Whether the areas are `memfd_secret` (false: the locked-anonymous fallback).
    #[must_use]
    pub fn is_secretmem(&self) -> bool {
        self.area.is_secretmem()
    }

    /// Zeroes every value at once and makes it unreadable, held or not. Values written afterwards
    /// are not affected. Waits for no one but copies under way.
    ///
    /// Not to be called from the closure of [`Sealed::expose`], which is such a copy.
    pub fn wipe(&self) {
        self.gate.shut(|| {
            let mut granules = self.lock();
            // SAFETY: taken granules are mapped; the gate is shut, so no one is copying.
            #[expect(unsafe_code, reason = "zeroes the area")]
            unsafe {
                self.area.wipe(0, granules.high_bytes());
            }
            granules.clear();
        });
    }

    /// As [`SealedPool::wipe`], and gives the memory back to the kernel: while any `memfd_secret` is
    /// mapped the machine cannot hibernate (contract locked-memory-and-session.md §2). What is written
    /// afterwards maps it again, and finds no room where the limit does not allow that any more.
    pub fn release(&self) {
        self.gate.shut(|| {
            let mut granules = self.lock();
            let mapped = granules.mapped_bytes();
            // SAFETY: taken granules are mapped; the gate is shut, so no one is copying.
            #[expect(unsafe_code, reason = "zeroes the area and unmaps it")]
            unsafe {
                self.area.wipe(0, granules.high_bytes());
                self.area.unmap(mapped);
            }
            granules.unmap();
        });
    }

    /// After a release: maps again what was mapped at the start, so that a value to come finds it.
    /// True: that was done now; false: something is mapped already.
    ///
    /// # Errors
    /// The kernel refused; a value to come tries again.
    pub fn restore(&self) -> Result<bool, LimitError> {
        let mut granules = self.lock();
        if granules.mapped_bytes() > 0 {
            return Ok(false);
        }
        let mapped = self.area.extend(0).map_err(|errno| {
            LimitError::from_kernel(self.area.capacity().min(area::STEP), errno)
        })?;
        granules.add_mapped(mapped);
        Ok(true)
    }

    /// Bytes that are mapped, and so locked, now.
    #[must_use]
    pub fn mapped(&self) -> usize {
        self.lock().mapped_bytes()
    }

    fn lock(&self) -> MutexGuard<'_, Granules> {
        // Nothing in there panics; if it did, the map would still be whole.
        self.granules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run of up to `count` granules, the longest that can be had.
    fn take(&self, count: usize) -> Option<Run> {
        let mut granules = self.lock();
        let mut run = granules.find(count);
        if run.is_none_or(|run| run.count < count) {
            let mapped = granules.mapped_bytes();
            if mapped < self.area.capacity()
                && let Ok(more) = self.area.extend(mapped)
            {
                granules.add_mapped(more);
                run = granules.find(count);
            }
        }
        let run = run?;
        granules.take(run);
        Some(run)
    }

    /// Takes up to `count` granules from `first` on; returns how many were free.
    fn take_from(&self, first: usize, count: usize) -> usize {
        let mut granules = self.lock();
        let count = granules.free_from(first, count);
        granules.take(Run { first, count });
        count
    }

    /// Gives a run back whose bytes are zero.
    fn give(&self, run: Run) {
        self.lock().give(run);
    }
}

/// Whether the kernel has `memfd_secret`, and it is not switched off. For `doctor`.
#[must_use]
pub fn is_secretmem_available() -> bool {
    area::is_secretmem_available()
}

/// Whole pages, and whole words of the granules' map.
fn usable(capacity: usize) -> usize {
    let unit = page::size().max(WORD_BYTES);
    (capacity / unit * unit).max(unit)
}

/// A value being written. Dropped unfinished, it is wiped.
#[derive(Debug)]
pub struct SealedWriter {
    extent: Extent,
    hint: usize,
    max: usize,
}

impl SealedWriter {
    /// Appends `bytes`: all of them or, with an error, none, so that an append that found the pool
    /// full can be repeated once another value is freed.
    ///
    /// # Errors
    /// No room, larger than the limit, or the pool was wiped since the writer was made.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), SealedError> {
        // Whoever has the bytes has them on its stack, too.
        crate::residue::mark();
        let max = self.max.min(self.extent.capacity());
        if bytes.len() > max - self.extent.len().min(max) {
            return Err(SealedError::TooLarge { max });
        }
        self.extent.push(bytes, self.hint)
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.extent.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the value; what was reserved beyond its length is given back.
    ///
    /// # Errors
    /// The pool was wiped since the writer was made.
    pub fn finish(mut self) -> Result<Sealed, SealedError> {
        self.extent.trim()?;
        Ok(Sealed {
            extent: Arc::new(self.extent),
        })
    }
}

/// A stored value. Clones share the bytes; the last one dropped wipes them.
#[derive(Clone)]
pub struct Sealed {
    extent: Arc<Extent>,
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
        self.extent.len()
    }

    /// Whether the value is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the pool that the value takes: its length rounded up. What a cache counts.
    #[must_use]
    pub fn footprint(&self) -> usize {
        self.extent.room()
    }

    /// Whether another clone of this value lives: dropping this one would free nothing.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.extent) > 1
    }

    /// Whether the pool was wiped since.
    #[must_use]
    pub fn is_wiped(&self) -> bool {
        self.extent.enter().is_err()
    }

    /// Copies from `offset` into `into`, which must be memory of the same kind; returns how many
    /// bytes were there.
    ///
    /// # Errors
    /// [`SealedError::Wiped`].
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<usize, SealedError> {
        self.extent.copy_to(offset, into)
    }

    /// Shows the bytes, in order, in one or more pieces, without copying them. `visit` must be
    /// short: [`SealedPool::wipe`] waits for it. It may read and write other values.
    ///
    /// # Errors
    /// [`SealedError::Wiped`], before or between pieces.
    pub fn expose(&self, visit: impl FnMut(&[u8])) -> Result<(), SealedError> {
        self.extent.show(visit)
    }
}
