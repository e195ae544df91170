//! Providers whose answer for one secret has its whole place in it: 1Password's item.

use super::fake::Reply;
use super::rig::{Rig, bytes, kind, settle};
use secretfs_providers::ErrorKind;
use std::time::Duration;

const ITEM: [&str; 4] = ["a/1", "a/2", "a/3", "a/4"];

fn whole(names: &[&str]) -> Rig {
    let rig = Rig::named(names);
    rig.main.script().whole = true;
    rig
}

#[tokio::test(start_paused = true)]
async fn the_first_miss_brings_all_that_is_mapped_there() {
    let rig = whole(&[&ITEM[..], &["b/1"]].concat());
    assert_eq!(rig.read("a/2").await.unwrap(), b"a/2");
    for name in ITEM {
        assert_eq!(rig.read(name).await.unwrap(), name.as_bytes());
    }
    assert_eq!(rig.peek("b/1"), None);
    assert_eq!(rig.main.requests(), ["many a/2 a/3 a/4 a/1"]);
}

#[tokio::test(start_paused = true)]
async fn all_of_it_opened_at_once_is_one_request() {
    let rig = whole(&ITEM);
    rig.main.script().delay = Duration::from_millis(20);
    let opens: Vec<_> = ITEM.iter().map(|name| rig.spawn(name)).collect();
    for (open, name) in opens.into_iter().zip(ITEM) {
        assert_eq!(bytes(&open.await.unwrap().unwrap()), name.as_bytes());
    }
    assert_eq!(rig.main.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_place_with_one_secret_is_asked_for_that_one() {
    let rig = whole(&["a/1", "b/1"]);
    rig.read("a/1").await.unwrap();
    assert_eq!(rig.main.requests(), ["one a/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_whole_is_not_asked_for_again_one_by_one() {
    for failure in [
        ErrorKind::Missing,
        ErrorKind::Denied,
        ErrorKind::Unreachable,
    ] {
        let rig = whole(&ITEM);
        rig.main.fail(failure);
        assert_eq!(kind(&rig.open("a/1").await.unwrap_err()), Some(failure));
        assert_eq!(rig.main.count(), 1);
        rig.main.work();
        // Of the others nothing is remembered: nobody opened them.
        assert_eq!(rig.read("a/2").await.unwrap(), b"a/2");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_a_request_of_its_own_gets_one_when_somebody_opens_it() {
    let rig = whole(&ITEM);
    rig.main.reply("a/2", Reply::Apart(b"large".to_vec()));
    assert_eq!(rig.read("a/1").await.unwrap(), b"a/1");
    assert_eq!(rig.main.count(), 1);
    // It was left out, and is not known to be missing.
    assert_eq!(rig.peek("a/2"), None);
    assert_eq!(rig.read("a/2").await.unwrap(), b"large");
    assert_eq!(rig.main.requests(), ["many a/1 a/2 a/3 a/4", "one a/2"]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_a_request_of_its_own_and_is_waited_for_gets_one_at_once() {
    let rig = whole(&ITEM);
    rig.main.reply("a/2", Reply::Apart(b"large".to_vec()));
    rig.main.script().delay = Duration::from_millis(20);
    let first = rig.spawn("a/1");
    settle().await;
    let second = rig.spawn("a/2");
    assert_eq!(bytes(&first.await.unwrap().unwrap()), b"a/1");
    assert_eq!(bytes(&second.await.unwrap().unwrap()), b"large");
    assert_eq!(rig.main.requests(), ["many a/1 a/2 a/3 a/4", "one a/2"]);
}

#[tokio::test(start_paused = true)]
async fn the_opened_one_comes_with_the_whole_even_if_it_would_take_a_request_of_its_own() {
    let rig = whole(&ITEM);
    rig.main.reply("a/2", Reply::Apart(b"large".to_vec()));
    assert_eq!(rig.read("a/2").await.unwrap(), b"large");
    assert_eq!(rig.main.requests(), ["many a/2 a/3 a/4 a/1"]);
}
