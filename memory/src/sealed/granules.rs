//! Which parts of the pool are taken: one bit for each granule of 64 bytes, one word for each page.
//! Kept outside the pool, so that a value's neighbours are values alone.

/// The unit of the pool, in bytes: a thousand short secrets take 64 KB.
pub(super) const GRANULE: usize = 64;
/// Granules in a word of the map; with it a word stands for 4 KiB, wherever pages are larger too.
const BITS: usize = u64::BITS as usize;
/// The bytes that a word stands for.
pub(super) const WORD_BYTES: usize = GRANULE * BITS;

/// A run of granules: the first, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) count: usize,
}

#[derive(Debug)]
pub(super) struct Granules {
    /// A set bit is a granule that is taken, or not mapped yet.
    words: Vec<u64>,
    /// Words that stand for mapped memory.
    mapped: usize,
    taken: usize,
    /// No word before this one has a free granule.
    lowest: usize,
    /// No granule from here on was ever taken since the last [`Self::clear`].
    high: usize,
}

impl Granules {
    /// For an area of `bytes`, none of it mapped yet.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            words: vec![u64::MAX; bytes / WORD_BYTES],
            mapped: 0,
            taken: 0,
            lowest: 0,
            high: 0,
        }
    }

    /// `bytes` more are mapped.
    pub(super) fn add_mapped(&mut self, bytes: usize) {
        let end = (self.mapped + bytes / WORD_BYTES).min(self.words.len());
        if let Some(new) = self.words.get_mut(self.mapped..end) {
            new.fill(0);
        }
        self.lowest = self.lowest.min(self.mapped);
        self.mapped = end;
    }

    pub(super) fn mapped_bytes(&self) -> usize {
        self.mapped * WORD_BYTES
    }

    pub(super) fn taken_bytes(&self) -> usize {
        self.taken * GRANULE
    }

    /// Bytes from the start that were in use since the last [`Self::clear`].
    pub(super) fn high_bytes(&self) -> usize {
        self.high * GRANULE
    }

    /// The first free run of `count` granules, or else the longest one there is, not taken yet.
    pub(super) fn find(&mut self, count: usize) -> Option<Run> {
        let mut best = Run { first: 0, count: 0 };
        let mut run = best;
        let mut seen_free = false;
        for (index, &word) in self
            .words
            .iter()
            .enumerate()
            .take(self.mapped)
            .skip(self.lowest)
        {
            if word == u64::MAX {
                run.count = 0;
                continue;
            }
            if !seen_free {
                seen_free = true;
                self.lowest = index;
            }
            // Whole pages at once; otherwise bit by bit.
            let (stride, steps) = if word == 0 { (BITS, 1) } else { (1, BITS) };
            for step in 0..steps {
                if (word >> step) & 1 != 0 {
                    run.count = 0;
                    continue;
                }
                if run.count == 0 {
                    run.first = index * BITS + step;
                }
                run.count += stride;
                if run.count >= count {
                    run.count = count;
                    return Some(run);
                }
                if run.count > best.count {
                    best = run;
                }
            }
        }
        if !seen_free {
            self.lowest = self.mapped;
        }
        (best.count > 0).then_some(best)
    }

    /// How many of the `count` granules from `first` on are free before the first that is not.
    pub(super) fn free_from(&self, first: usize, count: usize) -> usize {
        (first..first + count)
            .take_while(|granule| {
                self.words
                    .get(granule / BITS)
                    .is_some_and(|word| (word >> (granule % BITS)) & 1 == 0)
            })
            .count()
    }

    /// Takes a run that is free.
    pub(super) fn take(&mut self, run: Run) {
        self.change(run, |word, mask| *word |= mask);
        self.taken += run.count;
        self.high = self.high.max(run.first + run.count);
    }

    /// Gives back a run that was taken. Its bytes are zero by now.
    pub(super) fn give(&mut self, run: Run) {
        self.change(run, |word, mask| *word &= !mask);
        self.taken -= run.count;
        self.lowest = self.lowest.min(run.first / BITS);
    }

    /// Gives everything back.
    /// Nothing is mapped any more.
    pub(super) fn unmap(&mut self) {
        self.words.fill(!0);
        (self.mapped, self.taken, self.lowest, self.high) = (0, 0, 0, 0);
    }

    pub(super) fn clear(&mut self) {
        if let Some(mapped) = self.words.get_mut(..self.mapped) {
            mapped.fill(0);
        }
        (self.taken, self.lowest, self.high) = (0, 0, 0);
    }

    fn change(&mut self, run: Run, apply: impl Fn(&mut u64, u64)) {
        let (mut at, mut left) = (run.first, run.count);
        while left > 0 {
            let (bit, n) = (at % BITS, left.min(BITS - at % BITS));
            let mask = (u64::MAX >> (BITS - n)) << bit;
            if let Some(word) = self.words.get_mut(at / BITS) {
                apply(word, mask);
            }
            at += n;
            left -= n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granules(pages: usize) -> Granules {
        let mut all = Granules::new(pages * WORD_BYTES);
        all.add_mapped(pages * WORD_BYTES);
        all
    }

    fn take(all: &mut Granules, count: usize) -> Option<Run> {
        let run = all.find(count)?;
        all.take(run);
        Some(run)
    }

    #[test]
    fn runs_cross_words_and_are_reused() {
        let mut all = granules(3);
        assert_eq!(
            take(&mut all, 10),
            Some(Run {
                first: 0,
                count: 10
            })
        );
        let long = take(&mut all, 100).unwrap();
        assert_eq!((long.first, long.count), (10, 100));
        assert_eq!(all.taken_bytes(), 110 * GRANULE);
        all.give(long);
        assert_eq!(
            take(&mut all, 64),
            Some(Run {
                first: 10,
                count: 64
            })
        );
    }

    #[test]
    fn the_longest_run_is_offered_where_none_is_long_enough() {
        let mut all = granules(1);
        let runs: Vec<Run> = (0..8).map(|_| take(&mut all, 8).unwrap()).collect();
        assert_eq!(all.find(1), None);
        all.give(runs[1]);
        all.give(runs[4]);
        all.give(runs[5]);
        assert_eq!(
            all.find(40),
            Some(Run {
                first: 32,
                count: 16
            })
        );
        assert_eq!(all.free_from(8, 20), 8);
    }

    #[test]
    fn what_is_not_mapped_is_not_free() {
        let mut all = Granules::new(2 * WORD_BYTES);
        assert_eq!(all.find(1), None);
        all.add_mapped(WORD_BYTES);
        assert_eq!(all.find(65).map(|run| run.count), Some(64));
        all.add_mapped(WORD_BYTES);
        assert_eq!(all.find(128).map(|run| run.count), Some(128));
    }
}
