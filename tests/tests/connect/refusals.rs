//! Each row of contract onepassword.md §1.5, and the retries of §4.8.

use super::rig::Rig;
use secretfs_providers::{ErrorKind, Health, Provider};
use secretfs_tests::connect::{Field, Item, Route, TOKEN};
use secretfs_tests::http_sim::Fault;
use std::time::Duration;

fn of(rig: &Rig) -> String {
    let vault = rig.sim.vault("Prod");
    let item = rig
        .sim
        .item(&vault, Item::new("i").field(Field::new("f").value("v")));
    format!("op://{vault}/{item}/f")
}

/// What comes of it, and how many requests that took.
fn after(rig: &Rig, reference: &str, status: u16, times: usize) -> (Option<ErrorKind>, usize) {
    rig.sim.forget_requests();
    rig.sim
        .fault_next(Route::Item, times, Fault::Status(status));
    let got = rig.read(reference);
    let requests = rig.sim.count(Route::Item);
    rig.sim.mend_all();
    (got.err().map(|error| error.kind), requests)
}

#[test]
fn status_401_is_refused_at_once_and_the_token_is_not_sent_for_a_while() {
    let rig = Rig::new();
    let reference = of(&rig);
    rig.sim.set_token("another");
    let error = rig.read(&reference).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(matches!(rig.client.health(), Health::Failing(_)));
    assert_eq!(rig.sim.total(), 1);
    // Not with every open …
    assert_eq!(rig.read(&reference).unwrap_err().kind, ErrorKind::Refused);
    assert_eq!(rig.sim.total(), 1);
    // … but again later, and less often each time.
    for (wait, total) in [(5, 2), (5, 2), (5, 3)] {
        rig.pass(Duration::from_secs(wait));
        assert_eq!(rig.read(&reference).unwrap_err().kind, ErrorKind::Refused);
        assert_eq!(rig.sim.total(), total);
    }
    // Another token is tried at once.
    rig.give("another");
    assert_eq!(rig.read(&reference).unwrap(), "v");
    assert_eq!(rig.client.health(), Health::Good);
}

#[test]
fn status_401_of_a_good_token_passes_by_itself() {
    let rig = Rig::new();
    let reference = of(&rig);
    let (error, requests) = after(&rig, &reference, 401, 1);
    assert_eq!((error, requests), (Some(ErrorKind::Refused), 1));
    rig.pass(Duration::from_secs(5));
    assert_eq!(rig.read(&reference).unwrap(), "v");
}

#[test]
fn status_403_that_comes_and_goes_is_tried_twice_again() {
    let rig = Rig::new();
    let reference = of(&rig);
    assert_eq!(after(&rig, &reference, 403, 2), (None, 3));
    assert_eq!(
        after(&rig, &reference, 403, 100),
        (Some(ErrorKind::Denied), 3)
    );
}

#[test]
fn status_404_and_400_are_no_such_item() {
    let rig = Rig::new();
    let vault = rig.sim.vault("Prod");
    let reference = format!("op://Prod/{vault}/f");
    for status in [404, 400] {
        let (error, requests) = after(&rig, &reference, status, 1);
        assert_eq!((error, requests), (Some(ErrorKind::Missing), 1));
    }
}

#[test]
fn status_408_is_waited_for_until_the_first_synchronisation_is_done() {
    let rig = Rig::new();
    let reference = of(&rig);
    assert_eq!(after(&rig, &reference, 408, 3), (None, 4));
    let kind = Some(ErrorKind::Server);
    assert_eq!(after(&rig, &reference, 408, 100), (kind, 4));
    let Health::Failing(error) = rig.client.health() else {
        panic!("well");
    };
    assert!(error.message.contains("synchronised"), "{error}");
}

#[test]
fn status_429_is_waited_for_and_no_longer_than_there_is_time() {
    let mut rig = Rig::new();
    let reference = of(&rig);
    rig.sim.retry_after(0);
    assert_eq!(after(&rig, &reference, 429, 2), (None, 3));
    // Whatever it says, not for ever.
    let (error, requests) = after(&rig, &reference, 429, 100);
    assert!(matches!(error, Some(ErrorKind::Limited { .. })));
    assert_eq!(requests, 6);
    rig.sim.retry_after(3600);
    rig.patience = Duration::from_secs(2);
    let (error, requests) = after(&rig, &reference, 429, 1);
    let Some(ErrorKind::Limited {
        retry_after: Some(wait),
    }) = error
    else {
        panic!("{error:?}");
    };
    assert!(wait > Duration::from_secs(3000), "{wait:?}");
    assert_eq!(requests, 1);
    // Nobody asks before it is over.
    assert!(rig.read(&reference).is_err());
    assert_eq!(rig.sim.total(), 1);
}

#[test]
fn status_500_is_tried_again_for_files_alone() {
    let rig = Rig::new();
    let reference = of(&rig);
    let kind = Some(ErrorKind::Server);
    assert_eq!(after(&rig, &reference, 500, 1), (kind, 1));
}

#[test]
fn status_502_503_and_504_are_tried_twice_again() {
    let rig = Rig::new();
    let reference = of(&rig);
    for status in [502, 503, 504] {
        assert_eq!(after(&rig, &reference, status, 2), (None, 3));
        let kind = Some(ErrorKind::Server);
        assert_eq!(after(&rig, &reference, status, 100), (kind, 3));
    }
}

#[test]
fn a_page_of_a_proxy_is_no_word_of_the_server_about_a_secret() {
    let rig = Rig::new();
    let reference = of(&rig);
    for (status, kind) in [
        (200, ErrorKind::Unreachable),
        (400, ErrorKind::Unreachable),
        (401, ErrorKind::Unreachable),
        (403, ErrorKind::Unreachable),
        (404, ErrorKind::Unreachable),
        (500, ErrorKind::Server),
        (502, ErrorKind::Server),
    ] {
        rig.sim.fault(Route::Item, Fault::Html(status));
        let error = rig.read(&reference).unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.kind.allows_stale(), "{status}");
        rig.sim.mend_all();
    }
    assert_eq!(rig.read(&reference).unwrap(), "v");
}

#[test]
fn errors_hold_no_token_and_nothing_of_an_answer() {
    let rig = Rig::new();
    let reference = of(&rig);
    for status in [400, 401, 403, 404, 408, 429, 500, 503] {
        rig.sim.retry_after(1000);
        rig.sim.fault(Route::Item, Fault::Status(status));
        rig.pass(Duration::from_secs(1000));
        rig.client.forget();
        rig.give(TOKEN);
        let shown = format!("{:?}", rig.read(&reference).unwrap_err());
        for no in [
            TOKEN,
            "bearer",
            "Bearer",
            "UUID",
            "Something went wrong",
            "timeout",
        ] {
            assert!(!shown.contains(no), "{status}: {shown}");
        }
        rig.sim.mend_all();
    }
}
