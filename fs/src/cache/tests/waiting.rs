//! How long an open waits, and what goes on without it.

use super::fake::Reply;
use super::rig::{Rig, entry, kind, pass, settle, with_fallback};
use crate::error::OpenError;
use crate::map::EntryPlan;
use secretfs_providers::{ErrorKind, ProviderError};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn an_open_ends_at_its_open_timeout_while_its_flight_fills_the_cache() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().delay = Duration::from_secs(20);
    let start = Instant::now();
    let error = rig.read("a/x").await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert_eq!(
        error,
        OpenError::TimedOut {
            provider: "main".into(),
            seconds: 10
        }
    );
    let told = rig.cache.state(rig.key("a/x")).unwrap();
    assert_eq!(told.last_error, Some(error));
    pass(10_001).await;
    assert_eq!(rig.peek("a/x").unwrap(), b"a/x");
    assert_eq!(rig.main.count(), 1);
    assert_eq!(rig.cache.state(rig.key("a/x")).unwrap().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn a_flight_ends_after_thirty_seconds() {
    let rig = Rig::named(&["a/x"]);
    rig.main.hang();
    rig.read("a/x").await.unwrap_err();
    // The second open waits for the same flight.
    pass(15_000).await;
    let start = Instant::now();
    let error = rig.read("a/x").await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(kind(&error), Some(ErrorKind::TimedOut));
    assert_eq!(rig.main.count(), 1);
    assert_eq!(rig.main.script().in_flight, 0);
    rig.main.work();
    assert!(rig.read("a/x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_open_may_be_more_patient_than_flights_are() {
    let rig = Rig::new(vec![EntryPlan {
        open_timeout_ms: 45_000,
        ..entry("a/x")
    }]);
    rig.main.set("a/x", "v");
    rig.main.script().delay = Duration::from_secs(40);
    assert_eq!(rig.read("a/x").await.unwrap(), b"v");
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_told_until_when_it_may_answer() {
    let rig = Rig::named(&["a/x"]);
    let now = Instant::now().into_std();
    rig.read("a/x").await.unwrap();
    assert_eq!(rig.main.script().deadlines, [now + Duration::from_secs(30)]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_provider_gives_way_to_the_stale_value_at_the_end() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    pass(300_000).await;
    rig.main.hang();
    let start = Instant::now();
    assert_eq!(rig.read("a/x").await.unwrap(), b"a/x");
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    let told = rig.cache.state(rig.key("a/x")).unwrap();
    assert!(matches!(told.last_error, Some(OpenError::TimedOut { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_slow_provider_wins_over_a_stale_value() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    pass(300_000).await;
    rig.main.set("a/x", "new");
    rig.main.script().delay = Duration::from_secs(9);
    assert_eq!(rig.read("a/x").await.unwrap(), b"new");
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_asked_at_half_of_the_open_timeout() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.hang();
    rig.spare.set("a/x", "spare");
    let start = Instant::now();
    assert_eq!(rig.read("a/x").await.unwrap(), b"spare");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_answers_while_the_fallback_is_asked_wins() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.set("a/x", "main");
    rig.main.script().delay = Duration::from_secs(7);
    rig.spare.hang();
    let start = Instant::now();
    assert_eq!(rig.read("a/x").await.unwrap(), b"main");
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    rig.main.reply("a/x", Reply::Fail(ErrorKind::Missing));
    pass(300_000).await;
    let stale = rig.read("a/x").await.unwrap_err();
    assert_eq!(kind(&stale), Some(ErrorKind::Missing));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_that_fails_leaves_the_rest_of_the_time_to_the_provider() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.set("a/x", "main");
    rig.main.script().delay = Duration::from_secs(9);
    rig.spare.fail(ErrorKind::Unreachable);
    assert_eq!(rig.read("a/x").await.unwrap(), b"main");
}

#[tokio::test(start_paused = true)]
async fn an_open_ends_in_time_when_both_hang() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.hang();
    rig.spare.hang();
    let start = Instant::now();
    assert!(matches!(
        rig.read("a/x").await,
        Err(OpenError::TimedOut { .. })
    ));
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_not_followed_by_the_fallbacks() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.set("a/x", "main");
    rig.main.script().delay = Duration::from_secs(8);
    rig.spare.set("a/x", "spare");
    rig.spare.script().delay = Duration::from_secs(4);
    assert_eq!(rig.read("a/x").await.unwrap(), b"main");
    pass(5000).await;
    assert_eq!(rig.heard.published.lock().unwrap().len(), 1);
    assert_eq!(rig.peek("a/x").unwrap(), b"main");
}

#[tokio::test(start_paused = true)]
async fn an_open_that_waits_for_a_rate_limit_says_so() {
    let rig = Rig::named(&["a/x"]);
    rig.main.hang();
    let limited = ErrorKind::Limited { retry_after: None };
    rig.main.script().health = Some(ProviderError::new(limited, "rate limited", ""));
    let error = rig.read("a/x").await.unwrap_err();
    assert_eq!(kind(&error), Some(limited));
}

#[tokio::test(start_paused = true)]
async fn an_open_that_is_given_up_leaves_its_flight_to_others() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().delay = Duration::from_secs(3);
    let first = rig.spawn("a/x");
    settle().await;
    let second = rig.spawn("a/x");
    settle().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(second.await.unwrap().is_ok());
    assert_eq!(rig.main.count(), 1);
}
