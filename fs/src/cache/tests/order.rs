//! fresh → the provider → the entry's own stale value → its fallback → errno.

use super::rig::{Rig, Setup, entry, kind, pass, spec, with_fallback};
use crate::error::OpenError;
use crate::map::{EntryPlan, ProviderSettings, ProviderSpec};
use secretfs_providers::ErrorKind;

const OUTAGES: [ErrorKind; 4] = [
    ErrorKind::Unreachable,
    ErrorKind::TimedOut,
    ErrorKind::Server,
    ErrorKind::Limited { retry_after: None },
];

const ANSWERS: [ErrorKind; 8] = [
    ErrorKind::Missing,
    ErrorKind::Denied,
    ErrorKind::Refused,
    ErrorKind::Expired,
    ErrorKind::NoCredential,
    ErrorKind::TooLarge,
    ErrorKind::Ambiguous,
    ErrorKind::Protocol,
];

#[tokio::test(start_paused = true)]
async fn a_fresh_value_is_served_without_a_request() {
    let rig = Rig::named(&["a/x"]);
    assert_eq!(rig.peek("a/x"), None);
    assert_eq!(rig.read("a/x").await.unwrap(), b"a/x");
    pass(299_000).await;
    assert_eq!(rig.read("a/x").await.unwrap(), b"a/x");
    assert_eq!(rig.peek("a/x").unwrap(), b"a/x");
    assert_eq!(rig.main.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expired_value_is_checked_again() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    rig.main.set("a/x", "new");
    pass(300_000).await;
    assert_eq!(rig.peek("a/x"), None);
    assert_eq!(rig.read("a/x").await.unwrap(), b"new");
    assert_eq!(rig.main.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_ttl_of_nothing_asks_at_every_open() {
    let rig = Rig::new(vec![EntryPlan {
        ttl_ms: 0,
        ..entry("a/x")
    }]);
    for value in ["1", "2", "3"] {
        rig.main.set("a/x", value);
        assert_eq!(rig.read("a/x").await.unwrap(), value.as_bytes());
    }
    assert_eq!(rig.main.requests(), ["one a/x"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_stands_in_for_an_outage_and_not_for_an_answer() {
    for (kinds, stands_in) in [(&OUTAGES[..], true), (&ANSWERS[..], false)] {
        for failure in kinds {
            let rig = Rig::named(&["a/x"]);
            rig.read("a/x").await.unwrap();
            pass(300_000).await;
            rig.main.fail(*failure);
            match rig.read("a/x").await {
                Ok(value) => assert!(stands_in && value == b"a/x", "{failure:?}"),
                Err(error) => assert!(!stands_in && kind(&error) == Some(*failure)),
            }
            let told = rig.cache.state(rig.key("a/x")).unwrap();
            assert_eq!(told.last_error.as_ref().and_then(kind), Some(*failure));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_is_not_served_beyond_its_time() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    rig.main.fail(ErrorKind::Unreachable);
    pass(300_000 + 3_599_000).await;
    assert!(rig.read("a/x").await.is_ok());
    pass(1000).await;
    assert_eq!(
        kind(&rig.read("a/x").await.unwrap_err()),
        Some(ErrorKind::Unreachable)
    );
}

#[tokio::test(start_paused = true)]
async fn stale_nothing_never_serves_an_expired_value() {
    let rig = Rig::new(vec![EntryPlan {
        stale_ms: 0,
        ..entry("a/x")
    }]);
    rig.main.set("a/x", "v");
    rig.read("a/x").await.unwrap();
    rig.main.fail(ErrorKind::Unreachable);
    pass(300_000).await;
    assert!(rig.read("a/x").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_said_to_be_missing_never_comes_back_as_stale() {
    for answer in [ErrorKind::Missing, ErrorKind::Denied, ErrorKind::Refused] {
        let rig = Rig::named(&["a/x"]);
        rig.read("a/x").await.unwrap();
        pass(300_000).await;
        rig.main.fail(answer);
        rig.read("a/x").await.unwrap_err();
        rig.main.fail(ErrorKind::Unreachable);
        pass(5000).await;
        assert!(rig.read("a/x").await.is_err(), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_asked_when_the_provider_is_out_and_not_when_it_answers() {
    for (kinds, asked) in [(&OUTAGES[..], true), (&ANSWERS[..], false)] {
        for failure in kinds {
            let rig = Rig::new(vec![with_fallback("a/x")]);
            rig.main.fail(*failure);
            rig.spare.set("a/x", "spare");
            match rig.read("a/x").await {
                Ok(value) => assert!(asked && value == b"spare", "{failure:?}"),
                Err(error) => assert!(!asked && kind(&error) == Some(*failure)),
            }
            assert_eq!(rig.spare.count(), usize::from(asked));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_own_stale_value_comes_before_the_fallback() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.set("a/x", "main");
    rig.spare.set("a/x", "spare");
    rig.read("a/x").await.unwrap();
    pass(300_000).await;
    rig.main.fail(ErrorKind::Unreachable);
    assert_eq!(rig.read("a/x").await.unwrap(), b"main");
    rig.main.hang();
    assert_eq!(rig.read("a/x").await.unwrap(), b"main");
    assert_eq!(rig.spare.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_fallbacks_value_is_not_cached() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.fail(ErrorKind::Unreachable);
    rig.spare.set("a/x", "spare");
    assert_eq!(rig.read("a/x").await.unwrap(), b"spare");
    assert_eq!(rig.peek("a/x"), None);
    rig.main.work();
    rig.main.set("a/x", "main");
    assert_eq!(rig.read("a/x").await.unwrap(), b"main");
}

#[tokio::test(start_paused = true)]
async fn where_the_fallback_fails_too_the_first_providers_error_is_told() {
    let rig = Rig::new(vec![with_fallback("a/x")]);
    rig.main.fail(ErrorKind::Unreachable);
    rig.spare.fail(ErrorKind::Denied);
    assert_eq!(
        kind(&rig.read("a/x").await.unwrap_err()),
        Some(ErrorKind::Unreachable)
    );
}

fn network(name: &str) -> ProviderSpec {
    ProviderSpec {
        name: name.into(),
        settings: ProviderSettings::OnePassword {
            op: true,
            connect_host: None,
            account: None,
            ca_file: None,
            allow_insecure_http: false,
        },
    }
}

#[tokio::test(start_paused = true)]
async fn offline_only_fallbacks_and_local_vaults_are_asked() {
    let rig = Setup {
        entries: vec![with_fallback("a/x"), entry("a/y")],
        specs: [network("cloud"), spec("vault")],
        offline: true,
        ..Setup::default()
    }
    .build();
    rig.main.set("a/x", "main");
    rig.spare.set("a/x", "spare");
    assert_eq!(rig.read("a/x").await.unwrap(), b"spare");
    let error = rig.read("a/y").await.unwrap_err();
    assert_eq!(kind(&error), Some(ErrorKind::Unreachable));
    assert!(error.to_string().contains("--offline") && !error.help().is_empty());
    assert_eq!(rig.main.count(), 0);
    let told = rig.cache.state(rig.key("a/y")).unwrap();
    assert_eq!(told.last_error, Some(error));
}

#[tokio::test(start_paused = true)]
async fn a_flight_where_op_prompts_may_take_a_minute() {
    let rig = Setup {
        entries: vec![EntryPlan {
            open_timeout_ms: 10_000,
            ..entry("a/x")
        }],
        specs: [network("work"), spec("vault")],
        ..Setup::default()
    }
    .build();
    rig.main.set("a/x", "v");
    rig.main.script().delay = std::time::Duration::from_secs(55);
    assert!(matches!(
        rig.read("a/x").await,
        Err(OpenError::TimedOut { .. })
    ));
    pass(46_000).await;
    assert_eq!(rig.peek("a/x").unwrap(), b"v");
}
