//! The locked heap as the global allocator of a process. Each test is a process of its own: a heap
//! is locked once and for all.

#![allow(clippy::unwrap_used, reason = "a panic is the failure report")]

mod common;

use std::collections::VecDeque;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{in_child, limit_locked_memory, mapping_of, peek_into, status_kib};
use secretfs_memory::heap::{self, HeapConfig, LockedHeap};

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::new();

fn lock(initial: usize, limit: usize) {
    heap::lock(HeapConfig {
        initial,
        limit,
        insecure: false,
        wipe_large: true,
    })
    .unwrap();
}

/// A number that looks random, without a source of them.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

/// Blocks of all sizes allocated, grown, shrunk and freed in random order, each with its mark.
fn churn(seed: u64, rounds: usize) {
    let mut state = seed;
    let mut held: VecDeque<(u8, Vec<u8>)> = VecDeque::new();
    for round in 0..rounds {
        let mark = u8::try_from(round % 251).unwrap();
        let size = match next(&mut state) % 20 {
            0 => next(&mut state) % 60_000,
            1..5 => next(&mut state) % 4_000,
            _ => next(&mut state) % 200,
        };
        match next(&mut state) % 4 {
            0 => held.push_back((mark, vec![mark; size])),
            1 => {
                // Grows step by step: reallocations.
                let mut bytes = Vec::new();
                for _ in 0..size % 3_000 {
                    bytes.push(mark);
                }
                held.push_back((mark, bytes));
            }
            2 => {
                if let Some((mark, bytes)) = held.front_mut() {
                    bytes.truncate(size);
                    bytes.shrink_to_fit();
                    let more = bytes.len() + size % 1_000;
                    bytes.resize(more, *mark);
                }
            }
            _ => {
                let fresh = vec![0u8; size];
                assert!(fresh.iter().all(|&byte| byte == 0));
            }
        }
        if held.len() > 12 {
            let (mark, bytes) = held.remove(next(&mut state) % 12).unwrap();
            assert!(bytes.iter().all(|&byte| byte == mark));
        }
    }
    for (mark, bytes) in held {
        assert!(bytes.iter().all(|&byte| byte == mark));
    }
}

#[test]
fn many_threads_allocate_at_the_same_time() {
    in_child("many_threads_allocate_at_the_same_time", || {
        let before_lock = vec![7u8; 5_000];
        lock(512 << 10, 6 << 20);
        let start = heap::usage();
        assert!(start.locked >= 512 << 10 && start.limit == 6 << 20);
        let threads: Vec<_> = (1..5u64)
            .map(|seed| std::thread::spawn(move || churn(seed * 7919, 20_000)))
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let end = heap::usage();
        assert!(end.peak > start.live && end.peak <= end.locked && end.locked <= end.limit);
        assert!(end.live < start.live + 20_000, "{start:?} {end:?}");
        assert!(before_lock.iter().all(|&byte| byte == 7));
    });
}

#[test]
fn every_block_is_locked_and_left_out_of_core_dumps() {
    in_child("every_block_is_locked_and_left_out_of_core_dumps", || {
        lock(128 << 10, 4 << 20);
        // Larger than the first part: the one it grows by counts too.
        let blocks = [vec![1u8; 100], vec![1u8; 300_000], vec![1u8; 500_000]];
        for block in &blocks {
            let mapping = mapping_of(block.as_ptr());
            assert!(mapping.has("lo") && mapping.has("dd"), "{mapping:?}");
            // It would be empty in a child that is about to exec (contract
            // locked-memory-and-session.md §1).
            assert!(!mapping.has("wf"), "{mapping:?}");
        }
        assert!(status_kib("VmLck:") * 1024 >= heap::usage().locked);
    });
}

#[test]
fn freed_shrunk_and_moved_bytes_are_zeroed() {
    in_child("freed_shrunk_and_moved_bytes_are_zeroed", || {
        lock(512 << 10, 2 << 20);
        // Made beforehand: a buffer allocated after the block is freed would lie in its place.
        let mut seen = vec![0; 10_000];
        let mut marks = |at: *const u8, len| {
            peek_into(at, &mut seen[..len]).unwrap();
            let windows = seen[..len].windows(8);
            windows.filter(|window| *window == [0xA5; 8]).count()
        };
        let freed = vec![0xA5u8; 10_000];
        let at = freed.as_ptr();
        assert!(marks(at, 10_000) > 9_000);
        drop(freed);
        assert_eq!(marks(at, 10_000), 0);

        let mut shrunk = vec![0xA5u8; 10_000];
        let at = shrunk.as_ptr();
        shrunk.truncate(100);
        shrunk.shrink_to_fit();
        assert_eq!(marks(at, 10_000) + marks(shrunk.as_ptr(), 100), 2 * 93);
        assert_eq!(shrunk, [0xA5; 100]);

        let mut moved = vec![0xA5u8; 1_000];
        let fence = vec![1u8; 1_000];
        let at = moved.as_ptr();
        moved.reserve_exact(100_000);
        assert_ne!(moved.as_ptr(), at);
        assert_eq!(marks(at, 1_000), 0);
        assert_eq!(moved, [0xA5; 1_000]);
        drop(fence);
    });
}

#[test]
fn an_exhausted_heap_refuses_and_the_process_lives() {
    in_child("an_exhausted_heap_refuses_and_the_process_lives", || {
        lock(128 << 10, 1 << 20);
        assert!(heap::has_room(100_000) && !heap::has_room(2 << 20));
        let mut vec: Vec<u8> = Vec::new();
        assert!(vec.try_reserve_exact(3 << 20).is_err());
        // That request alone did not use the limit up.
        assert!(heap::usage().locked < 1 << 20);
        let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(100);
        loop {
            let mut block: Vec<u8> = Vec::new();
            if block.try_reserve_exact(50_000).is_err() {
                break;
            }
            block.resize(50_000, 1);
            blocks.push(block);
        }
        assert!(blocks.len() >= 18, "{} blocks", blocks.len());
        assert!(!heap::has_room(10_000));
        // Shrinking works in a full heap: it happens where the block lies.
        blocks[0].truncate(10);
        blocks[0].shrink_to_fit();
        blocks.truncate(1);
        assert!(heap::has_room(800_000));
        assert!(vec.try_reserve_exact(800_000).is_ok());
        assert_eq!(heap::usage().locked, 1 << 20);
    });
}

#[test]
fn growth_that_the_kernel_refuses_is_a_failed_allocation() {
    in_child(
        "growth_that_the_kernel_refuses_is_a_failed_allocation",
        || {
            limit_locked_memory(1 << 20);
            lock(512 << 10, 64 << 20);
            let mut vec: Vec<u8> = Vec::new();
            assert!(vec.try_reserve_exact(2 << 20).is_err());
            assert!(vec.try_reserve_exact(350_000).is_ok());
            vec.resize(350_000, 1);
            let used = status_kib("VmLck:");
            assert!(used <= 1024, "{used}");
            churn(99, 1_000);
        },
    );
}

#[test]
fn large_blocks_are_mappings_of_their_own_that_nobody_touched() {
    in_child(
        "large_blocks_are_mappings_of_their_own_that_nobody_touched",
        || {
            lock(128 << 10, 1 << 20);
            let live = heap::usage().live;
            let mut large = vec![0u8; 16 << 20];
            let mapping = mapping_of(large.as_ptr());
            assert!(
                mapping.rss_kib < 64 && mapping.has("dd") && !mapping.has("lo"),
                "{mapping:?}"
            );
            assert!(heap::usage().live < live + 4096);
            assert!(heap::has_room(32 << 20));
            large[9 << 20] = 1;
            // Smaller than a mapping of its own, larger than the arena: null, and the block stays.
            large.truncate(100);
            large[99] = 9;
            large.shrink_to_fit();
            assert_eq!((large.len(), large[99]), (100, 9));
            assert!(mapping_of(large.as_ptr()).has("lo"));
            // And back: the arena's block moves out.
            large.resize(9 << 20, 3);
            assert_eq!((large[99], large[100]), (9, 3));
            assert!(!mapping_of(large.as_ptr()).has("lo"));
        },
    );
}

#[test]
#[expect(unsafe_code, reason = "calls the allocator itself")]
fn alignment_is_kept_in_every_size() {
    use std::alloc::Layout;
    in_child("alignment_is_kept_in_every_size", || {
        lock(128 << 10, 4 << 20);
        for size in [1, 100, 5_000, 8 << 20, (8 << 20) + 1] {
            for shift in 0..18 {
                let layout = Layout::from_size_align(size, 1 << shift).unwrap();
                // SAFETY: the block is as long as the layout says, and freed with the same layout.
                unsafe {
                    let at = std::alloc::alloc(layout);
                    assert!(!at.is_null() && at.addr().is_multiple_of(layout.align()));
                    at.write(1);
                    at.add(size - 1).write(2);
                    std::alloc::dealloc(at, layout);
                }
            }
        }
    });
}

#[test]
#[expect(unsafe_code, reason = "pre_exec makes the child a fork")]
fn a_child_forked_while_others_allocate_does_not_hang() {
    in_child("a_child_forked_while_others_allocate_does_not_hang", || {
        lock(512 << 10, 6 << 20);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for size in [16, 24_000] {
                let stop = &stop;
                scope.spawn(move || {
                    // Nothing but allocating, so that a fork is likely to come in between.
                    while !stop.load(Ordering::Relaxed) {
                        drop(std::hint::black_box(Vec::<u8>::with_capacity(size)));
                    }
                });
            }
            for _ in 0..60 {
                let mut command = Command::new("/bin/true");
                // SAFETY: the closure only allocates, which is what is tested.
                unsafe {
                    command.pre_exec(|| {
                        drop(std::hint::black_box(vec![1u8; 1_000]));
                        Ok(())
                    });
                }
                assert!(command.status().unwrap().success());
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
}
