//! Lock, unlock, refresh, reload.

use super::fake::Reply;
use super::rig::{
    Rig, TestClock, bytes, compiled, dir, entry, kind, pass, settle, spec, with_fallback,
};
use crate::cache::Peek;
use crate::cache::job::{Got, Job};
use crate::error::OpenError;
use crate::map::EntryPlan;
use secretfs_memory::sealed::SealedError;
use secretfs_providers::{Clock, ErrorKind, Provider};
use std::sync::Arc;
use std::time::Duration;

fn is_locked(rig: &Rig, name: &str) -> bool {
    matches!(rig.cache.peek(rig.key(name)), Peek::Locked)
}

#[tokio::test(start_paused = true)]
async fn a_lock_refuses_wipes_and_makes_the_providers_forget() {
    let rig = Rig::named(&["a/x"]);
    let held = rig.open("a/x").await.unwrap();
    rig.cache.lock();
    assert!(rig.cache.is_locked() && is_locked(&rig, "a/x"));
    assert_eq!(rig.open("a/x").await.unwrap_err(), OpenError::Locked);
    assert_eq!(
        rig.cache.list(rig.plan("a/x")).await.unwrap_err(),
        OpenError::Locked
    );
    assert_eq!(held.value.read_at(0, &mut [0; 3]), Err(SealedError::Wiped));
    assert_eq!(
        (rig.main.script().forgotten, rig.spare.script().forgotten),
        (1, 1)
    );
    assert_eq!(rig.cache.state(rig.key("a/x")), None);
    rig.cache.refresh_ahead(rig.plan("a/x"));
    settle().await;
    assert_eq!(rig.main.count(), 1);
    drop(held);
    assert_eq!(rig.pool.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_answered_by_the_lock_at_once() {
    let rig = Rig::new(vec![with_fallback("a/x"), entry("b/y"), dir("d", "/d")]);
    rig.main.hang();
    rig.spare.hang();
    let opens = [rig.spawn("a/x"), rig.spawn("b/y")];
    let (cache, plan) = (Arc::clone(&rig.cache), rig.plan("d"));
    let list = tokio::spawn(async move { cache.list(plan).await });
    pass(6000).await;
    let before = tokio::time::Instant::now();
    rig.cache.lock();
    for open in opens {
        assert_eq!(open.await.unwrap().unwrap_err(), OpenError::Locked);
    }
    assert_eq!(list.await.unwrap().unwrap_err(), OpenError::Locked);
    assert_eq!(before.elapsed(), Duration::ZERO);
    // The provider's futures are dropped with it, and with them what they had read.
    assert_eq!(rig.main.script().in_flight, 0);
    assert_eq!(rig.spare.script().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_a_lock_overtook_publishes_nothing_not_even_after_unlock() {
    for unlock_first in [false, true] {
        let rig = Rig::named(&["a/x"]);
        rig.main.script().delay = Duration::from_secs(1);
        let open = rig.spawn("a/x");
        pass(500).await;
        rig.cache.lock();
        if unlock_first {
            rig.cache.unlock();
        }
        assert_eq!(open.await.unwrap().unwrap_err(), OpenError::Locked);
        pass(10_000).await;
        rig.cache.unlock();
        assert_eq!(rig.peek("a/x"), None);
        assert_eq!(rig.cache.state(rig.key("a/x")), None);
        assert!(rig.heard.published.lock().unwrap().is_empty());
        assert!(rig.heard.failed.lock().unwrap().is_empty());
        assert_eq!(rig.pool.used(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_in_the_middle_of_a_publication_wins() {
    let rig = Rig::named(&["a/x"]);
    let cache = Arc::clone(&rig.cache);
    *rig.heard.during.lock().unwrap() = Some(Box::new(move || {
        cache.lock();
        cache.unlock();
    }));
    assert_eq!(rig.open("a/x").await.unwrap_err(), OpenError::Locked);
    assert_eq!(rig.peek("a/x"), None);
    assert_eq!(rig.cache.state(rig.key("a/x")), None);
    assert_eq!(rig.pool.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_lock_is_not_even_identified() {
    let rig = Rig::named(&["a/x"]);
    let snapshot = rig.open("a/x").await.unwrap();
    let job = Job {
        key: rig.key("a/x"),
        plan: rig.plan("a/x"),
        prior: None,
        mark: None,
        asked: TestClock.now(),
    };
    rig.cache.lock();
    rig.cache.unlock();
    let mut writer = rig.pool.writer(None, 10);
    writer.append(b"late").unwrap();
    let late = Got {
        value: writer.finish().unwrap(),
        modified: None,
        validator: None,
        max_age: None,
        left_out: Vec::new(),
    };
    let outcome = rig.cache.publish(0, &job, late, true);
    assert_eq!(outcome.unwrap_err(), OpenError::Locked);
    rig.cache
        .record(0, job.key, &OpenError::Empty, TestClock.now());
    assert_eq!(rig.cache.state(job.key), None);
    assert_eq!(rig.heard.published.lock().unwrap().len(), 1);
    drop(snapshot);
}

#[tokio::test]
async fn locks_at_any_moment_leave_nothing_behind() {
    let names: Vec<_> = (0..20).map(|at| format!("{at}/x")).collect();
    let rig = Rig::named(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let cache = Arc::clone(&rig.cache);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let locker = std::thread::spawn(move || {
        let mut locks = 0;
        while stopped.try_recv().is_err() {
            cache.lock();
            assert_eq!(
                cache.guard().values.len(),
                0,
                "nothing is published while locked"
            );
            std::thread::yield_now();
            assert_eq!(
                cache.guard().values.len(),
                0,
                "nothing is published while locked"
            );
            cache.unlock();
            locks += 1;
            std::thread::yield_now();
        }
        locks
    });
    for _ in 0..200 {
        for name in &names {
            match rig.open(name).await {
                Ok(_) | Err(OpenError::Locked) => {}
                Err(OpenError::Provider(error)) if error.kind == ErrorKind::NoCredential => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    stop.send(()).unwrap();
    // How many depends on the scheduler alone.
    assert!(locker.join().unwrap() > 0);
    rig.cache.lock();
    assert_eq!(rig.pool.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn after_unlock_values_are_fetched_anew_as_new_versions() {
    let rig = Rig::named(&["a/x"]);
    let before = rig.open("a/x").await.unwrap().version;
    rig.cache.lock();
    rig.cache.lock();
    rig.cache.unlock();
    rig.cache.unlock();
    assert!(!rig.cache.is_locked());
    let after = rig.open("a/x").await.unwrap();
    assert_eq!(bytes(&after), b"a/x");
    assert!(after.version > before);
}

#[tokio::test(start_paused = true)]
async fn a_lock_drops_negative_entries() {
    let rig = Rig::named(&["a/x"]);
    rig.main.fail(ErrorKind::Missing);
    rig.read("a/x").await.unwrap_err();
    rig.main.work();
    rig.cache.lock();
    rig.cache.unlock();
    assert!(rig.read("a/x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn refresh_drops_values_stale_and_negative_entries() {
    let rig = Rig::named(&["a/x", "b/y", "c/z"]);
    for name in ["a/x", "b/y"] {
        rig.read(name).await.unwrap();
    }
    rig.main.reply("c/z", Reply::Fail(ErrorKind::Missing));
    rig.read("c/z").await.unwrap_err();
    assert_eq!(rig.cache.forget(Some(&[rig.key("a/x"), rig.key("c/z")])), 1);
    rig.main.set("c/z", "now");
    assert_eq!(rig.read("c/z").await.unwrap(), b"now");
    assert_eq!(rig.peek("a/x"), None);
    assert!(rig.peek("b/y").is_some());
    // Nothing is left to stand in.
    rig.main.fail(ErrorKind::Unreachable);
    assert_eq!(
        kind(&rig.read("a/x").await.unwrap_err()),
        Some(ErrorKind::Unreachable)
    );
    assert_eq!(rig.cache.forget(None), 2);
    assert_eq!(rig.peek("b/y"), None);
}

#[tokio::test(start_paused = true)]
async fn an_open_after_refresh_never_sees_an_answer_from_before() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().delay = Duration::from_secs(2);
    let before = rig.spawn("a/x");
    pass(1000).await;
    rig.cache.forget(None);
    let after = rig.spawn("a/x");
    assert!(before.await.unwrap().is_ok());
    assert_eq!(rig.peek("a/x"), None, "the one from before is not kept");
    rig.main.set("a/x", "new");
    assert_eq!(bytes(&after.await.unwrap().unwrap()), b"new");
    assert_eq!(rig.peek("a/x").unwrap(), b"new");
    assert_eq!(rig.main.count(), 2);
}

fn providers(rig: &Rig) -> Vec<Arc<dyn Provider>> {
    vec![
        Arc::clone(&rig.main) as Arc<dyn Provider>,
        Arc::clone(&rig.spare) as Arc<dyn Provider>,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_untouched_values_and_drops_vanished_ones() {
    let mut rig = Rig::new(vec![entry("a/x"), entry("b/y"), dir("d", "/d")]);
    for name in ["a/x", "b/y", "d/m"] {
        rig.main.set(name, name);
    }
    for name in ["a/x", "b/y"] {
        rig.read(name).await.unwrap();
    }
    rig.cache.list(rig.plan("d")).await.unwrap();
    let member = Arc::new(rig.cache.member_plan(&rig.plan("d"), "m").unwrap());
    rig.cache.open(Arc::clone(&member)).await.unwrap();
    let held = rig.open("b/y").await.unwrap();
    let gone = rig.key("b/y");
    let requests = rig.main.count();
    rig.map = compiled(
        &[spec("main"), spec("spare")],
        &[dir("d", "/d"), entry("a/x")],
    );
    rig.cache.set_map(rig.map.clone(), providers(&rig));
    assert!(rig.peek("a/x").is_some());
    assert!(matches!(rig.cache.peek(member.key), Peek::Fresh { .. }));
    assert!(rig.cache.peek_list(rig.key("d")).is_some());
    assert!(matches!(rig.cache.peek(gone), Peek::Miss));
    assert_eq!(rig.cache.state(gone), None);
    assert_eq!(bytes(&held), b"b/y", "open handles keep what they had");
    assert_eq!(rig.main.count(), requests);
    rig.map = compiled(&[spec("main"), spec("spare")], &[entry("a/x")]);
    rig.cache.set_map(rig.map.clone(), providers(&rig));
    assert!(matches!(rig.cache.peek(member.key), Peek::Miss));
}

#[tokio::test(start_paused = true)]
async fn a_flight_of_an_entry_that_a_reload_dropped_answers_its_waiters_alone() {
    let mut rig = Rig::named(&["a/x", "b/y"]);
    rig.main.script().delay = Duration::from_secs(1);
    let key = rig.key("a/x");
    let open = rig.spawn("a/x");
    pass(500).await;
    rig.map = compiled(&[spec("main"), spec("spare")], &[entry("b/y")]);
    rig.cache.set_map(rig.map.clone(), providers(&rig));
    assert!(open.await.unwrap().is_ok());
    assert!(matches!(rig.cache.peek(key), Peek::Miss));
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_a_reload_changed_is_another_value() {
    let mut rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    let shorter = EntryPlan {
        ttl_ms: 1000,
        ..entry("a/x")
    };
    rig.map = compiled(&[spec("main"), spec("spare")], &[shorter]);
    rig.cache.set_map(rig.map.clone(), providers(&rig));
    assert_eq!(rig.peek("a/x"), None);
    rig.read("a/x").await.unwrap();
    pass(1000).await;
    assert_eq!(rig.peek("a/x"), None);
}

#[tokio::test]
async fn a_thousand_values_are_wiped_within_a_tenth_of_a_second() {
    let names: Vec<_> = (0..1000).map(|at| format!("a/{at}")).collect();
    let rig = Rig::named(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        rig.open(name).await.unwrap();
    }
    rig.main.hang();
    let _hanging = rig.spawn("a/1");
    let held: Vec<_> = names
        .iter()
        .map(|name| rig.cache.peek(rig.key(name)))
        .collect();
    let start = std::time::Instant::now();
    rig.cache.lock();
    assert!(start.elapsed() < Duration::from_millis(100));
    assert!(held.iter().all(|peek| match peek {
        Peek::Fresh { snapshot, .. } => snapshot.value.read_at(0, &mut [0]).is_err(),
        Peek::Miss | Peek::Locked => false,
    }));
}
