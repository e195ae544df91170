//! What a value becomes: versions, validators, ages, sizes, decoding.

use super::fake::Reply;
use super::rig::{Rig, Setup, entry, kind, pass, spec, today};
use crate::cache::VersionId;
use crate::error::OpenError;
use crate::map::{Decode, EntryPlan, ProviderSettings, ProviderSpec};
use secretfs_providers::ErrorKind;
use std::time::Duration;

async fn version(rig: &Rig, name: &str) -> VersionId {
    rig.open(name).await.unwrap().version
}

#[tokio::test(start_paused = true)]
async fn a_version_is_equal_while_the_bytes_are_and_never_used_again() {
    let rig = Rig::named(&["a/x", "b/y"]);
    let mut versions = Vec::new();
    for value in ["1", "1", "2", "1"] {
        rig.main.set("a/x", value);
        versions.push(version(&rig, "a/x").await);
        pass(300_000).await;
    }
    let [one, again, two, back] = versions[..] else {
        panic!()
    };
    assert_eq!(one, again);
    assert!(one != two && two != back && one != back);
    let published: Vec<_> = rig
        .heard
        .published
        .lock()
        .unwrap()
        .iter()
        .map(|(_, version)| *version)
        .collect();
    assert_eq!(published, [one, two, back]);
    // Two secrets with the same bytes are two.
    rig.main.set("b/y", "1");
    assert!(!versions.contains(&version(&rig, "b/y").await));
}

#[tokio::test(start_paused = true)]
async fn a_version_outlives_refresh_and_eviction() {
    let rig = Rig::named(&["a/x"]);
    let first = version(&rig, "a/x").await;
    assert_eq!(rig.cache.forget(None), 1);
    assert_eq!(version(&rig, "a/x").await, first);
    assert_eq!(rig.main.count(), 2);
    assert_eq!(rig.heard.published.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_again_are_held_once() {
    let rig = Rig::named(&["a/x"]);
    let held = rig.open("a/x").await.unwrap();
    let used = rig.pool.used();
    pass(300_000).await;
    let again = rig.open("a/x").await.unwrap();
    assert_eq!(rig.pool.used(), used);
    assert!(held.value.is_shared() && again.value.is_shared());
}

#[tokio::test(start_paused = true)]
async fn a_value_changed_when_its_provider_says_so_or_when_it_was_first_seen() {
    let rig = Rig::named(&["a/x", "b/y"]);
    assert_eq!(rig.open("a/x").await.unwrap().modified, today());
    let then = today() - Duration::from_secs(1000);
    rig.main.script().modified = Some(then);
    assert_eq!(rig.open("b/y").await.unwrap().modified, then);
    // Nothing changes while nothing changes.
    pass(300_000).await;
    assert_eq!(rig.open("a/x").await.unwrap().modified, today());
}

#[tokio::test(start_paused = true)]
async fn a_validator_is_sent_and_unchanged_extends_the_value() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().validators = true;
    let first = version(&rig, "a/x").await;
    pass(300_000).await;
    rig.main.reply("a/x", Reply::Unchanged);
    assert_eq!(version(&rig, "a/x").await, first);
    assert_eq!(rig.peek("a/x").unwrap(), b"a/x");
    rig.main.set("a/x", "new");
    pass(300_000).await;
    assert_eq!(rig.read("a/x").await.unwrap(), b"new");
}

#[tokio::test(start_paused = true)]
async fn unchanged_without_a_value_is_an_error_and_no_value() {
    let rig = Rig::named(&["a/x"]);
    rig.main.reply("a/x", Reply::Unchanged);
    assert_eq!(
        kind(&rig.open("a/x").await.unwrap_err()),
        Some(ErrorKind::Protocol)
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_evicted_while_its_validator_travels_is_still_there_for_unchanged() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().validators = true;
    rig.open("a/x").await.unwrap();
    pass(300_000).await;
    rig.main.script().delay = Duration::from_secs(1);
    let open = rig.spawn("a/x");
    pass(500).await;
    rig.cache.forget(None);
    assert_eq!(super::rig::bytes(&open.await.unwrap().unwrap()), b"a/x");
}

#[tokio::test(start_paused = true)]
async fn a_one_time_password_is_kept_no_longer_than_it_is_good_for() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().max_age = Some(Duration::from_secs(7));
    rig.read("a/x").await.unwrap();
    pass(6999).await;
    assert!(rig.peek("a/x").is_some());
    pass(1).await;
    assert!(rig.peek("a/x").is_none());
    // Not even stale.
    rig.main.fail(ErrorKind::Unreachable);
    assert!(rig.read("a/x").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_max_age_of_nothing_is_asked_for_at_every_open() {
    let rig = Rig::named(&["a/x"]);
    rig.main.script().max_age = Some(Duration::ZERO);
    rig.read("a/x").await.unwrap();
    rig.main.set("a/x", "2");
    assert_eq!(rig.read("a/x").await.unwrap(), b"2");
}

#[tokio::test(start_paused = true)]
async fn an_empty_value_is_an_error_unless_it_is_allowed() {
    let allowed = EntryPlan {
        allow_empty: true,
        ..entry("b/y")
    };
    let rig = Rig::new(vec![entry("a/x"), allowed]);
    rig.main.set("a/x", "");
    rig.main.set("b/y", "");
    assert_eq!(rig.open("a/x").await.unwrap_err(), OpenError::Empty);
    assert_eq!(rig.read("b/y").await.unwrap(), b"");
    // An answer about the secret: believed for a while.
    assert_eq!(rig.open("a/x").await.unwrap_err(), OpenError::Empty);
    assert_eq!(rig.main.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn base64_is_decoded_and_what_is_none_is_an_error() {
    let base64 = |name: &str| EntryPlan {
        decode: Decode::Base64,
        max_size: 100,
        ..entry(name)
    };
    let rig = Rig::new(vec![base64("a/x"), base64("b/y"), base64("c/z")]);
    rig.main.set("a/x", "aGVs\n bG8=\n");
    rig.main.set("b/y", "hello!");
    // 100 bytes, 136 characters: the limit is for what the file holds.
    rig.main.set("c/z", "A".repeat(133) + "A==");
    assert_eq!(rig.read("a/x").await.unwrap(), b"hello");
    assert_eq!(rig.open("b/y").await.unwrap_err(), OpenError::Undecodable);
    assert_eq!(rig.read("c/z").await.unwrap(), [0; 100]);
}

#[tokio::test(start_paused = true)]
async fn a_value_above_max_size_is_an_error_and_no_part_of_it_is_served() {
    let small = |name: &str| EntryPlan {
        max_size: 10,
        ..entry(name)
    };
    let rig = Rig::new(vec![
        small("a/x"),
        small("b/y"),
        EntryPlan {
            decode: Decode::Base64,
            ..small("c/z")
        },
    ]);
    rig.main.set("a/x", "0123456789");
    rig.main.set("b/y", "0123456789a");
    rig.main.set("c/z", "A".repeat(16));
    assert!(rig.open("a/x").await.is_ok());
    assert_eq!(
        kind(&rig.open("b/y").await.unwrap_err()),
        Some(ErrorKind::TooLarge)
    );
    assert!(matches!(
        rig.open("c/z").await.unwrap_err(),
        OpenError::TooLarge { max: 10 }
    ));
}

fn cloud() -> ProviderSpec {
    ProviderSpec {
        name: "cloud".into(),
        settings: ProviderSettings::OnePassword {
            op: false,
            connect_host: Some("https://c".into()),
            account: None,
            ca_file: None,
            allow_insecure_http: false,
        },
    }
}

#[tokio::test(start_paused = true)]
async fn values_of_a_provider_in_a_network_expire_up_to_a_tenth_earlier_each_by_itself() {
    let names: Vec<_> = (0..50).map(|at| format!("{at}/x")).collect();
    let rig = Setup {
        entries: names.iter().map(|name| entry(name)).collect(),
        specs: [cloud(), spec("vault")],
        ..Setup::default()
    }
    .build();
    let mut ttls = std::collections::BTreeSet::new();
    for name in &names {
        rig.main.set(name, "v");
        rig.open(name).await.unwrap();
        ttls.insert(rig.cache.state(rig.key(name)).unwrap().ttl.unwrap());
    }
    assert!(ttls.len() > 10);
    assert!(
        ttls.iter()
            .all(|ttl| { (Duration::from_secs(270)..=Duration::from_secs(300)).contains(ttl) })
    );
}

#[tokio::test(start_paused = true)]
async fn status_tells_age_ttl_and_size_and_never_a_value() {
    let rig = Rig::named(&["a/x"]);
    rig.read("a/x").await.unwrap();
    pass(10_000).await;
    let told = rig.cache.state(rig.key("a/x")).unwrap();
    assert!(told.cached && !told.stale);
    assert_eq!(told.age, Some(Duration::from_secs(10)));
    assert_eq!(told.ttl, Some(Duration::from_secs(300)));
    assert_eq!(told.size, Some(3));
    pass(290_000).await;
    assert!(rig.cache.state(rig.key("a/x")).unwrap().stale);
    rig.cache.forget(None);
    let told = rig.cache.state(rig.key("a/x")).unwrap();
    assert!(!told.cached);
    assert_eq!(told.size, Some(3), "the size last published");
    let snapshot = rig.open("a/x").await.unwrap();
    let shown = format!(
        "{snapshot:?} {:?} {:?}",
        rig.cache,
        rig.cache.peek(rig.key("a/x"))
    );
    assert!(
        !shown.contains("a/x") && !shown.contains("[97, 47, 120]"),
        "{shown}"
    );
}
