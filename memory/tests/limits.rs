//! A memory-lock limit of 64 KiB, as old systems have it: refused, or gone around explicitly.

#![allow(clippy::unwrap_used, reason = "a panic is the failure report")]

mod common;

use common::{in_child, limit_locked_memory, status_kib};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use secretfs_memory::heap::{self, HeapConfig, LockedHeap};
use secretfs_memory::limit::{self, LimitError};
use secretfs_memory::sealed::{SealedError, SealedPool};
use secretfs_memory::stack;

#[global_allocator]
static HEAP: LockedHeap = LockedHeap::new();

const LOW: u64 = 64 << 10;

fn config(insecure: bool) -> HeapConfig {
    HeapConfig {
        initial: 512 << 10,
        limit: 2 << 20,
        insecure,
        wipe_large: false,
    }
}

#[test]
fn sixty_four_kib_are_refused_everywhere() {
    in_child("sixty_four_kib_are_refused_everywhere", || {
        limit_locked_memory(LOW);
        let too_low = |error: &LimitError| matches!(error, LimitError::TooLow { limit: LOW, .. });
        let error = limit::plan(false).unwrap_err();
        assert!(too_low(&error), "{error}");
        assert!(error.help().contains("--insecure-memory"));
        assert!(too_low(&limit::plan_command(false).unwrap_err()));
        assert!(too_low(&heap::lock(config(false)).unwrap_err()));
        assert!(too_low(&SealedPool::new(1 << 20, false).unwrap_err()));
        let ran = stack::spawn("locked", stack::DEFAULT_SIZE, || ());
        assert!(too_low(&ran.unwrap_err()));
        assert_eq!(limit::current(), LOW);
        assert!(status_kib("VmLck:") <= 64);
        // The failed heap left the process with the one it had.
        assert_eq!(vec![1u8; 100_000].len(), 100_000);
    });
}

#[test]
fn insecure_memory_works_under_any_limit() {
    in_child("insecure_memory_works_under_any_limit", || {
        limit_locked_memory(LOW);
        let plan = limit::plan(true).unwrap();
        assert_eq!(plan.limit, LOW);
        heap::lock(config(true)).unwrap();
        assert_eq!(heap::usage().locked, 0);
        let block = vec![1u8; 1_000_000];
        assert!(common::mapping_of(block.as_ptr()).has("dd"));
        let pool = SealedPool::new(plan.sealed, true).unwrap();
        assert!(!pool.is_secretmem());
        let mut writer = pool.writer(None, 100);
        writer.append(b"value").unwrap();
        assert_eq!(writer.finish().unwrap().read_at(0, &mut [0; 10]), Ok(5));
        let (thread, refused) = stack::spawn_insecure("t", stack::DEFAULT_SIZE, || 7).unwrap();
        assert!(refused.is_some());
        assert_eq!(thread.join().unwrap(), 7);
    });
}

#[test]
fn sealed_memory_that_cannot_be_had_again_is_full_until_it_can() {
    in_child(
        "sealed_memory_that_cannot_be_had_again_is_full_until_it_can",
        || {
            limit_locked_memory(2 << 20);
            let pool = SealedPool::new(1 << 20, false).unwrap();
            pool.release();
            assert_eq!(status_kib("VmLck:"), 0);
            // Somebody else takes what the pool gave back.
            let other = SealedPool::new(2 << 20, false).unwrap();
            let mut writer = pool.writer(None, 100);
            assert_eq!(writer.append(b"value"), Err(SealedError::Full));
            assert!(matches!(
                pool.restore().unwrap_err(),
                LimitError::Refused { .. }
            ));
            drop(other);
            writer.append(b"value").unwrap();
            let value = writer.finish().unwrap();
            let mut bytes = [0; 5];
            assert_eq!(value.read_at(0, &mut bytes), Ok(5));
            assert_eq!(&bytes, b"value");
        },
    );
}

#[test]
fn the_parts_of_the_plan_fit_into_eight_mebibytes() {
    in_child("the_parts_of_the_plan_fit_into_eight_mebibytes", || {
        limit_locked_memory(8 << 20);
        let plan = limit::plan(false).unwrap();
        heap::lock(HeapConfig {
            initial: plan.heap,
            limit: plan.heap,
            insecure: false,
            wipe_large: false,
        })
        .unwrap();
        let pool = SealedPool::new(plan.sealed, false).unwrap();
        assert_eq!(pool.capacity(), plan.sealed);
        for _ in 0..3 {
            stack::spawn("t", stack::DEFAULT_SIZE, || ())
                .unwrap()
                .join()
                .unwrap();
        }
        let locked = status_kib("VmLck:");
        assert!((6 << 10..=8 << 10).contains(&locked), "{locked}");
        assert!(status_kib("VmRSS:") < 12 << 10);
    });
}

#[test]
fn a_soft_limit_is_raised_to_the_hard_one() {
    in_child("a_soft_limit_is_raised_to_the_hard_one", || {
        limit_locked_memory(8 << 20);
        let hard = getrlimit(Resource::Memlock).maximum;
        let soft = Rlimit {
            current: Some(LOW),
            maximum: hard,
        };
        setrlimit(Resource::Memlock, soft).unwrap();
        assert_eq!(Some(limit::plan(false).unwrap().limit), hard);
    });
}
