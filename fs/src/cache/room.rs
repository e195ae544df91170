//! Room for new values: the least recently used that nobody holds make way; where all are held, a
//! flight waits for a release.

use super::Cache;
use super::store::State;
use crate::map::ValueKey;
use std::time::Duration;

/// What the locked heap must be able to give before one more value is remembered: a failed allocation
/// would end the process …
const HEAP_RESERVE: usize = 64 << 10;
/// … and beside it, for each value that is there, what the table takes when it doubles.
const HEAP_GROWTH: usize = 40;
/// The first pause between looks for released memory; later ones are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl State {
    /// Drops the least recently used values that nobody holds until `bytes` are freed, or there are
    /// no more. Returns whether any was freed.
    pub(super) fn evict(&mut self, bytes: usize) -> bool {
        let mut freed = 0_usize;
        let mut doomed: Vec<ValueKey> = Vec::new();
        for (key, held) in self.values.iter().rev() {
            if freed >= bytes {
                break;
            }
            if !held.value.is_shared() {
                // An empty value frees its record at least.
                freed = freed.saturating_add(held.value.footprint().max(64));
                doomed.push(*key);
            }
        }
        for key in &doomed {
            self.values.pop(key);
        }
        !doomed.is_empty()
    }
}

impl Cache {
    /// Evicts ahead of a fetch whose size is known from the last time, which saves its repetition.
    pub(super) fn make_room_for(&self, size: usize) {
        let room = self.pool.capacity().saturating_sub(self.pool.used());
        // Areas are handed out in steps: a tenth more.
        let needed = size.saturating_add(size / 8);
        if room < needed {
            self.guard().evict(needed - room);
        }
    }

    /// Keeps the locked heap from its end, which would be the process's.
    pub(super) fn make_heap_room(&self, state: &mut State) {
        let needed = |state: &State| HEAP_RESERVE + state.values.len() * HEAP_GROWTH;
        while !secretfs_memory::heap::has_room(needed(state)) && state.evict(1) {}
    }

    /// After a fetch that found no room: evicts `bytes`, or waits until something is released. The
    /// caller bounds the wait.
    pub(super) async fn wait_for_room(&self, bytes: usize) {
        let before = self.pool.used();
        let mut pause = FIRST_PAUSE;
        loop {
            if self.guard().evict(bytes) {
                return;
            }
            // After a lock the memory itself may be missing, where nobody has to release a thing.
            if matches!(self.pool.restore(), Ok(true)) {
                return;
            }
            tokio::time::sleep(pause).await;
            if self.pool.used() < before {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
