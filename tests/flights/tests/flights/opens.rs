//! One flight for each secret, and an answer for everybody who waits for it.

use crate::explore;
use crate::world::{Told, World, tell};
use secretfs_flights::cache::Peek;
use secretfs_flights::error::OpenError;
use secretfs_flights::sync::Notify;
use secretfs_flights::time;
use secretfs_providers::ErrorKind;
use shuttle::future::block_on;
use shuttle::thread;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the FUSE thread does with an open: looks, and starts a fetch ahead where that is due.
fn look(world: &World, path: &str) -> Option<Told> {
    let plan = world.plan(path);
    match world.cache.peek(plan.key) {
        Peek::Fresh { snapshot, refresh } => {
            if refresh {
                world.cache.refresh_ahead(plan);
            }
            Some(tell(&snapshot))
        }
        Peek::Miss => None,
        Peek::Locked => Some(Err(OpenError::Locked)),
    }
}

fn bytes(told: &Told) -> &[u8] {
    &told.as_ref().expect("a value").0
}

#[test]
fn concurrent_opens_of_one_cold_secret_make_one_request_and_are_answered_alike() {
    explore(|| {
        let world = World::new();
        let openers: Vec<_> = (0..3).map(|_| world.opener("a")).collect();
        let beside = world.clone();
        let fuse = thread::spawn(move || {
            for _ in 0..3 {
                if let Some(told) = look(&beside, "a") {
                    assert_eq!(bytes(&told), b"one/a=1");
                }
            }
        });
        for opener in openers {
            let told = block_on(opener).expect("an answer");
            assert_eq!(told, Ok((b"one/a=1".to_vec(), 1)));
        }
        fuse.join().expect("no panic");
        assert_eq!(world.fake.script().requests, 1);
        assert_eq!(world.heard.published.load(Ordering::Relaxed), 1);
        world.settle();
        assert!(look(&world, "a").is_some());
    });
}

#[test]
fn an_opener_that_leaves_takes_nobodys_answer_along_and_leaves_nothing_behind() {
    explore(|| {
        let world = World::new();
        let before = world.pool.used();
        let stays = world.opener("a");
        let leave = Arc::new(Notify::new());
        let (cache, plan, signal) = (
            Arc::clone(&world.cache),
            world.plan("a"),
            Arc::clone(&leave),
        );
        let leaves = world.runtime.spawn(async move {
            secretfs_flights::select! {
                biased;
                () = signal.notified() => None,
                told = cache.open(plan) => Some(told.and_then(|snapshot| tell(&snapshot))),
            }
        });
        leave.notify_one();
        if let Some(told) = block_on(leaves).expect("an answer") {
            assert_eq!(bytes(&told), b"one/a=1");
        }
        assert_eq!(bytes(&block_on(stays).expect("an answer")), b"one/a=1");
        world.settle();
        assert_eq!(world.fake.script().requests, 1);
        // The value is held once, and goes with the cache's.
        assert_eq!(world.cache.forget(None), 1);
        assert_eq!(world.pool.used(), before);
    });
}

#[test]
fn a_flight_goes_on_when_its_only_opener_has_left_and_fills_the_cache() {
    explore(|| {
        let world = World::new();
        world.fake.script().hangs = true;
        let opener = world.opener("a");
        let beside = world.clone();
        let provider = thread::spawn(move || beside.fake.release());
        // More than its `open_timeout`; less than a flight may take.
        time::pass(Duration::from_secs(11));
        match block_on(opener).expect("an answer") {
            Ok((bytes, _)) => assert_eq!(bytes, b"one/a=1"),
            Err(error) => assert!(matches!(error, OpenError::TimedOut { .. }), "{error:?}"),
        }
        provider.join().expect("no panic");
        world.settle();
        assert_eq!(bytes(&look(&world, "a").expect("a value")), b"one/a=1");
        assert_eq!(world.fake.script().requests, 1);
    });
}

#[test]
fn two_secrets_of_one_place_are_each_answered_with_their_own_value_whether_or_not_it_can_be_listed()
{
    fn scenario(no_lists: bool) {
        let world = World::new();
        world.fake.script().no_lists = no_lists;
        let openers = ["b", "c", "b", "c"].map(|path| (path, world.opener(path)));
        for (path, opener) in openers {
            let told = block_on(opener).expect("an answer");
            assert_eq!(bytes(&told), format!("two/{path}=1").as_bytes());
        }
        world.settle();
        let requests = world.fake.script().requests;
        assert!(requests <= 3, "{requests} requests");
    }
    explore(|| scenario(false));
    explore(|| scenario(true));
}

#[test]
fn a_failure_is_told_to_everybody_who_waits_and_the_next_open_may_have_better_luck() {
    explore(|| {
        let world = World::new();
        world.fake.script().fails = Some(ErrorKind::Unreachable);
        let openers = [world.opener("a"), world.opener("a")];
        let mended = world.command(|world| world.fake.script().fails = None);
        let mut failed = 0;
        for opener in openers {
            match block_on(opener).expect("an answer") {
                Ok((bytes, _)) => assert_eq!(bytes, b"one/a=1"),
                Err(OpenError::Provider(error)) => {
                    assert_eq!(error.kind, ErrorKind::Unreachable);
                    failed += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        block_on(mended).expect("no panic");
        assert!(world.fake.script().requests <= 2, "{failed} failed");
        assert_eq!(
            bytes(&block_on(world.opener("a")).expect("an answer")),
            b"one/a=1"
        );
    });
}

#[test]
fn what_a_refresh_overtook_is_for_those_who_wait_for_it_alone() {
    explore(|| {
        let world = World::new();
        let early = [world.opener("a"), world.opener("a")];
        let refreshed = world.command(|world| {
            world.fake.rotate(b"2");
            world.cache.forget(None);
        });
        block_on(refreshed).expect("no panic");
        let late = world.opener("a");
        assert_eq!(bytes(&block_on(late).expect("an answer")), b"one/a=2");
        for opener in early {
            let told = block_on(opener).expect("an answer");
            assert!([b"one/a=1", b"one/a=2"].contains(&bytes(&told).try_into().expect("7 bytes")));
        }
        world.settle();
        assert_eq!(bytes(&look(&world, "a").expect("a value")), b"one/a=2");
    });
}

#[test]
fn a_fetch_ahead_of_the_ttls_end_is_one_request_and_nobody_waits_for_it() {
    explore(|| {
        let world = World::new();
        block_on(world.opener("a"))
            .expect("an answer")
            .expect("a value");
        world.settle();
        world.fake.rotate(b"2");
        time::pass(Duration::from_secs(250));
        let beside = world.clone();
        let fuse = thread::spawn(move || {
            for _ in 0..3 {
                assert!(look(&beside, "a").expect("it is fresh").is_ok());
            }
        });
        let opener = world.opener("a");
        fuse.join().expect("no panic");
        assert!(block_on(opener).expect("an answer").is_ok());
        world.settle();
        assert_eq!(bytes(&look(&world, "a").expect("a value")), b"one/a=2");
        assert_eq!(world.fake.script().requests, 2);
    });
}

#[test]
fn a_secret_that_a_reload_took_away_is_not_kept_by_the_flight_that_brings_it() {
    explore(|| {
        let world = World::new();
        let opener = world.opener("a");
        let reloaded = world.command(|world| {
            let (map, providers) = world.map_of(
                "providers: {s: {type: scripted, socket: /nowhere}}\nsecrets: [{name: two/b, file: b}]\n",
            );
            world.cache.set_map(map, providers);
        });
        block_on(reloaded).expect("no panic");
        // Its opener has what it asked for all the same, if it came before.
        let told = block_on(opener).expect("an answer");
        assert!(
            told.is_ok() || world.fake.script().requests == 0,
            "{told:?}"
        );
        world.settle();
    });
}
