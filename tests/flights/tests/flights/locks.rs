//! Lock against flights: no fetch that ends after a lock may publish, and nobody is left waiting.

use crate::explore;
use crate::world::{Told, World, tell};
use secretfs_flights::cache::Peek;
use secretfs_flights::error::OpenError;
use secretfs_flights::time;
use shuttle::future::block_on;
use shuttle::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often it was locked, for those who want to know whether it was while they waited.
type Locks = Arc<AtomicUsize>;

/// An opener that knows whether a lock came while it waited: then it is told so, and nothing else.
fn opener(world: &World, path: &str, locks: &Locks) -> shuttle::future::JoinHandle<Told> {
    let (cache, plan, locks) = (
        Arc::clone(&world.cache),
        world.plan(path),
        Arc::clone(locks),
    );
    world.runtime.spawn(async move {
        let before = locks.load(Ordering::Relaxed);
        let outcome = cache.open(plan).await;
        if locks.load(Ordering::Relaxed) != before {
            assert!(matches!(outcome, Err(OpenError::Locked)), "{outcome:?}");
        }
        outcome.and_then(|snapshot| tell(&snapshot))
    })
}

/// Locks; from then on the provider has another value, so that any other is one from before.
fn lock(world: &World, locks: &Locks) -> shuttle::future::JoinHandle<()> {
    let locks = Arc::clone(locks);
    world.command(move |world| {
        world.cache.lock();
        locks.fetch_add(1, Ordering::Relaxed);
        world.fake.rotate(b"2");
    })
}

/// After an unlock nothing from before the lock is found, by whomever.
fn nothing_is_left(world: &World, path: &str, now: &[u8]) {
    let key = world.plan(path).key;
    assert!(matches!(world.cache.peek(key), Peek::Locked));
    block_on(world.command(|world| world.cache.unlock())).expect("no panic");
    if let Peek::Fresh { snapshot, .. } = world.cache.peek(key) {
        assert_eq!(tell(&snapshot).expect("readable").0, now);
    }
    let told = block_on(world.opener(path)).expect("an answer");
    assert_eq!(told.expect("a value").0, now);
    world.settle();
    match world.cache.peek(key) {
        Peek::Fresh { snapshot, .. } => assert_eq!(tell(&snapshot).expect("readable").0, now),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_under_way_at_a_lock_is_not_published_and_its_openers_are_told() {
    explore(|| {
        let world = World::new();
        let locks = Locks::default();
        let openers: Vec<_> = (0..2).map(|_| opener(&world, "a", &locks)).collect();
        let beside = world.clone();
        let fuse = thread::spawn(move || {
            let plan = beside.plan("a");
            for _ in 0..3 {
                if let Peek::Fresh { snapshot, .. } = beside.cache.peek(plan.key) {
                    // Wiped while it is looked at, or what it was.
                    let told = tell(&snapshot);
                    assert!(told.is_err() || told.is_ok_and(|(bytes, _)| bytes == b"one/a=1"));
                }
            }
        });
        block_on(lock(&world, &locks)).expect("no panic");
        fuse.join().expect("no panic");
        nothing_is_left(&world, "a", b"one/a=2");
        for opener in openers {
            match block_on(opener).expect("an answer") {
                Ok((bytes, _)) => assert!(bytes.starts_with(b"one/a=")),
                Err(error) => assert!(matches!(error, OpenError::Locked), "{error:?}"),
            }
        }
    });
}

#[test]
fn a_list_that_was_under_way_at_a_lock_publishes_none_of_its_values() {
    explore(|| {
        let world = World::new();
        let locks = Locks::default();
        let openers = ["b", "c", "b"].map(|path| opener(&world, path, &locks));
        block_on(lock(&world, &locks)).expect("no panic");
        nothing_is_left(&world, "c", b"two/c=2");
        let told = block_on(world.opener("b")).expect("an answer");
        assert_eq!(told.expect("a value").0, b"two/b=2");
        for opener in openers {
            let _told = block_on(opener).expect("an answer");
        }
    });
}

#[test]
fn a_fetch_ahead_that_meets_a_lock_publishes_nothing() {
    explore(|| {
        let world = World::new();
        let locks = Locks::default();
        block_on(world.opener("a"))
            .expect("an answer")
            .expect("a value");
        time::pass(Duration::from_secs(250));
        let beside = world.clone();
        // On the FUSE thread, at any moment of the lock.
        let fuse = thread::spawn(move || {
            let plan = beside.plan("a");
            if let Peek::Fresh { refresh, .. } = beside.cache.peek(plan.key) {
                assert!(refresh);
                beside.cache.refresh_ahead(plan);
            }
        });
        block_on(lock(&world, &locks)).expect("no panic");
        fuse.join().expect("no panic");
        nothing_is_left(&world, "a", b"one/a=2");
    });
}

#[test]
fn names_that_were_asked_for_before_a_lock_are_not_shown_after_it() {
    explore(|| {
        let world = World::new();
        let (cache, plan) = (Arc::clone(&world.cache), world.plan("d"));
        let key = plan.key;
        let locks = Locks::default();
        let seen = Arc::clone(&locks);
        let lists = world.runtime.spawn(async move {
            let before = seen.load(Ordering::Relaxed);
            let outcome = cache.list(plan).await;
            if seen.load(Ordering::Relaxed) != before {
                assert!(matches!(outcome, Err(OpenError::Locked)), "{outcome:?}");
            }
        });
        block_on(lock(&world, &locks)).expect("no panic");
        assert!(world.cache.peek_list(key).is_none());
        block_on(world.command(|world| world.cache.unlock())).expect("no panic");
        block_on(lists).expect("an answer");
        world.settle();
    });
}

#[test]
fn locks_and_unlocks_one_after_the_other_leave_nobody_waiting() {
    explore(|| {
        let world = World::new();
        let locks = Locks::default();
        let openers: Vec<_> = ["a", "b", "a", "c"]
            .iter()
            .map(|path| opener(&world, path, &locks))
            .collect();
        for _ in 0..2 {
            block_on(lock(&world, &locks)).expect("no panic");
            block_on(world.command(|world| world.cache.unlock())).expect("no panic");
        }
        for opener in openers {
            match block_on(opener).expect("an answer") {
                Ok(_) | Err(OpenError::Locked) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        world.settle();
    });
}
