//! Outages (contract §6): what each costs in requests, and how it passes. What a program sees of them is
//! in `mounts/network/outages.rs`.

use super::rig::{BOTH, Rig};
use secretfs_providers::{ErrorKind, Health, Provider};
use secretfs_tests::http_sim::{Fault, Outage};
use secretfs_tests::infisical::{Generation, Limits, Route};
use std::time::Duration;

fn rig(generation: Generation) -> Rig {
    Rig::new(generation, |sim| sim.secret("/", "A", "one")).warmed()
}

/// The kind of failure of `A`, and how many requests for secrets it took.
fn failed(rig: &Rig) -> (ErrorKind, usize) {
    rig.sim.forget_requests();
    let kind = rig.read("/", "A").expect_err("a failure");
    (kind, rig.sim.count(Route::SecretSingle))
}

#[test]
fn row_429_is_one_request_and_no_other_before_its_end() {
    for generation in BOTH {
        let limits = Limits {
            secrets: 2,
            ..Limits::default()
        };
        let rig = Rig::new(generation, |sim| sim.secret("/", "A", "one").limits(limits));
        while rig.read("/", "A").is_ok() {}
        let (kind, requests) = failed(&rig);
        let ErrorKind::Limited {
            retry_after: Some(after),
        } = kind
        else {
            panic!("{kind:?}");
        };
        assert!(after <= Duration::from_secs(60), "{after:?}");
        assert_eq!(requests, 0);
    }
}

#[test]
fn row_500_is_asked_once_more_and_the_token_is_kept() {
    for generation in BOTH {
        let rig = rig(generation);
        rig.sim.database_down(true);
        assert_eq!(failed(&rig), (ErrorKind::Server, 2));
        assert!(matches!(rig.client.health(), Health::Failing(_)));
        rig.sim.database_down(false);
        assert_eq!(rig.read("/", "A").as_deref(), Ok("one"));
        assert_eq!(rig.sim.count(Route::Login), 0);
        assert_eq!(rig.client.health(), Health::Good);
    }
}

#[test]
fn row_500_that_is_over_at_once_is_not_seen() {
    let rig = rig(Generation::Both);
    rig.sim
        .fault_next(Route::SecretSingle, 1, Fault::Status(500));
    assert_eq!(rig.read("/", "A").as_deref(), Ok("one"));
}

#[test]
fn row_restart_is_tried_a_few_times_and_passes_without_a_sign_in() {
    let rig = rig(Generation::Both);
    rig.sim.outage(Some(Outage::Refuse));
    assert_eq!(failed(&rig), (ErrorKind::Unreachable, 0));
    rig.sim.outage(None);
    assert_eq!(rig.read("/", "A").as_deref(), Ok("one"));
    assert_eq!(rig.sim.count(Route::Login), 0);
}

#[test]
fn row_keep_alive_a_closed_connection_costs_no_more_than_another_one() {
    let rig = rig(Generation::Both);
    for _ in 0..5 {
        assert_eq!(rig.read("/", "A").as_deref(), Ok("one"));
        // As the server does after 72 s.
        rig.sim.outage(Some(Outage::Refuse));
        rig.sim.outage(None);
    }
    assert_eq!(rig.sim.count(Route::SecretSingle), 5);
}

#[test]
fn row_broken_answers_are_tried_again_where_that_may_help() {
    let rig = rig(Generation::Both);
    for (fault, kind, requests) in [
        // The connection: three times.
        (Fault::ResetAfter(0), ErrorKind::Unreachable, 3),
        (Fault::Garbage, ErrorKind::Unreachable, 3),
        // What somebody in between says, perhaps for a moment: twice.
        (Fault::Html(502), ErrorKind::Unreachable, 2),
        // A redirect, another's answer, what is too large: once.
        (Fault::Redirect("/x".into()), ErrorKind::Unreachable, 1),
        (Fault::WrongSecret, ErrorKind::Protocol, 1),
        (Fault::BadJson, ErrorKind::Protocol, 1),
        (Fault::Padded(20 << 20), ErrorKind::TooLarge, 1),
        (Fault::Endless, ErrorKind::TooLarge, 1),
    ] {
        rig.sim.fault(Route::SecretSingle, fault.clone());
        assert_eq!(failed(&rig), (kind, requests), "{fault:?}");
        rig.sim.mend_all();
        assert_eq!(rig.read("/", "A").as_deref(), Ok("one"), "{fault:?}");
    }
}

#[test]
fn row_broken_answers_of_a_list_are_no_part_of_it() {
    let rig = Rig::new(Generation::Both, |sim| {
        sim.secret("/", "A", "one")
            .secret("/", "B", &"two".repeat(1000))
    })
    .warmed();
    for (fault, kind) in [
        (Fault::Truncate(700), ErrorKind::Unreachable),
        (Fault::ResetAfter(900), ErrorKind::Unreachable),
        (Fault::Status(500), ErrorKind::Server),
        (Fault::Html(200), ErrorKind::Unreachable),
        (Fault::BadJson, ErrorKind::Protocol),
    ] {
        rig.sim.fault(Route::SecretList, fault.clone());
        assert_eq!(rig.read_many("/", &["A", "B"]), Err(kind), "{fault:?}");
        let folder = rig.folder("/").expect_err("a failure");
        assert_eq!(folder.kind, kind, "{fault:?}");
        rig.sim.mend_all();
    }
    assert_eq!(rig.folder("/").map(|all| all.len()), Ok(2));
}

#[test]
fn row_outages_of_a_sign_in_are_told_and_cost_few_uses_of_the_secret() {
    for (fault, kind, logins) in [
        (Fault::Status(500), ErrorKind::Server, 1),
        (Fault::Html(502), ErrorKind::Unreachable, 1),
        (Fault::Garbage, ErrorKind::Unreachable, 1),
        (Fault::ResetAfter(0), ErrorKind::Unreachable, 1),
        (Fault::Redirect("/x".into()), ErrorKind::Unreachable, 1),
        (Fault::BadJson, ErrorKind::Protocol, 1),
    ] {
        let rig = Rig::new(Generation::Both, |sim| sim.secret("/", "A", "one"));
        rig.sim.fault(Route::Login, fault.clone());
        assert_eq!(rig.read("/", "A"), Err(kind), "{fault:?}");
        assert_eq!(rig.sim.count(Route::Login), logins, "{fault:?}");
        assert_eq!(rig.sim.count(Route::SecretSingle), 0, "{fault:?}");
        rig.sim.mend_all();
        // None of these was a refusal: it is tried again with the next open.
        assert_eq!(rig.read("/", "A").as_deref(), Ok("one"), "{fault:?}");
    }
}
