//! What makes way, and what waits, when the locked memory is full.

use super::rig::{Rig, Setup, bytes, entry, kind, pass};
use crate::error::OpenError;
use secretfs_providers::ErrorKind;
use std::time::Duration;
use tokio::time::Instant;

const CAPACITY: usize = 256 << 10;
const VALUE: usize = 60 << 10;

/// Four values of these fill the pool. Each in a place of its own.
fn full(names: &[&str]) -> Rig {
    let rig = Setup {
        entries: names.iter().map(|name| entry(name)).collect(),
        capacity: CAPACITY,
        ..Setup::default()
    }
    .build();
    for name in names {
        rig.main.set(name, vec![name.as_bytes()[0]; VALUE]);
    }
    rig
}

const NAMES: [&str; 6] = ["a/x", "b/x", "c/x", "d/x", "e/x", "f/x"];

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_values_make_way() {
    let rig = full(&NAMES);
    for name in &NAMES[..4] {
        rig.open(name).await.unwrap();
    }
    assert!(rig.peek("a/x").is_some());
    assert_eq!(rig.read("e/x").await.unwrap(), vec![b'e'; VALUE]);
    assert!(rig.peek("a/x").is_some(), "it was just used");
    assert!(rig.peek("b/x").is_none());
    assert!(rig.pool.used() <= CAPACITY);
}

#[tokio::test(start_paused = true)]
async fn values_that_are_held_open_do_not_make_way() {
    let rig = full(&NAMES);
    let held = rig.open("a/x").await.unwrap();
    for name in &NAMES[1..] {
        rig.open(name).await.unwrap();
    }
    assert!(rig.peek("a/x").is_some());
    assert_eq!(bytes(&held), vec![b'a'; VALUE]);
}

#[tokio::test(start_paused = true)]
async fn where_all_are_held_an_open_waits_for_a_release() {
    let rig = full(&NAMES);
    let mut held = Vec::new();
    for name in &NAMES[..4] {
        held.push(rig.open(name).await.unwrap());
    }
    let open = rig.spawn("e/x");
    pass(5000).await;
    assert!(!open.is_finished());
    held.remove(2);
    let start = Instant::now();
    assert_eq!(bytes(&open.await.unwrap().unwrap()), vec![b'e'; VALUE]);
    assert!(start.elapsed() < Duration::from_secs(1));
    // It was not asked for over and over meanwhile.
    assert!(rig.main.count() <= 4 + 2, "{:?}", rig.main.requests());
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_released_within_open_timeout_the_memory_is_full() {
    let rig = full(&NAMES);
    let mut held = Vec::new();
    for name in &NAMES[..4] {
        held.push(rig.open(name).await.unwrap());
    }
    let start = Instant::now();
    assert_eq!(rig.open("e/x").await.unwrap_err(), OpenError::NoMemory);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    let told = rig.cache.state(rig.key("e/x")).unwrap();
    assert_eq!(told.last_error, Some(OpenError::NoMemory));
    drop(held);
    assert!(rig.open("e/x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_value_larger_than_the_pool_is_too_large() {
    let rig = full(&NAMES);
    rig.open("c/x").await.unwrap();
    rig.main.set("a/x", vec![0; CAPACITY + 1]);
    let error = rig.open("a/x").await.unwrap_err();
    assert_eq!(kind(&error), Some(ErrorKind::TooLarge));
    assert_eq!(rig.peek("a/x"), None);
}

#[tokio::test(start_paused = true)]
async fn a_known_size_makes_room_before_it_is_asked_for() {
    let rig = full(&NAMES);
    rig.open("a/x").await.unwrap();
    rig.cache.forget(Some(&[rig.key("a/x")]));
    for name in &NAMES[1..5] {
        rig.open(name).await.unwrap();
    }
    let before = rig.main.count();
    rig.open("a/x").await.unwrap();
    assert_eq!(rig.main.count(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn of_a_list_what_fits_is_kept_and_what_is_waited_for_finds_room() {
    let names = ["a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7"];
    let rig = full(&names);
    rig.main.script().delay = Duration::from_millis(20);
    let opens = names.map(|name| rig.spawn(name));
    for (open, name) in opens.into_iter().zip(names) {
        let snapshot = open.await.unwrap();
        assert_eq!(bytes(&snapshot.unwrap()), vec![b'a'; VALUE], "{name}");
    }
    let requests = rig.main.requests();
    let lists = requests.iter().filter(|one| one.starts_with("many"));
    assert_eq!(lists.count(), 1, "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn values_of_all_sizes_are_kept_within_the_pool() {
    let names: Vec<_> = (0..200).map(|at| format!("{at}/x")).collect();
    let rig = full(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for round in 0..2 {
        for (at, name) in names.iter().enumerate() {
            let value = vec![b'v'; 1 + (at * 7919 + round * 104_729) % (100 << 10)];
            rig.main.set(name, &value);
            rig.cache.forget(Some(&[rig.key(name)]));
            assert_eq!(rig.read(name).await.unwrap(), value);
            assert!(rig.pool.used() <= CAPACITY);
        }
    }
}
