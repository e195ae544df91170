//! One flight a secret: joined, refreshed ahead, refused for a while, and never a mount's end.

use super::fake::Reply;
use super::rig::{Rig, bytes, kind, pass, settle, with_fallback};
use crate::error::OpenError;
use secretfs_providers::ErrorKind;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_thousand_opens_of_one_cold_secret_make_one_request() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().delay = Duration::from_millis(20);
    let opens: Vec<_> = (0..1000).map(|_| rig.spawn("a/x")).collect();
    for open in opens {
        assert_eq!(bytes(&open.await.unwrap().unwrap()), b"a/x");
    }
    assert_eq!(rig.main.requests(), ["one a/x"]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_opens_during_an_outage_make_one_request_to_each() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    for fake in [&rig.main, &rig.spare] {
        fake.script().delay = Duration::from_millis(20);
    }
    rig.main.fail(ErrorKind::Unreachable);
    rig.spare.set("a/x", "spare");
    let opens: Vec<_> = (0..1000).map(|_| rig.spawn("a/x")).collect();
    for open in opens {
        assert_eq!(bytes(&open.await.unwrap().unwrap()), b"spare");
    }
    assert_eq!((rig.main.count(), rig.spare.count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn only_an_open_in_the_last_fifth_of_the_ttl_refreshes_ahead() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    pass(239_000).await;
    assert!(!rig.ageing("a/x"));
    pass(1000).await;
    assert!(rig.ageing("a/x"));
    // No timer fetches anything.
    assert_eq!(rig.main.count(), 1);
    rig.main.set("a/x", "new");
    rig.main.script().delay = Duration::from_secs(1);
    rig.cache.refresh_ahead(rig.plan("a/x"));
    // Served at once, and asked for once.
    assert_eq!(rig.peek("a/x").unwrap(), b"a/x");
    settle().await;
    assert!(!rig.ageing("a/x"));
    pass(1001).await;
    assert_eq!(rig.peek("a/x").unwrap(), b"new");
    assert_eq!(rig.main.count(), 2);
}

/// A server that takes its time may have read the value when it was asked: from then on it ages, or a
/// value that was replaced meanwhile would be served for longer than the ttl.
#[tokio::test(start_paused = true)]
async fn an_answer_that_took_its_time_is_as_old_as_its_request() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().delay = Duration::from_secs(8);
    let open = rig.spawn("a/x");
    pass(8001).await;
    open.await.unwrap().unwrap();
    let state = rig.cache.state(rig.key("a/x")).unwrap();
    assert!(state.age.unwrap() >= Duration::from_secs(8), "{state:?}");
    // The ttl is five minutes.
    pass(291_900).await;
    assert!(rig.peek("a/x").is_some());
    pass(200).await;
    assert!(rig.peek("a/x").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_ahead_that_fails_leaves_the_value_and_does_not_hammer() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    pass(240_000).await;
    rig.main.fail(ErrorKind::Unreachable);
    for _ in 0..100 {
        if rig.ageing("a/x") {
            rig.cache.refresh_ahead(rig.plan("a/x"));
        }
        settle().await;
    }
    assert_eq!(rig.main.count(), 2);
    assert_eq!(rig.peek("a/x").unwrap(), b"a/x");
    pass(5000).await;
    assert!(rig.ageing("a/x"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_no_is_believed_for_five_seconds() {
    for answer in [
        ErrorKind::Missing,
        ErrorKind::Denied,
        ErrorKind::Refused,
        ErrorKind::Expired,
        ErrorKind::TooLarge,
        ErrorKind::Ambiguous,
        ErrorKind::Unsupported,
    ] {
        let rig = Rig::named(&["a/x"]);
        rig.main.fail(answer);
        for _ in 0..3 {
            assert_eq!(kind(&rig.read("a/x").await.unwrap_err()), Some(answer));
            pass(1600).await;
        }
        assert_eq!(rig.main.count(), 1, "{answer:?}");
        rig.main.work();
        pass(200).await;
        assert!(rig.read("a/x").await.is_ok(), "{answer:?}");
        assert_eq!(rig.main.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_says_nothing_about_the_secret_is_not_believed() {
    for failure in [
        ErrorKind::Unreachable,
        ErrorKind::Server,
        ErrorKind::TimedOut,
        ErrorKind::Limited { retry_after: None },
        ErrorKind::NoCredential,
        ErrorKind::Protocol,
    ] {
        let rig = Rig::named(&["a/x"]);
        rig.main.fail(failure);
        assert_eq!(kind(&rig.read("a/x").await.unwrap_err()), Some(failure));
        rig.main.work();
        assert!(rig.read("a/x").await.is_ok(), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_supplied_credential_is_tried_at_once() {
    let rig = Rig::named(&["a/x", "b/y"]);
    rig.main.fail(ErrorKind::Refused);
    rig.main.reply("b/y", Reply::Fail(ErrorKind::Missing));
    rig.read("a/x").await.unwrap_err();
    rig.main.work();
    rig.read("b/y").await.unwrap_err();
    rig.cache.credential_supplied();
    assert!(rig.read("a/x").await.is_ok());
    rig.read("b/y").await.unwrap_err();
    assert_eq!(rig.main.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_provider_fails_its_waiters_and_nothing_else() {
    let rig = Rig::named(&["a/x", "b/y"]);
    rig.main.reply("a/x", Reply::Panic);
    let opens: Vec<_> = (0..3).map(|_| rig.spawn("a/x")).collect();
    for open in opens {
        assert!(matches!(open.await.unwrap(), Err(OpenError::Internal(_))));
    }
    assert!(rig.read("b/y").await.is_ok());
    rig.main.set("a/x", "v");
    assert_eq!(rig.read("a/x").await.unwrap(), b"v");
}

#[tokio::test(start_paused = true)]
async fn every_failure_is_told_to_the_listener_and_to_status() {
    let rig = Rig::named(&["a/x"]);
    assert_eq!(rig.cache.state(rig.key("a/x")), None);
    rig.main.fail(ErrorKind::Denied);
    let error = rig.read("a/x").await.unwrap_err();
    let told = rig.cache.state(rig.key("a/x")).unwrap();
    assert_eq!(told.last_error, Some(error.clone()));
    assert!(!told.cached && !told.stale);
    assert_eq!(*rig.heard.failed.lock().unwrap(), [(rig.key("a/x"), error)]);
}
