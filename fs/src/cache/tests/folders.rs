//! `dir:` folders and rendered ones.

use super::rig::{Rig, bytes, dir, entry, kind, pass, rendered, settle};
use crate::cache::Cache;
use crate::error::OpenError;
use crate::map::{EntryPlan, Format};
use secretfs_providers::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

fn folder(names: &[&str]) -> Rig {
    let rig = Rig::new(vec![
        dir("backend", "/b"),
        rendered("b.env", "/b", Format::Dotenv),
        entry("b/explicit"),
    ]);
    for name in names {
        rig.main.set(&format!("b/{name}"), name);
    }
    rig
}

async fn names(rig: &Rig) -> Result<Vec<String>, OpenError> {
    let names = rig.cache.list(rig.plan("backend")).await?;
    Ok(names.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_folder_is_listed_once_by_names_only_and_kept_for_its_ttl() {
    let rig = folder(&["z", "a"]);
    let key = rig.key("backend");
    assert_eq!(rig.cache.peek_list(key), None);
    for _ in 0..3 {
        assert_eq!(names(&rig).await.unwrap(), ["a", "z"]);
        pass(99_999).await;
    }
    assert!(rig.cache.peek_list(key).is_some());
    assert_eq!(rig.main.requests(), ["list /b"]);
    rig.main.set("b/new", "v");
    pass(3).await;
    assert_eq!(rig.cache.peek_list(key), None);
    assert_eq!(names(&rig).await.unwrap(), ["a", "new", "z"]);
    assert_eq!(rig.heard.listed.lock().unwrap().len(), 2);
    assert!(rig.cache.state(key).unwrap().cached);
}

#[tokio::test(start_paused = true)]
async fn concurrent_listings_make_one_request() {
    let rig = folder(&["a"]);
    rig.main.script().delay = Duration::from_millis(20);
    let lists: Vec<_> = (0..100)
        .map(|_| {
            let (cache, plan) = (Arc::clone(&rig.cache), rig.plan("backend"));
            tokio::spawn(async move { cache.list(plan).await })
        })
        .collect();
    for list in lists {
        assert_eq!(*list.await.unwrap().unwrap(), ["a"]);
    }
    assert_eq!(rig.main.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_listing_fails_the_earlier_one_stands_in_and_without_one_the_error() {
    let rig = folder(&["a"]);
    rig.main.fail(ErrorKind::Unreachable);
    assert_eq!(
        kind(&names(&rig).await.unwrap_err()),
        Some(ErrorKind::Unreachable)
    );
    rig.main.work();
    assert_eq!(names(&rig).await.unwrap(), ["a"]);
    pass(300_000).await;
    for failure in [
        ErrorKind::Unreachable,
        ErrorKind::Denied,
        ErrorKind::Missing,
    ] {
        rig.main.fail(failure);
        assert_eq!(names(&rig).await.unwrap(), ["a"], "{failure:?}");
        let told = rig.cache.state(rig.key("backend")).unwrap();
        assert_eq!(told.last_error.as_ref().and_then(kind), Some(failure));
        assert!(told.stale);
        pass(5000).await;
    }
    rig.main.hang();
    let start = tokio::time::Instant::now();
    assert_eq!(names(&rig).await.unwrap(), ["a"]);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    // Who looks again right after does not wait again.
    assert_eq!(names(&rig).await.unwrap(), ["a"]);
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_hangs_ends_at_open_timeout() {
    let rig = folder(&["a"]);
    rig.main.hang();
    assert!(matches!(names(&rig).await, Err(OpenError::TimedOut { .. })));
}

#[tokio::test(start_paused = true)]
async fn names_that_cannot_be_file_names_are_left_out_and_told() {
    let long = "l".repeat(256);
    let bad = ["", ".", "..", "a/b", "nul\0", "line\nfeed", &long];
    let rig = folder(&bad);
    rig.main.set("b/good name=", "v");
    assert_eq!(names(&rig).await.unwrap(), ["good name="]);
    let told = rig.cache.state(rig.key("backend")).unwrap().left_out;
    assert_eq!(told.len(), bad.len());
}

#[tokio::test(start_paused = true)]
async fn a_listing_is_bounded() {
    let rig = folder(&[]);
    {
        let mut script = rig.main.script();
        for at in 0..65_537 {
            let reply = super::fake::Reply::Value(Vec::new());
            script.replies.insert(format!("b/{at}"), reply);
        }
    }
    assert!(matches!(names(&rig).await, Err(OpenError::TooLarge { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_file_of_a_folder_is_found_by_its_name_and_gathered_with_its_siblings() {
    let rig = folder(&["a", "b", "c", "explicit"]);
    names(&rig).await.unwrap();
    let plan = |name: &str| Arc::new(rig.cache.member_plan(&rig.plan("backend"), name).unwrap());
    let a = plan("a");
    assert_eq!(a.path, "backend/a");
    assert_eq!(a.key, Cache::member_key(rig.key("backend"), "a"));
    assert_ne!(a.key, plan("b").key);
    assert_eq!(bytes(&rig.cache.open(a).await.unwrap()), b"a");
    assert_eq!(bytes(&rig.cache.open(plan("c")).await.unwrap()), b"c");
    assert_eq!(bytes(&rig.cache.open(plan("b")).await.unwrap()), b"b");
    let requests = rig.main.requests();
    assert_eq!(requests[..2], ["list /b", "one b/a"]);
    assert_eq!(requests[2], "many b/c b/explicit b/explicit b/b");
    assert_eq!(requests.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn refresh_of_a_folder_is_one_of_its_files_too() {
    let rig = folder(&["a"]);
    names(&rig).await.unwrap();
    let plan = rig.cache.member_plan(&rig.plan("backend"), "a").unwrap();
    rig.cache.open(Arc::new(plan)).await.unwrap();
    assert_eq!(rig.cache.forget(Some(&[rig.key("backend")])), 1);
    assert_eq!(rig.cache.peek_list(rig.key("backend")), None);
    names(&rig).await.unwrap();
    assert_eq!(rig.main.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn refresh_of_one_file_of_a_folder_leaves_its_names_and_the_other_files() {
    let rig = folder(&["a", "b"]);
    names(&rig).await.unwrap();
    let member = |name| Arc::new(rig.cache.member_plan(&rig.plan("backend"), name).unwrap());
    for name in ["a", "b"] {
        rig.cache.open(member(name)).await.unwrap();
    }
    let before = rig.main.count();
    assert_eq!(rig.cache.forget(Some(&[member("a").key])), 1);
    assert!(rig.cache.peek_list(rig.key("backend")).is_some());
    rig.cache.open(member("b")).await.unwrap();
    assert_eq!(rig.main.count(), before);
    rig.cache.open(member("a")).await.unwrap();
    assert_eq!(rig.main.count(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_plain_entry_has_no_files() {
    let rig = folder(&[]);
    assert!(
        rig.cache
            .member_plan(&rig.plan("b/explicit"), "a")
            .is_none()
    );
    assert!(matches!(
        rig.open("backend").await,
        Err(OpenError::Internal(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_rendered_folder_is_a_value_and_tells_what_it_leaves_out() {
    let rig = folder(&["B", "A", "not-a-name"]);
    rig.main.set("b/EMPTY", "");
    assert_eq!(
        rig.read("b.env").await.unwrap(),
        b"A='A'\nB='B'\nEMPTY=''\n"
    );
    assert_eq!(
        rig.cache.state(rig.key("b.env")).unwrap().left_out,
        ["not-a-name"]
    );
    assert_eq!(rig.main.requests(), ["folder /b"]);
    let version = rig.open("b.env").await.unwrap().version;
    pass(300_000).await;
    assert_eq!(rig.open("b.env").await.unwrap().version, version);
    rig.main.script().replies.remove("b/not-a-name");
    pass(300_000).await;
    rig.read("b.env").await.unwrap();
    assert!(
        rig.cache
            .state(rig.key("b.env"))
            .unwrap()
            .left_out
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_rendered_folder_that_is_empty_is_an_empty_file_only_where_that_is_allowed() {
    let rig = Rig::new(vec![
        rendered("no", "/b", Format::Dotenv),
        EntryPlan {
            allow_empty: true,
            ..rendered("yes", "/b", Format::Dotenv)
        },
    ]);
    assert_eq!(rig.open("no").await.unwrap_err(), OpenError::Empty);
    assert_eq!(rig.read("yes").await.unwrap(), b"");
}

#[tokio::test(start_paused = true)]
async fn at_most_two_folders_are_read_at_once_and_the_third_waits_inside_its_time() {
    let rig = Rig::new(
        ["p", "q", "r"]
            .iter()
            .map(|place| rendered(place, &format!("/{place}"), Format::Json))
            .collect(),
    );
    for place in ["p", "q", "r"] {
        rig.main.set(&format!("{place}/A"), "v");
    }
    rig.main.script().delay = Duration::from_secs(6);
    let opens = ["p", "q", "r"].map(|name| rig.spawn(name));
    settle().await;
    let [first, second, third] = opens;
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    assert!(matches!(
        third.await.unwrap(),
        Err(OpenError::TimedOut { .. })
    ));
    assert_eq!(rig.main.script().most_in_flight, 2);
    pass(3000).await;
    assert!(rig.peek("r").is_some());
}
