//! The first miss of a place alone and at once; the second one as its list.

use super::fake::Reply;
use super::rig::{Rig, bytes, entry, kind, pass, settle};
use crate::error::OpenError;
use secretfs_providers::ErrorKind;
use std::time::Duration;
use tokio::time::Instant;

const FOLDER: [&str; 4] = ["a/1", "a/2", "a/3", "a/4"];

#[tokio::test(start_paused = true)]
async fn a_second_miss_within_two_seconds_brings_all_that_is_mapped_there() {
    let rig = Rig::named(&[&FOLDER[..], &["b/1"]].concat());
    rig.main.set("a/unmapped", "no");
    rig.read("a/1").await.unwrap();
    pass(1999).await;
    assert_eq!(rig.read("a/3").await.unwrap(), b"a/3");
    assert_eq!(rig.main.requests(), ["one a/1", "many a/3 a/4 a/2"]);
    for name in FOLDER {
        assert_eq!(rig.peek(name).unwrap(), name.as_bytes());
    }
    assert_eq!(rig.peek("b/1"), None);
}

#[tokio::test(start_paused = true)]
async fn a_second_miss_two_seconds_later_is_a_first_one() {
    let rig = Rig::named(&FOLDER);
    rig.read("a/1").await.unwrap();
    pass(2000).await;
    rig.read("a/2").await.unwrap();
    assert_eq!(rig.main.requests(), ["one a/1", "one a/2"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_miss_during_the_first_ones_flight_is_the_list_however_long_it_takes() {
    let rig = Rig::named(&FOLDER);
    rig.main.script().delay = Duration::from_secs(5);
    let first = rig.spawn("a/1");
    pass(3000).await;
    let second = rig.spawn("a/2");
    assert_eq!(bytes(&first.await.unwrap().unwrap()), b"a/1");
    assert_eq!(bytes(&second.await.unwrap().unwrap()), b"a/2");
    assert_eq!(rig.main.requests(), ["one a/1", "many a/2 a/3 a/4"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_cold_secrets_of_one_folder_take_two_requests_and_two_round_trips() {
    let names: Vec<_> = (0..100).map(|at| format!("a/{at}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    // One after the other, as `cat` does, and all at once.
    for at_once in [false, true] {
        let rig = Rig::named(&names);
        rig.main.script().delay = Duration::from_millis(20);
        let start = Instant::now();
        if at_once {
            let opens: Vec<_> = names.iter().map(|name| rig.spawn(name)).collect();
            for (open, name) in opens.into_iter().zip(&names) {
                assert_eq!(bytes(&open.await.unwrap().unwrap()), name.as_bytes());
            }
        } else {
            for name in &names {
                assert_eq!(rig.read(name).await.unwrap(), name.as_bytes());
            }
        }
        assert_eq!(rig.main.count(), 2);
        assert!(start.elapsed() <= Duration::from_millis(42));
    }
}

#[tokio::test(start_paused = true)]
async fn no_delay_is_added_before_a_request() {
    let rig = Rig::named(&FOLDER);
    let start = Instant::now();
    rig.read("a/1").await.unwrap();
    rig.read("a/2").await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_place_never_has_two_lists_under_way() {
    let rig = Rig::named(&FOLDER);
    rig.main.script().delay = Duration::from_secs(5);
    let first = rig.spawn("a/1");
    settle().await;
    let second = rig.spawn("a/2");
    settle().await;
    // A refresh takes the list off the board: what is opened now must not be older.
    rig.cache.forget(None);
    let third = rig.spawn("a/3");
    settle().await;
    let fourth = rig.spawn("a/4");
    for open in [first, second, third, fourth] {
        assert!(open.await.unwrap().is_ok());
    }
    let requests = rig.main.requests();
    let lists = requests.iter().filter(|one| one.starts_with("many"));
    assert_eq!(lists.count(), 1, "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_or_known_to_be_missing_is_not_listed_again() {
    let rig = Rig::named(&FOLDER);
    rig.main.reply("a/2", Reply::Fail(ErrorKind::Missing));
    rig.read("a/1").await.unwrap();
    pass(2000).await;
    rig.read("a/2").await.unwrap_err();
    rig.read("a/3").await.unwrap();
    assert_eq!(rig.main.requests(), ["one a/1", "one a/2", "many a/3 a/4"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_one_of_a_place_is_fetched_alone() {
    let rig = Rig::named(&["a/1", "a/2"]);
    rig.read("a/1").await.unwrap();
    rig.read("a/2").await.unwrap();
    assert_eq!(rig.main.requests(), ["one a/1", "one a/2"]);
}

#[tokio::test(start_paused = true)]
async fn what_concerns_one_secret_of_a_list_fails_it_alone() {
    let rig = Rig::named(&FOLDER);
    rig.main.reply("a/2", Reply::Fail(ErrorKind::Missing));
    rig.read("a/1").await.unwrap();
    assert_eq!(rig.read("a/3").await.unwrap(), b"a/3");
    assert_eq!(
        kind(&rig.read("a/2").await.unwrap_err()),
        Some(ErrorKind::Missing)
    );
    assert_eq!(rig.read("a/4").await.unwrap(), b"a/4");
    assert_eq!(rig.main.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_list_fails_those_who_wait_with_it() {
    let rig = Rig::named(&FOLDER);
    rig.read("a/1").await.unwrap();
    rig.main.fail(ErrorKind::Unreachable);
    assert_eq!(
        kind(&rig.read("a/2").await.unwrap_err()),
        Some(ErrorKind::Unreachable)
    );
    assert_eq!(rig.main.count(), 2);
    // The others were not opened: nothing is told of them.
    assert_eq!(rig.cache.state(rig.key("a/3")), None);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_listed_is_asked_one_by_one() {
    for refusal in [ErrorKind::Denied, ErrorKind::Missing, ErrorKind::Protocol] {
        let rig = Rig::named(&FOLDER);
        rig.main.script().no_list = Some(Reply::Fail(refusal));
        rig.read("a/1").await.unwrap();
        assert_eq!(rig.read("a/2").await.unwrap(), b"a/2");
        assert_eq!(rig.read("a/3").await.unwrap(), b"a/3");
        let requests = rig.main.requests();
        assert_eq!(requests[0], "one a/1");
        assert!(requests[1].starts_with("many"));
        assert_eq!(requests[2..], ["one a/2", "one a/3"], "{refusal:?}");
    }
}

/// Two values of a place that age together: an open of the second is the list of both, and is served at
/// once. Nobody waits for it, and yet `status` has to tell that it failed.
#[tokio::test(start_paused = true)]
async fn a_list_that_fetches_ahead_and_fails_is_told_of_the_opened_one() {
    let rig = Rig::named(&FOLDER);
    rig.read("a/1").await.unwrap();
    rig.read("a/2").await.unwrap();
    pass(240_000).await;
    rig.main.fail(ErrorKind::Server);
    for name in ["a/1", "a/2"] {
        rig.cache.refresh_ahead(rig.plan(name));
        settle().await;
        let state = rig.cache.state(rig.key(name)).unwrap();
        let last = state.last_error.as_ref().and_then(kind);
        assert_eq!(last, Some(ErrorKind::Server), "{name}");
        assert!(state.cached);
    }
    assert_eq!(rig.main.requests()[3..], ["many a/2 a/3 a/4 a/1"]);
    let state = rig.cache.state(rig.key("a/3")).unwrap();
    assert_eq!(state.last_error, None);
}

#[tokio::test(start_paused = true)]
async fn where_the_list_is_refused_a_fetch_ahead_is_a_request_of_its_own() {
    let rig = Rig::named(&FOLDER);
    rig.read("a/1").await.unwrap();
    rig.read("a/2").await.unwrap();
    pass(240_000).await;
    rig.main.script().no_list = Some(Reply::Fail(ErrorKind::Denied));
    rig.main.set("a/2", "new");
    for name in ["a/1", "a/2"] {
        rig.cache.refresh_ahead(rig.plan(name));
        settle().await;
    }
    assert_eq!(rig.main.requests()[4..], ["one a/2"]);
    assert_eq!(rig.peek("a/2").unwrap(), b"new");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_the_wrong_length_never_serves_another_secrets_value() {
    let rig = Rig::named(&FOLDER);
    rig.main.script().short_by = 1;
    rig.read("a/1").await.unwrap();
    for name in FOLDER {
        assert_eq!(rig.read(name).await.unwrap(), name.as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_list_fails_its_waiters_and_nothing_else() {
    let rig = Rig::named(&FOLDER);
    rig.read("a/1").await.unwrap();
    rig.main.reply("a/3", Reply::Panic);
    assert!(matches!(rig.open("a/2").await, Err(OpenError::Internal(_))));
    rig.main.set("a/3", "v");
    assert_eq!(rig.read("a/3").await.unwrap(), b"v");
    assert_eq!(rig.read("a/2").await.unwrap(), b"a/2");
}

#[tokio::test(start_paused = true)]
async fn equal_places_of_two_providers_are_two() {
    let mut other = entry("a/2");
    other.provider = 1;
    let rig = Rig::new(vec![entry("a/1"), other, entry("a/3")]);
    rig.main.set("a/1", "1");
    rig.main.set("a/3", "3");
    rig.spare.set("a/2", "2");
    rig.read("a/1").await.unwrap();
    rig.read("a/2").await.unwrap();
    assert_eq!(rig.spare.requests(), ["one a/2"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_bounded() {
    let names: Vec<_> = (0..1500).map(|at| format!("a/{at:04}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let rig = Rig::named(&names);
    rig.read("a/0000").await.unwrap();
    rig.read("a/0001").await.unwrap();
    let requests = rig.main.requests();
    assert_eq!(requests[1].split(' ').count(), 1 + 1000);
    // From the opened one on, so that what is opened next is there.
    assert!(rig.peek("a/0002").is_some() && rig.peek("a/1000").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_list_cannot_give_is_fetched_by_itself_and_left_out_of_later_lists() {
    let rig = Rig::named(&FOLDER);
    rig.main.script().alone = ["a/2", "a/4"].map(str::to_owned).into();
    rig.read("a/1").await.unwrap();
    // The one that somebody waits for is asked for at once; the other one when it is opened.
    assert_eq!(rig.read("a/2").await.unwrap(), b"a/2");
    let so_far = ["one a/1", "many a/2 a/3 a/4", "one a/2"];
    assert_eq!(rig.main.requests(), so_far);
    assert_eq!(rig.peek("a/4"), None);
    assert_eq!(rig.read("a/4").await.unwrap(), b"a/4");
    assert_eq!(rig.main.requests()[3..], ["one a/4"]);
    // Also when all of them are wanted again.
    pass(600_000 - 10).await;
    rig.read("a/1").await.unwrap();
    rig.read("a/3").await.unwrap();
    assert_eq!(rig.main.requests()[4..], ["one a/1", "one a/3"]);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_makes_a_list_try_again_what_it_could_not_give() {
    let rig = Rig::named(&FOLDER);
    rig.main.script().alone = ["a/2".to_owned()].into();
    rig.read("a/1").await.unwrap();
    rig.read("a/2").await.unwrap();
    rig.main.script().alone.clear();
    rig.cache.forget(None);
    rig.read("a/1").await.unwrap();
    assert_eq!(rig.main.requests()[3..], ["many a/1 a/2 a/3 a/4"]);
    assert_eq!(rig.peek("a/2").unwrap(), b"a/2");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_answers_a_single_request_so_is_at_fault() {
    let rig = Rig::named(&FOLDER);
    rig.main.reply("a/1", Reply::Alone);
    let error = rig.read("a/1").await.unwrap_err();
    assert_eq!(kind(&error), Some(ErrorKind::Protocol));
}
