//! Hints of a provider: what was asked for before one is checked again, by the next open and by nothing
//! else.

use super::rig::{Rig, dir, kind, pass, settle};
use secretfs_providers::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

fn rig() -> Rig {
    let rig = Rig::named(&["a/x", "a/y"]);
    rig.main.listen();
    rig
}

#[tokio::test(start_paused = true)]
async fn a_hint_ends_the_ttl_of_what_was_fetched_before_and_fetches_nothing_itself() {
    let rig = rig();
    rig.read("a/x").await.unwrap();
    rig.main.set("a/x", "new");
    rig.main.hint();
    pass(1000).await;
    assert_eq!(rig.main.count(), 1, "a hint is no reason for a request");
    assert_eq!(rig.peek("a/x"), None);
    assert_eq!(rig.read("a/x").await.unwrap(), b"new");
    assert_eq!(rig.main.count(), 2);
    // And is over with that.
    pass(200_000).await;
    assert_eq!(rig.peek("a/x").unwrap(), b"new");
    assert_eq!(rig.main.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_hints_cost_no_more_than_one() {
    let rig = rig();
    rig.read("a/x").await.unwrap();
    for _ in 0..1000 {
        rig.main.hint();
    }
    for _ in 0..10 {
        rig.read("a/x").await.unwrap();
    }
    assert_eq!(rig.main.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hint_during_a_request_is_not_lost() {
    let rig = rig();
    rig.main.script().delay = Duration::from_millis(50);
    let reading = {
        let (cache, plan) = (Arc::clone(&rig.cache), rig.plan("a/x"));
        tokio::spawn(async move { cache.open(plan).await.is_ok() })
    };
    settle().await;
    // What the answer was made from may be older than this.
    rig.main.hint();
    assert!(reading.await.unwrap());
    assert_eq!(rig.peek("a/x"), None);
    rig.read("a/x").await.unwrap();
    assert_eq!(rig.main.count(), 2);
    assert!(rig.peek("a/x").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_hint_made_old_stands_in_as_what_is_old_by_its_ttl() {
    let rig = rig();
    rig.read("a/x").await.unwrap();
    rig.main.hint();
    rig.main.fail(ErrorKind::Unreachable);
    assert_eq!(rig.read("a/x").await.unwrap(), b"a/x");
    rig.main.fail(ErrorKind::Missing);
    assert_eq!(
        kind(&rig.read("a/x").await.unwrap_err()),
        Some(ErrorKind::Missing)
    );
}

#[tokio::test(start_paused = true)]
async fn a_hint_of_one_provider_is_none_of_another_and_none_without_listening() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    rig.main.hint();
    rig.spare.listen();
    rig.spare.hint();
    assert!(rig.peek("a/x").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_hint_ends_the_ttl_of_a_folders_names() {
    let rig = Rig::new(vec![dir("backend", "/b")]);
    rig.main.listen();
    rig.main.set("b/a", "1");
    let names = || async { rig.cache.list(rig.plan("backend")).await.unwrap().to_vec() };
    assert_eq!(names().await, ["a"]);
    rig.main.set("b/new", "2");
    assert_eq!(names().await, ["a"]);
    rig.main.hint();
    assert_eq!(rig.cache.peek_list(rig.key("backend")), None);
    assert_eq!(names().await, ["a", "new"]);
    assert_eq!(names().await, ["a", "new"]);
    assert_eq!(rig.main.requests(), ["list /b"; 2]);
}
