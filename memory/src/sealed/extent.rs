//! The part of the pool that one value occupies: a list of segments, wiped and given back on drop.

#![expect(unsafe_code, reason = "reads and writes the pool's memory")]

use std::sync::Arc;

use super::gate::Pass;
use super::granules::{GRANULE, Run};
use super::{SealedError, SealedPool};

/// The longest segment, and so the longest that one piece of a value keeps a wipe waiting.
const SEGMENT: usize = 64 << 10;

/// A run of the pool that belongs to one value.
#[derive(Debug, Clone, Copy)]
struct Segment {
    /// Its first byte's place in the pool.
    at: usize,
    /// Its length; all segments but the last are full.
    room: usize,
}

impl Segment {
    fn run(self) -> Run {
        Run {
            first: self.at / GRANULE,
            count: self.room / GRANULE,
        }
    }
}

/// The segments of one value.
///
/// What is stored in a segment is written by [`Extent::push`] only (`&mut self`), before the value
/// can be read by others, and wiped by `drop` or by the pool's wipe, which no pass outlives.
#[derive(Debug)]
pub(super) struct Extent {
    pool: Arc<SealedPool>,
    epoch: u64,
    segments: Vec<Segment>,
    /// Bytes in all segments.
    room: usize,
    /// Bytes of the value.
    len: usize,
}

impl Extent {
    pub(super) fn new(pool: Arc<SealedPool>) -> Self {
        Self {
            epoch: pool.gate.epoch(),
            pool,
            segments: Vec::new(),
            room: 0,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn room(&self) -> usize {
        self.room
    }

    pub(super) fn capacity(&self) -> usize {
        self.pool.capacity()
    }

    pub(super) fn enter(&self) -> Result<Pass<'_>, SealedError> {
        self.pool.gate.enter(self.epoch)
    }

    /// Stores `bytes` after what is there, all of them or none. `expected` is how many bytes the
    /// value is expected to have in the end.
    pub(super) fn push(&mut self, bytes: &[u8], expected: usize) -> Result<(), SealedError> {
        let pool = Arc::clone(&self.pool);
        let _pass = pool.gate.enter(self.epoch)?;
        self.reserve(self.len + bytes.len(), expected)?;
        let mut rest = bytes;
        let mut skip = self.len;
        for segment in &self.segments {
            if skip >= segment.room {
                skip -= segment.room;
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(segment.room - skip));
            // SAFETY: the pass says that the segment is still this value's, which is borrowed
            // exclusively; `now` fits into it.
            unsafe {
                let to = pool.area.at(segment.at + skip);
                to.copy_from_nonoverlapping(now.as_ptr(), now.len());
            }
            (rest, skip) = (later, 0);
            if rest.is_empty() {
                break;
            }
        }
        self.len += bytes.len();
        Ok(())
    }

    /// Makes room for `needed` bytes in all. The caller holds a pass.
    fn reserve(&mut self, needed: usize, expected: usize) -> Result<(), SealedError> {
        let (segments, room) = (self.segments.len(), self.room);
        let last_room = self.segments.last().map(|segment| segment.room);
        while self.room < needed {
            // Beyond what is needed: what is expected, or else as much again as there is.
            let target = needed
                .max(expected)
                .max(self.room.saturating_mul(2).min(self.room + SEGMENT));
            let want = (target - self.room)
                .min(self.pool.capacity())
                .div_ceil(GRANULE);
            if !self.grow(want) {
                // What this call took is still zero: it goes back as it is.
                while self.segments.len() > segments {
                    if let Some(segment) = self.segments.pop() {
                        self.pool.give(segment.run());
                    }
                }
                if let (Some(last), Some(before)) = (self.segments.last_mut(), last_room) {
                    let run = Run {
                        first: (last.at + before) / GRANULE,
                        count: (last.room - before) / GRANULE,
                    };
                    last.room = before;
                    self.pool.give(run);
                }
                self.room = room;
                return Err(SealedError::Full);
            }
        }
        Ok(())
    }

    /// Takes up to `want` granules more, at least one; false where there is none.
    fn grow(&mut self, want: usize) -> bool {
        if let Some(last) = self.segments.last_mut() {
            let spare = (SEGMENT - last.room) / GRANULE;
            let got = self
                .pool
                .take_from((last.at + last.room) / GRANULE, want.min(spare));
            if got > 0 {
                last.room += got * GRANULE;
                self.room += got * GRANULE;
                return true;
            }
        }
        // The list lies in the locked heap, whose end must not be the process's.
        if self.segments.try_reserve(1).is_err() {
            return false;
        }
        let Some(run) = self.pool.take(want.min(SEGMENT / GRANULE)) else {
            return false;
        };
        self.segments.push(Segment {
            at: run.first * GRANULE,
            room: run.count * GRANULE,
        });
        self.room += run.count * GRANULE;
        true
    }

    /// Gives back what lies beyond the value's end.
    pub(super) fn trim(&mut self) -> Result<(), SealedError> {
        let pool = Arc::clone(&self.pool);
        let _pass = pool.gate.enter(self.epoch)?;
        let keep = self.len.next_multiple_of(GRANULE);
        while self.room > keep {
            let Some(last) = self.segments.last_mut() else {
                break;
            };
            let cut = (self.room - keep).min(last.room);
            last.room -= cut;
            self.room -= cut;
            pool.give(Run {
                first: (last.at + last.room) / GRANULE,
                count: cut / GRANULE,
            });
            if last.room == 0 {
                self.segments.pop();
            }
        }
        self.segments.shrink_to_fit();
        Ok(())
    }

    /// Copies from `offset` into `into`; returns how many bytes were there.
    pub(super) fn copy_to(&self, offset: usize, into: &mut [u8]) -> Result<usize, SealedError> {
        let _pass = self.enter()?;
        let mut done = 0;
        for (start, at, len) in self.pieces() {
            let skip = offset.saturating_add(done).saturating_sub(start);
            let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            if skip >= len {
                continue;
            }
            let n = rest.len().min(len - skip);
            // SAFETY: the pass says that the bytes are this value's; they are not written any more,
            // `self` being borrowed; `rest` holds `n` bytes.
            unsafe {
                let from = self.pool.area.at(at + skip);
                rest.as_mut_ptr().copy_from_nonoverlapping(from, n);
            }
            done += n;
        }
        Ok(done)
    }

    /// Shows the bytes piece by piece; the pass is renewed between them.
    pub(super) fn show(&self, mut visit: impl FnMut(&[u8])) -> Result<(), SealedError> {
        drop(self.enter()?);
        for (_, at, len) in self.pieces() {
            let _pass = self.enter()?;
            // SAFETY: as in `copy_to`; the slice does not outlive the pass.
            visit(unsafe { std::slice::from_raw_parts(self.pool.area.at(at), len) });
        }
        Ok(())
    }

    /// For each segment: where it starts in the value, where in the pool, and how many bytes of the
    /// value it holds.
    fn pieces(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut start = 0;
        self.segments.iter().map_while(move |segment| {
            let len = segment.room.min(self.len - start);
            let piece = (start, segment.at, len);
            start += len;
            (len > 0).then_some(piece)
        })
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        // After a wipe nothing is left, and the granules may be others' by now.
        let Ok(_pass) = self.pool.gate.enter(self.epoch) else {
            return;
        };
        for (_, at, len) in self.pieces() {
            // SAFETY: this value's bytes, as the pass says, and no one reads them any more.
            unsafe { self.pool.area.wipe(at, len) };
        }
        for segment in &self.segments {
            self.pool.give(segment.run());
        }
    }
}
